"""Prompts that nobody means: none raises, none takes long."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.prompts.grammar import parse_attention, without_comments
from modules.prompts.schedule import parts, schedule
from modules.prompts.styles import clean
from modules.prompts.tags import without_tags
from tests.timing import seconds

READERS: dict[str, Callable[[str], object]] = {
    "attention": parse_attention,
    "comments": without_comments,
    "schedule": lambda prompt: schedule(prompt, 20),
    "schedule of the second pass": lambda prompt: schedule(prompt, 20, hires_steps=20),
    "parts": parts,
    "tags": without_tags,
    "styles": clean,
}
SIZE = 10_000
SECONDS = 0.5  # of this thread; the slowest takes 0.03 s on the machine of 2026, a quadratic one 1 s and more
REPEATED = [
    "(", "[", ")", "]", ":", "|", "\\", "<", ",", " ", "\t \n", "a(", "a[(", "[a:", "<a:", "<a:b=", "<a:b>", "A: ", '"', "((a:1.2)",
    "a:1.2)", "[a|", "[a|b]", "[a:b:0.5]", "[a:b:1", "(:1)", " AND", "AND ", "#", "\n#", "BREAK ", " BREAK(", "\\(", ".", ":1", ",,,",
    ", ,",
]  # fmt: skip
NESTED = ["[" * 2000 + "a" + ":b:0.5]" * 1300, "[" * 3000 + "a" + "|b]" * 2300, "(" * 5000 + ")" * 5000, "a(" * 2500 + ":1.01)" * 800]
NESTED += ["a:" + " " * 9990 + "x", "a" + " " * 9990 + ":x", "(a:" + " " * 9990, "," * 5000 + " " * 5000]
PROMPTS = st.text(alphabet="ab()[]:|\\<>=.01 ,-\n#ANDBREK", max_size=60)


@pytest.mark.parametrize("name", READERS)
def test_no_prompt_of_ten_kilobytes_takes_long(name: str) -> None:
    times: dict[str, float] = {}
    for prompt in [*((unit * SIZE)[:SIZE] for unit in REPEATED), *NESTED]:
        times[prompt[:20]] = seconds(lambda prompt=prompt: READERS[name](prompt))
    assert max(times.values()) < SECONDS, max(times, key=lambda unit: times[unit])


def check(prompt: str) -> None:
    """What holds for every prompt."""
    assert parse_attention(prompt)
    entries = schedule(prompt, 7)
    assert entries[-1].step == 7
    assert [entry.step for entry in entries] == sorted({entry.step for entry in entries})
    assert schedule(prompt, 5, hires_steps=7, old=True)[-1].step == 5
    assert schedule(prompt, 5, hires_steps=7)[-1].step == 7
    assert 1 <= len(parts(prompt)) <= 1 + prompt.count("AND")
    rest, tags = without_tags(prompt)
    assert len(rest) < len(prompt) if tags else rest == prompt


@given(PROMPTS)
@settings(max_examples=300)
def test_every_prompt_has_a_meaning(prompt: str) -> None:
    check(prompt)


@pytest.mark.slow
@given(st.one_of(PROMPTS, st.text(max_size=2000)))
@settings(max_examples=6000, deadline=None)
def test_every_prompt_of_many_has_a_meaning(prompt: str) -> None:
    check(prompt)
