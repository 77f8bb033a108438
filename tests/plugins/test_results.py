"""What drivers put together: infotexts with and without pairs, results of several generations."""

import pytest
from PIL import Image

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, SourceImage
from modules.contract.result import GeneratedImage, GenerationResult
from modules.imaging.opening import open_image
from modules.infotext import read
from modules.plugins import as_source, composed, drawn, gathered, pictures, source_of, with_pairs, without_pairs

TEXT = 'a cat\nNegative prompt: x\nSteps: 4, RNG: CPU, Lora hashes: "a: 1, b: 2", Version: v1'


def test_further_pairs_stand_before_the_version() -> None:
    assert with_pairs(TEXT, {"Script": "Plot", "X Values": "1,2"}).endswith('"a: 1, b: 2", Script: Plot, X Values: "1,2", Version: v1')


def test_without_a_version_they_stand_at_the_end() -> None:
    assert with_pairs("a cat\nSteps: 4, Seed: 1, Size: 8x8", {"Script": "Plot"}).endswith("Size: 8x8, Script: Plot")


def test_a_version_in_the_prompt_is_none() -> None:
    assert with_pairs("a, Version: b\nSteps: 4, Seed: 1, Size: 8x8", {"x y": 1}) == "a, Version: b\nSteps: 4, Seed: 1, Size: 8x8, x y: 1"


def test_no_pairs_change_nothing() -> None:
    assert with_pairs(TEXT, {}) == TEXT


@pytest.mark.parametrize("key", ["Steps", "RNG", "Lora hashes", "Version"])
def test_a_pair_taken_out_is_gone_and_the_others_stay(key: str) -> None:
    before, after = read(TEXT), read(without_pairs(TEXT, [key]))
    assert key not in after and {name: value for name, value in before.items() if name != key} == after


def test_a_key_in_a_value_or_a_prompt_is_no_pair() -> None:
    text = 'RNG: me\nSteps: 4, Seed: 1, Note: "x, RNG: CPU"'
    assert without_pairs(text, ["b", "Seed"]) == 'RNG: me\nSteps: 4, Note: "x, RNG: CPU"'


def picture(seed: int, **more: str) -> GeneratedImage:
    return GeneratedImage(Image.new("RGB", (8, 8)), seed, 0, f"prompt {seed}", "", f"text {seed}", **more)  # type: ignore[arg-type]


def test_several_results_become_one() -> None:
    first = GenerationResult((picture(1),), warnings=("a",), seconds=1, details={"model": "m"})
    second = GenerationResult((picture(2),), warnings=("a", "b"), seconds=2, interrupted=True)
    grid = composed(Image.new("RGB", (16, 8)), picture(1), path="grid.png", kind="grid")
    whole = gathered([first, second], [grid, *first.images, *second.images], grids=1)
    assert (whole.warnings, whole.seconds, whole.interrupted, whole.details["model"]) == (("a", "b"), 3, True, "m")
    assert whole.details["index_of_first_image"] == 1 and whole.details["info"]["all_seeds"] == [1, 2]
    assert [image.seed for image in pictures(whole)] == [1, 2]


def test_nothing_at_all_is_a_result_too() -> None:
    assert gathered([], []).images == ()


def test_a_source_carries_every_value_of_a_picture() -> None:
    image = Image.effect_noise((32, 32), 90).convert("RGB")
    source = source_of(GenerationRequest(source=SourceImage(pictures=(as_source(image),))))
    assert open_image(source.pictures[0]).tobytes() == image.tobytes()


def test_txt2img_has_no_source() -> None:
    with pytest.raises(BadRequest, match="txt2img has none"):
        source_of(GenerationRequest())


def test_drawn_seeds_are_the_same_again_and_differ_from_place_to_place() -> None:
    assert drawn(5, 1, 2) == drawn(5, 1, 2)
    assert len({drawn(5, 1, 2), drawn(5, 2, 1), drawn(6, 1, 2)}) == 3
