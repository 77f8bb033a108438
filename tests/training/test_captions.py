"""Captions as they are shown: the trigger in front, tags moved and left out by lot, wordings for an embedding's word."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from modules.datasets.facts import PictureFacts
from modules.datasets.scan import Item
from modules.training.data.captions import Captions, all_choices, called, chosen, first_choices, has_word, text_options
from tests.training.pictures import request_for


def item(caption: str | None, words: str = "", name: str = "03_red-car.png") -> Item:
    return Item(Path(name), f"0/{name}", 0, 1, words, False, PictureFacts(64, 64), caption)


def captions(*texts: str | None, words: str = "", data: dict[str, Any] | None = None, **more: Any) -> Captions:
    request = request_for(Path("/nowhere"), data=data or {}, **{"trigger": "sks", **more})
    return Captions(request, [item(text, words) for text in texts])


def test_the_trigger_comes_in_front_unless_it_is_there() -> None:
    found = captions("a red car", "a photo of SKS at sea", "sksx, a car", "")
    assert [found.plain(index) for index in range(4)] == ["sks, a red car", "a photo of SKS at sea", "sks, sksx, a car", "sks"]


@pytest.mark.parametrize(
    ("missing", "words", "expected"),
    [
        ("trigger", "", "sks"),
        ("trigger", "toy car", "sks, toy car"),
        ("file name", "", "sks, red car"),
        ("empty", "toy car", ""),
    ],
)
def test_a_picture_without_a_caption(missing: str, words: str, expected: str) -> None:
    assert captions(None, words=words, data={"missing_captions": missing}).plain(0) == expected


def test_tags_are_shuffled_behind_those_that_are_kept() -> None:
    found = captions("one, two, three, four, five, six", data={"shuffle_tags": True, "keep_tags": 2})
    shown = {found.shown(0, step, 0) for step in range(30)}
    assert len(shown) > 20
    assert all(text.startswith("sks, one, ") for text in shown)
    assert {tuple(sorted(text.split(", "))) for text in shown} == {("five", "four", "one", "six", "sks", "three", "two")}


def test_tags_are_left_out_as_often_as_asked_but_not_those_kept() -> None:
    found = captions("a, b, c, d", data={"drop_tags": 0.25, "keep_tags": 1})
    shown = [found.shown(0, step, slot) for step in range(200) for slot in range(4)]
    counts = Counter(tag for text in shown for tag in text.split(", "))
    assert counts["sks"] == 800
    assert all(540 < counts[tag] < 660 for tag in "abcd")  # 600 each, 4.9 standard deviations


def test_captions_are_dropped_as_often_as_asked() -> None:
    found = captions("a car", data={"drop_captions": 0.1})
    dropped = sum(found.shown(0, step, 0) == "" for step in range(2000))
    assert 140 < dropped < 260  # 200, 4.5 standard deviations


def test_a_caption_at_a_slot_of_a_step_is_always_the_same() -> None:
    data = {"shuffle_tags": True, "drop_tags": 0.3, "drop_captions": 0.2}
    one, two = captions("a, b, c, d, e", data=data), captions("a, b, c, d, e", data=data)
    backwards = [two.shown(0, step, slot) for step in reversed(range(20)) for slot in reversed(range(4))]
    assert [one.shown(0, step, slot) for step in range(20) for slot in range(4)] == backwards[::-1]
    assert one.shown(0, 3, 0) != captions("a, b, c, d, e", data=data, steps={"seed": 8}).shown(0, 3, 0)


def test_lines_and_braces_are_several_captions() -> None:
    found = captions("a {red|dark {green|blue}} car\n\na drawing", data={})
    wanted = {"sks, a red car", "sks, a dark green car", "sks, a dark blue car", "sks, a drawing"}
    assert {found.shown(0, step, 0) for step in range(60)} == wanted
    assert set(found.all_shown(0) or ()) >= wanted
    assert found.plain(0) == "sks, a red car"


def test_braces_without_a_choice_are_text() -> None:
    assert chosen("a {car}", (1,)) == first_choices("a {car}") == "a {car}" == all_choices("a {car}")[0]


def test_texts_that_are_too_many_are_not_listed() -> None:
    assert captions("{a|b}{a|b}{a|b}{a|b}{a|b}{a|b}").all_shown(0) is None
    assert captions("a, b", data={"shuffle_tags": True}).all_shown(0) is None
    assert captions("a car", data={"drop_captions": 0.5}).all_shown(0) == ["sks, a car", ""]


def test_an_embeddings_word_is_met_in_many_sentences() -> None:
    found = captions(None, method="Textual Inversion", name="my-cat", trigger="")
    shown = {found.shown(0, step, 0) for step in range(100)}
    assert len(shown) == 12 and all("my-cat" in text for text in shown)
    assert shown == set(found.all_shown(0) or ())
    style = captions(None, method="Textual Inversion", name="my-cat", goal="style")
    assert any("style" in style.shown(0, step, 0) for step in range(10))
    assert called(request_for(Path("/nowhere"), method="Textual Inversion", name="my-cat", trigger="other")) == "my-cat"


def test_whole_words_only() -> None:
    assert has_word("a photo of sks, dog", "sks") and has_word("a SKS Dog", "sks dog")
    assert not has_word("asks me", "sks") and not has_word("sks_2", "sks")


def test_brackets_are_text_unless_weights_are_asked_for() -> None:
    assert text_options(request_for(Path("/nowhere"))).emphasis == "None"
    weighted = text_options(request_for(Path("/nowhere"), data={"weighted_captions": True, "clip_skip": 2}))
    assert (weighted.emphasis, weighted.clip_skip) == ("Original", 2)
