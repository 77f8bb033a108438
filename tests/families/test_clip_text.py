"""Tokens, chunks and weights, against A1111's."""

import pytest

from modules.families.clip_text import tokenize
from tests.golden import golden_json

EMBEDDINGS = "tiny"  # prompts that name an embedding: not before embeddings can be loaded


def cases(name: str) -> list[dict]:
    return [case for case in golden_json(f"pure/{name}.json") if EMBEDDINGS not in case["prompt"].lower()]


@pytest.mark.parametrize("case", cases("tokenize_line_clip"), ids=lambda case: f"{case['prompt'][:30]}-{case['comma_padding_backtrack']}")
def test_a_prompt_falls_into_a1111s_chunks(case: dict) -> None:
    tokens = tokenize(case["prompt"], comma_backtrack=case["comma_padding_backtrack"])
    assert tokens.count == case["token_count"]
    assert [chunk.tokens for chunk in tokens.chunks] == [chunk["tokens"] for chunk in case["chunks"]]
    assert [chunk.weights for chunk in tokens.chunks] == [chunk["multipliers"] for chunk in case["chunks"]]


@pytest.mark.parametrize("case", cases("tokenize_line_emphasis"), ids=lambda case: f"{case['prompt'][:30]}-{case['emphasis']}")
def test_each_emphasis_mode_reads_brackets_as_a1111_does(case: dict) -> None:
    tokens = tokenize(case["prompt"], emphasis=case["emphasis"])
    for chunk, wanted in zip(tokens.chunks, case["chunks"], strict=True):
        shown = len(wanted["tokens"])  # the recording kept the first tokens of each chunk
        assert chunk.tokens[:shown] == wanted["tokens"]
        assert chunk.weights[:shown] == wanted["multipliers"]


def test_a_prompt_of_a_thousand_words_keeps_every_word() -> None:
    tokens = tokenize(" ".join(["cat"] * 1000))
    assert sum(chunk.tokens.count(2368) for chunk in tokens.chunks) == 1000
    assert all(len(chunk.tokens) == len(chunk.weights) == 77 for chunk in tokens.chunks)
