"""A1111's infotext, written and read."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modules.infotext import read, write
from modules.infotext.older import completed, old_first_pass, version
from modules.infotext.write import quoted
from tests.golden import golden_json

STYLES = ("masterpiece, cat", "cat, (oil painting")  # recorded with styles taken out of the prompt: tests/infotext/test_paste.py
CASES = [case for case in golden_json("pure/infotext_parse.json") if not case["text"].startswith(STYLES)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:40])
def test_what_a1111_reads_is_read(case: dict) -> None:
    assert completed(read(case["text"])) == {label: str(value) for label, value in case["result"].items()}


@pytest.mark.parametrize("case", golden_json("pure/infotext_quote.json"), ids=lambda case: repr(case["in"])[:40])
def test_values_are_quoted_as_a1111_quotes_them(case: dict) -> None:
    assert quoted(case["in"]) == case["quoted"]


@pytest.mark.parametrize("case", golden_json("pure/old_hires_dims.json"), ids=lambda case: f"{case['w']}x{case['h']}")
def test_the_first_pass_of_old_pictures_has_a1111s_size(case: dict) -> None:
    assert list(old_first_pass(case["w"], case["h"])) == case["result"]


LINE = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=40).map(str.strip)
PROMPT = st.lists(LINE.filter(lambda line: not line.startswith("Negative prompt:")), max_size=3).map(lambda lines: "\n".join(lines).strip())
VALUE = st.text(alphabet=st.one_of(st.sampled_from('abc,:"\\ \n'), st.characters(exclude_categories=("Cs", "Cc"))), max_size=20).map(
    str.strip
)


@given(PROMPT, PROMPT, VALUE.filter(lambda value: not value.startswith('"') and "x" not in value), st.integers(0, 2**64))
def test_what_is_written_is_read_back(prompt: str, negative: str, note: str, seed: int) -> None:
    parameters = {"Steps": 20, "Sampler": "Euler a", "Seed": seed, "Note": note, "Size": "64x32", "Left out": None}
    expected = {"Prompt": prompt, "Negative prompt": negative, "Steps": "20", "Sampler": "Euler a", "Seed": str(seed)}
    expected |= {"Size-1": "64", "Size-2": "32", **({"Note": note} if note else {})}
    assert read(write(prompt, negative, parameters)) == expected


def test_a_parameter_without_a_value_is_left_out_and_one_that_is_its_key_stands_alone() -> None:
    assert write("a", "", {"Steps": 1, "Clip skip": None, "Tiling": "Tiling"}) == "a\nSteps: 1, Tiling"


def test_a_label_without_a_value_is_left_out() -> None:
    assert "Note" not in read("a\nSteps: 1, Note: , Seed: 2, Size: 8x8")


def test_empty_lines_before_the_negative_prompt_s_first_word_go() -> None:
    assert read("a\n\nNegative prompt:\n\nb\n\nc\nSteps: 1, Sampler: x, Seed: 2") == {
        "Prompt": "a\n", "Negative prompt": "b\n\nc", "Steps": "1", "Sampler": "x", "Seed": "2",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v1.7.0-225-gabcdef", (1, 7, 0, 0, 225)),
        ("1.10.1", (1, 10, 1, 0, 0)),
        ("v1.6.0-RC", (1, 6, 0, 0, -1)),
        ("easel-0.1.0", None),
        ("f2.0.1v1.10.1-previous-1", None),
        ("", None),
        ("9" * 5000, None),
    ],
)
def test_versions_are_read(text: str, expected: tuple[int, ...] | None) -> None:
    assert version(text) == expected


def test_the_old_pair_first_pass_size_becomes_the_sizes_of_both_passes() -> None:
    values = completed(read("a\nSteps: 1, Sampler: x, Seed: 2, Size: 768x1280, First pass size: 0x0, Denoising strength: 0.7"))
    assert {label: values[label] for label in ("Size-1", "Size-2", "Hires resize-1", "Hires resize-2")} == {
        "Size-1": "448", "Size-2": "704", "Hires resize-1": "768", "Hires resize-2": "1280",
    }  # fmt: skip


def test_an_old_hypernetwork_becomes_a_tag() -> None:
    values = completed(read("a\nSteps: 1, Sampler: x, Seed: 2, Hypernet: net, Hypernet strength: 0.5"))
    assert values["Prompt"] == "a<hypernet:net:0.5>"


@pytest.mark.parametrize(("prompt", "expected"), [("\\(a\\)", False), ("\\\\(a", True), ("a\\", False), ("[a]", True), ("", False)])
def test_a_prompt_with_brackets_asks_for_the_usual_emphasis(prompt: str, expected: bool) -> None:
    assert ("Emphasis" in completed({"Prompt": prompt})) == expected


@given(st.one_of(st.text(max_size=300), st.text(alphabet='aS:,"\\ x1\n-/', max_size=300)))
@settings(max_examples=300)
def test_no_text_raises(text: str) -> None:
    completed(read(text))
