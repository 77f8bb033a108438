"""Prompt schedules and AND, against what A1111 answered and by properties."""

import pytest

from modules.prompts.schedule import Part, Until, at, parts, schedule
from tests.golden import golden_json


def test_schedules_are_a1111s() -> None:
    cases = golden_json("pure/prompt_schedules.json")
    wrong = [
        case
        for case in cases
        if [
            list(entry)
            for entry in schedule(case["prompt"], case["base_steps"], hires_steps=case["hires_steps"], old=case["use_old_scheduling"])
        ]
        != case["result"]
    ]
    assert len(cases) > 300
    assert not wrong, wrong[0]


@pytest.mark.parametrize("case", golden_json("pure/multicond.json"), ids=lambda case: case["prompt"][:40])
def test_and_splits_as_in_a1111(case: dict) -> None:
    assert parts(case["prompt"]) == [Part(case["flat"][index], weight) for index, weight in case["conds"][0]]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("[:0.5]", [(2, ""), (4, "")]),  # [to:when] with an empty text
        ("[ :0.5]", [(2, ""), (4, " ")]),
        ("[a: 0.5 : 0.7]", [(2, "a"), (4, " 0.5 ")]),  # a number that is not last is text
        ("[a||b]", [(1, "a"), (2, ""), (3, "b"), (4, "a")]),
        ("[a:b:0.5]|", [(4, "[a:b:0.5]|")]),  # a stray | makes all of it text
        ("[a:b:0.5]\\", [(4, "[a:b:0.5]\\")]),  # so does a backslash at the end
        ("[a:b:0.5]\\\n", [(4, "[a:b:0.5]\\\n")]),
        ("[a|b:c]", [(4, "[a|b:c]")]),
        ("[(a|b:0.5]", [(4, "[(a|b:0.5]")]),
        ("[a\\|b:c:2]", [(2, "a\\|b"), (4, "c")]),  # an escaped separator is text
        ("[a:b:2", [(4, "[a:b:2")]),
        ("[[a:b:2]", [(2, "[a"), (4, "[b")]),  # a bracket that is never closed is text around it
        ("[x:[a|b]:0.5]", [(1, "x"), (2, "x"), (3, "a"), (4, "b")]),
        ("[a:b:1e400]", [(4, "a")]),  # A1111 fails here
        ("[a:b:-1e400]", [(4, "b")]),
        ("[a:b:c:2]", [(4, "[a:b:c:2]")]),
    ],
)
def test_odd_prompts_are_read_as_a1111s_grammar_reads_them(prompt: str, expected: list[tuple[int, str]]) -> None:
    assert schedule(prompt, 4) == [Until(*entry) for entry in expected]


def test_the_second_pass_has_a_schedule_of_its_own() -> None:
    assert schedule("[a:b:1.5]", 10) == [Until(10, "a")]
    assert schedule("[a:b:1.5]", 10, hires_steps=20) == [Until(10, "a"), Until(20, "b")]


def test_on_the_old_timeline_the_second_pass_has_the_first_ones() -> None:
    assert schedule("[a:b:0.5]", 10, hires_steps=20, old=True) == schedule("[a:b:0.5]", 10)


def test_the_first_entry_has_one_call_more_than_its_number_says() -> None:
    entries = schedule("[a:b:3]", 8)
    assert [entries[at(entries, step)].text for step in range(6)] == ["a", "a", "a", "a", "b", "b"]


def test_beyond_the_last_entry_it_is_the_first_again() -> None:
    assert at(schedule("[a:b:3]", 8), 9) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:1:2", Part("a:1", 2.0)),
        ("a:1e5", Part("a:1e5", 1.0)),
        ("a:1.", Part("a", 1.0)),
        ("a : -.5 ", Part("a", -0.5)),
        ("a\nb:2", Part("a\nb", 2.0)),
        (":0.5", Part("", 0.5)),
        ("a:.", Part("a:.", 1.0)),
    ],
)
def test_a_weight_is_the_number_behind_the_last_colon(text: str, expected: Part) -> None:
    assert parts(text) == [expected]
