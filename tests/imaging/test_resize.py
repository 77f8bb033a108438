"""Pictures brought to other sizes."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from modules.contract.request import Size
from modules.imaging.resize import MODES, hires_target, old_first_pass, resize_image
from tests.golden import golden_json


@pytest.mark.parametrize("case", golden_json("pure/hires_target.json"))
def test_the_second_passs_size_is_a1111s(case: dict[str, Any]) -> None:
    found = hires_target(Size(case["w"], case["h"]), case["scale"], Size(case["resize_x"], case["resize_y"]))
    assert (list(found.size), list(found.truncate)) == (case["upscale_to"], case["truncate"])


@pytest.mark.parametrize("case", golden_json("pure/old_hires_dims.json"))
def test_the_old_first_passs_size_is_a1111s(case: dict[str, Any]) -> None:
    assert list(old_first_pass(Size(case["w"], case["h"]))) == case["result"]


def halves(width: int = 40, height: int = 20) -> Image.Image:
    """A picture whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    return image


@pytest.mark.parametrize("mode", MODES[:3])
def test_every_mode_but_the_latent_one_gives_the_size(mode: Any) -> None:
    assert resize_image(mode, halves(), Size(24, 56)).size == (24, 56)


def test_the_latent_mode_leaves_the_picture_alone() -> None:
    image = halves()
    assert resize_image("latent upscale", image, Size(24, 56)) is image


def test_cropping_keeps_the_middle_and_proportions() -> None:
    cropped = np.asarray(resize_image("crop and resize", halves(), Size(20, 20)))
    assert tuple(cropped[10, 1]) == (255, 0, 0)
    assert tuple(cropped[10, 18]) == (0, 0, 255)


def test_filling_stretches_the_edge_over_what_is_free() -> None:
    filled = np.asarray(resize_image("resize and fill", halves(), Size(40, 60)))
    assert np.array_equal(filled[:20], np.repeat(filled[20:21], 20, axis=0))
    assert np.array_equal(filled[40:], np.repeat(filled[39:40], 20, axis=0))


def test_an_upscaler_is_asked_only_to_enlarge_pictures() -> None:
    asked: list[float] = []

    def upscale(image: Image.Image, scale: float) -> Image.Image:
        asked.append(scale)
        return image.resize((int(image.width * scale), int(image.height * scale)))

    resize_image("just resize", halves(), Size(20, 10), upscale=upscale)
    resize_image("just resize", halves().convert("L"), Size(80, 40), upscale=upscale)
    resize_image("just resize", halves(), Size(80, 30), upscale=upscale)
    assert asked == [2.0]
