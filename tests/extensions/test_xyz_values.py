"""The values of a plot's axis, as they are written."""

import pytest

from extensions.xyz_plot.values import joined, split, values
from modules.contract.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4,6", [4, 6]),
        (" 1-5 ", [1, 2, 3, 4, 5]),
        ("1-9 (+3), 20", [1, 4, 7, 20]),
        ("10-5 (-2)", [10, 8, 6]),
        ("5-1 (-1)", [5, 4, 3, 2, 1]),
        ("1-10 [4]", [1, 4, 7, 10]),
        ("-1", [-1]),
        ("-3--1", [-3, -2, -1]),
        ("7-7", [7]),
    ],
)
def test_whole_numbers(text: str, found: list[int]) -> None:
    assert values("Steps", "whole", split(text)) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3,9.5", [3.0, 9.5]),
        ("0-1 (+0.25)", [0, 0.25, 0.5, 0.75, 1]),
        ("0-1 (+0.3)", [0, 0.3, 0.6, 0.9]),
        ("1-0 (-0.5)", [1, 0.5, 0]),
        ("0-1 [3]", [0, 0.5, 1]),
        ("0.1-0.3 (+0.1)", [0.1, 0.2, 0.3]),
    ],
)
def test_decimals(text: str, found: list[float]) -> None:
    assert values("CFG Scale", "decimal", split(text)) == pytest.approx(found, abs=1e-11)


def test_decimals_are_decimals_even_where_they_are_whole() -> None:
    assert [type(value) for value in values("CFG Scale", "decimal", split("3, 1-2"))] == [float] * 3


def test_texts_with_commas_stand_in_quotes() -> None:
    assert values("Prompt S/R", "text", split('cat, "dog, brown" ,bird')) == ["cat", "dog, brown", "bird"]


def test_lines_part_values_too() -> None:
    assert split("a\nb,c") == ["a", "b", "c"]


def test_joined_values_can_be_split_again() -> None:
    entries = ["plain", "with, comma", 'with "quotes"', "c"]
    assert split(joined(entries)) == entries


def test_all_orders_of_a_list() -> None:
    assert values("Prompt order", "order", ["a", "b", "c"])[:3] == [("a", "b", "c"), ("a", "c", "b"), ("b", "a", "c")]


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("whole", "five", "'five' is not a whole number"),
        ("whole", "1.5", "'1.5' is not a whole number"),
        ("decimal", "x", "'x' is not a number"),
        ("whole", "5-1", "leads nowhere"),
        ("whole", "1-5 (+0)", "leads nowhere"),
        ("whole", "1-100000", "more than 4096"),
        ("order", "a,b,c,d,e,f,g", "5040 orders"),
    ],
)
def test_what_is_no_value_is_refused(kind: str, text: str, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        values("The axis", kind, split(text))  # type: ignore[arg-type]  # a parameter is a str
