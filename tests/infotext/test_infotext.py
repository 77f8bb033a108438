"""A1111's infotext, written and read."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.infotext import read, write
from modules.infotext.write import quoted
from tests.golden import golden_json

STYLES = ("masterpiece, cat", "cat, (oil painting")  # recorded with styles taken out of the prompt, which is not `read`'s work
CASES = [case for case in golden_json("pure/infotext_parse.json") if not case["text"].startswith(STYLES)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:40])
def test_what_a1111_reads_is_read(case: dict) -> None:
    for key, value in read(case["text"]).items():
        assert str(case["result"][key]) == value


@pytest.mark.parametrize("case", golden_json("pure/infotext_quote.json"), ids=lambda case: repr(case["in"])[:40])
def test_values_are_quoted_as_a1111_quotes_them(case: dict) -> None:
    assert quoted(case["in"]) == case["quoted"]


TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=60).map(str.strip)


@given(TEXT, TEXT, st.text(alphabet='abc,:"\\ \n', min_size=1, max_size=20))
def test_what_is_written_is_read_back(prompt: str, negative: str, value: str) -> None:
    if any(text.startswith("Negative prompt:") for text in (prompt, negative)):
        return
    parameters = {"Steps": 20, "Sampler": "Euler a", "Seed": 5, "Note": value, "Size": "64x32"}
    values = read(write(prompt, negative, parameters))
    assert (values["Prompt"], values["Negative prompt"]) == (prompt, negative)
    assert (values["Steps"], values["Size-1"], values["Size-2"]) == ("20", "64", "32")
    if not value.startswith('"'):
        assert values["Note"].strip() == value.strip() or quoted(value) == value


def test_a_parameter_without_a_value_is_left_out_and_one_that_is_its_key_stands_alone() -> None:
    assert write("a", "", {"Steps": 1, "Clip skip": None, "Tiling": "Tiling"}) == "a\nSteps: 1, Tiling"


@given(st.text(max_size=200))
def test_no_text_raises(text: str) -> None:
    read(text)


def test_reading_takes_time_in_proportion_to_the_length() -> None:
    started = time.perf_counter()
    for text in ("a: " * 80_000, "Steps: 20, " * 20_000, '"' * 250_000, "x, " * 80_000, 'a: "' + "\\" * 250_000):
        read(text)
    assert time.perf_counter() - started < 5
