"""Where a prompt's chunks begin."""

import pytest

from modules.families import clip_tokens
from modules.families.clip_text import tokenize
from modules.prompts.borders import CHUNK, chunk_borders

WORDS = "a red star on a blue background with many small houses and trees a quiet river "
LONG = "a red star on a blue background, with many small houses, trees and a quiet river, masterpiece, best quality, highly detailed, " * 8
PROMPTS = {
    "short": "a red star",
    "empty": "",
    "one word on and on": "star " * 200,
    "no comma": WORDS * 12,
    "commas": LONG,
    "weights": "(a red star:1.3), [a blue sea], " * 30,
    "BREAK": "a red star BREAK a blue sea, " + LONG,
    "BREAK alone": "a BREAK b BREAK c",
    "unclosed": "(((" + LONG,
    "without blanks": "star," * 150,
}


def used(text: str) -> int:
    return tokenize(text).count


def begins(prompt: str) -> list[str]:
    """The first tokens of each chunk but the first, as text without blanks, as the tokenizer deals them out."""
    chunks = [[token for token in chunk.tokens if token not in (clip_tokens.START, clip_tokens.END)] for chunk in tokenize(prompt).chunks]
    decoder = clip_tokens.tokenizer()
    return [decoder.decode(tokens[:4]).replace(" ", "") for tokens in chunks[1:] if tokens]


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_each_chunk_begins_where_the_tokenizer_begins_it(prompt: str) -> None:
    borders = chunk_borders(prompt, used)
    expected = begins(prompt)
    assert len(borders) == len(expected)
    for border, start in zip(borders, expected, strict=True):
        shown = "".join(sign for sign in prompt[border : border + 60] if sign not in " ()[]").replace("BREAK", "")
        assert shown[: len(start)] == start[: len(shown)], (border, prompt[border : border + 30], start)


def test_what_a_style_adds_behind_the_prompt_gives_no_border() -> None:
    assert chunk_borders("a red star", lambda text: used(text) + 2 * CHUNK) == [0, 0]
    assert chunk_borders("", lambda text: 100) == []


def test_it_counts_a_few_times_not_once_a_word() -> None:
    counts = 0

    def counted(text: str) -> int:
        nonlocal counts
        counts += 1
        return used(text)

    assert len(chunk_borders(LONG, counted)) == 2
    assert counts < 30
