"""Random sets: the same seed gives the same choice, tags and weights stay whole, and pictures are made with what was chosen."""

import json
from collections import Counter
from pathlib import Path

import pytest

from extensions.prompt_library.sets import chosen, entries_of, has_sets, marked
from extensions.prompt_library.shelves import bundled, own_files
from modules.contract.request import GenerationRequest
from modules.infotext import read
from modules.pipeline.manager import PipelineManager
from tests.extensions.making import REQUEST
from tests.tiny import Listener


def test_a_set_is_the_same_for_a_seed_and_each_entry_has_its_chance() -> None:
    text = "a #[red, green, blue] #[cat, dog], quiet"
    assert chosen(text, 5) == chosen(text, 5)
    counts = Counter(chosen("#[red, green, blue]", seed) for seed in range(600))
    assert set(counts) == {"red", "green", "blue"} and min(counts.values()) > 140
    pairs = {chosen("#[a, b] #[a, b]", seed) for seed in range(60)}
    assert pairs == {"a a", "a b", "b a", "b b"}, "each set draws for itself"


@pytest.mark.parametrize(("inside", "entries"), [
    ("<lora:ink:0.7> thin line, <lora:oil:1>", ["<lora:ink:0.7> thin line", "<lora:oil:1>"]),
    ("(red, white:1.2), [day:night:0.5]", ["(red, white:1.2)", "[day:night:0.5]"]),
    ("红色\uff0c蓝色、绿色", ["红色", "蓝色", "绿色"]),
    (r"a \[x, b", [r"a \[x", "b"]),
    ("", [""]),
])
def test_only_commas_outside_of_brackets_part_entries(inside: str, entries: list[str]) -> None:
    assert entries_of(inside) == entries


def test_sets_in_sets_and_what_is_no_set() -> None:
    assert {chosen("#[a, #[b, c]]", seed) for seed in range(40)} == {"a", "b", "c"}
    for text in ("a # comment", "#[never closed", "[a:b:0.5]", "[a|b]"):
        assert chosen(text, 1) == text and marked(text) == text
    assert marked("x #[a, #[b, c]] # note") == "x \uff03[a, \uff03[b, c]] # note" and has_sets("\uff03[a]")


def request_of(prompt: str, pictures: int = 2) -> GenerationRequest:
    return REQUEST.replace(prompt=prompt, negative_prompt="#[grey, dull]", seed=3, steps=1, batch_count=pictures, batch_size=pictures)


def test_each_picture_of_a_generation_has_its_own_choice_which_its_infotext_names(pipeline: PipelineManager) -> None:
    prompt = "#[red, green, blue, white] star, #[big, small]"
    result = pipeline.generate(pipeline.check(request_of(prompt)), Listener())
    found = [read(image.infotext) for image in result.images if image.infotext]
    wanted = [chosen(prompt, seed, "positive") for seed in range(3, 7)]
    assert [one["Prompt"] for one in found[-4:]] == wanted and len(set(wanted)) > 1
    again = pipeline.generate(pipeline.check(request_of(prompt)), Listener())
    assert [one.infotext for one in again.images] == [one.infotext for one in result.images]


def test_a_prompt_with_sets_makes_the_picture_of_what_was_chosen_and_one_without_is_not_touched(pipeline: PipelineManager) -> None:
    prompt = "#[red, green] star"
    plain = request_of(chosen(prompt, 3, "positive"), 1).replace(negative_prompt=chosen("#[grey, dull]", 3, "negative"))
    made = pipeline.generate(pipeline.check(request_of(prompt, 1)), Listener())
    same = pipeline.generate(pipeline.check(plain), Listener())
    assert made.images[0].image.tobytes() == same.images[0].image.tobytes()
    assert "Random sets" in made.images[0].infotext and "Random sets" not in same.images[0].infotext


def test_the_library_has_every_shelf_of_the_vocabulary_named_in_several_languages() -> None:
    shelves = bundled(explicit=False)
    tags = [tag for shelf in shelves for group in shelf["groups"] for tag in group["tags"]]
    assert len(shelves) >= 14 and len(tags) > 900 and "cat" in {english for english, _ in tags}
    assert all(names.get("zh") and names.get("ja") for _, names in tags)


def test_own_files_of_any_depth_are_read_filtered_and_bad_ones_named(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({"天空": {"夜": {"星空": "starry sky"}, "list": ["moon", 5]}, "单独": "solo"}), "utf8")
    (tmp_path / "broken.json").write_text("{", "utf8")
    (tmp_path / "list.json").write_text("[]", "utf8")
    shelves, problems = own_files(tmp_path, explicit=False)
    groups = {group["name"]: group["tags"] for group in shelves[0]["groups"]}
    assert groups == {
        "天空 / 夜": [["starry sky", {"own": "星空"}]], "天空 / list": [["moon", {"own": "moon"}]], "mine": [["solo", {"own": "单独"}]],
    }
    assert len(problems) == 2 and problems[0].startswith("broken.json cannot be read")
