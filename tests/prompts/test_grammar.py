"""A1111's attention syntax, against what A1111 answered and by properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.prompts.grammar import Piece, parse_attention, without_comments
from tests.golden import golden_json


@pytest.mark.parametrize("case", golden_json("pure/parse_prompt_attention.json"), ids=lambda case: case["prompt"][:40])
def test_a_prompt_is_weighed_as_a1111_weighs_it(case: dict) -> None:
    assert [list(piece) for piece in parse_attention(case["prompt"])] == case["result"]


@pytest.mark.parametrize("case", golden_json("pure/strip_comments.json"), ids=lambda case: case["prompt"][:40])
def test_comments_go_as_in_a1111(case: dict) -> None:
    assert without_comments(case["prompt"]) == case["result"]


@given(st.text(alphabet="ab()[]:\\.1 ,BREAK", max_size=60))
def test_no_prompt_raises(prompt: str) -> None:
    assert parse_attention(prompt)


@pytest.mark.parametrize("weight", [".", "1.2.3", "+.", "-"])
def test_a_weight_that_is_no_number_weighs_one_or_stays_text(weight: str) -> None:
    assert all(piece.weight == 1.0 for piece in parse_attention(f"(a:{weight}) b") if piece.text.endswith("b"))


def test_a_hundred_thousand_brackets_take_no_time_and_no_recursion() -> None:
    assert parse_attention("(" * 100_000 + "a")[0].text == "a"


def test_text_without_syntax_is_one_piece() -> None:
    assert parse_attention("a red star") == [Piece("a red star", 1.0)]
