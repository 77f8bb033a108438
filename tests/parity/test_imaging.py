"""Picture functions alone against what A1111 1.10.1 recorded: bit for bit, for they involve no network."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from modules.contract.request import Inpaint, Size
from modules.imaging.color import match_colors
from modules.imaging.inpainting import Prepared, composite, prepare
from modules.imaging.masks import fill
from modules.imaging.resize import MODES, Upscale, resize_image
from tests.golden import golden_json, golden_path, needs_golden

CONTENTS: tuple[Any, ...] = ("fill", "original", "latent noise", "latent nothing")
KINDS = {"Lanczos": Image.Resampling.LANCZOS, "Nearest": Image.Resampling.NEAREST}


def recorded(name: str) -> Path:
    """A recorded file."""
    path = golden_path(name)
    assert path is not None
    return path


def pixels(image: Image.Image) -> NDArray[np.uint8]:
    return np.array(image.convert("RGB"))


def input_picture(name: str) -> Image.Image:
    return Image.open(recorded(f"inputs/{name}.png"))


def upscaler(name: str | None) -> Upscale | None:
    """A1111's upscaler of a name: to its size by the kind, then to a multiple of 8."""
    if name is None:
        return None

    def upscale(image: Image.Image, scale: float) -> Image.Image:
        target = int(image.width * scale // 8 * 8), int(image.height * scale // 8 * 8)
        enlarged = image.resize((int(image.width * scale), int(image.height * scale)), KINDS[name])
        return enlarged if enlarged.size == target else enlarged.resize(target, KINDS["Lanczos"])

    return upscale


RESIZES = golden_json("pure/resize_image.json")


@pytest.mark.parametrize("case", RESIZES, ids=[Path(case["file"]).stem for case in RESIZES])
def test_resizing_is_a1111s(case: dict[str, Any]) -> None:
    if golden_path(f"pure/{case['file']}") is None:
        pytest.skip("the recorded A1111 data are not at hand (EASEL_GOLDEN)")
    found = resize_image(case["mode"], input_picture(case["image"]), Size(case["w"], case["h"]), upscale=upscaler(case["upscaler"]))
    assert np.array_equal(pixels(found), pixels(Image.open(recorded(f"pure/{case['file']}"))))


@needs_golden
@pytest.mark.parametrize(("image", "mask"), [("a128", "m128"), ("d256", "m256")])
def test_the_masks_fill_is_a1111s(image: str, mask: str) -> None:
    found = fill(input_picture(image), input_picture(mask))
    assert np.array_equal(pixels(found), pixels(Image.open(recorded(f"pure/img/fill_{mask}.png"))))


@needs_golden
def test_matched_colours_are_a1111s() -> None:
    case = json.loads(recorded("cases/311-i2i-color-correction.json").read_text())
    plain = Image.open(recorded("answers/309-i2i-noise-mult-opt-0.png"))  # the same request without the correction
    matched = match_colors(plain, opened(case["init_images"][0]))
    assert np.array_equal(pixels(matched), pixels(Image.open(recorded("answers/311-i2i-color-correction-0.png"))))


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def prepared(case: dict[str, Any]) -> Prepared:
    """What our side makes of a recorded inpainting request."""
    blur = case.get("mask_blur")
    inpaint = Inpaint(
        mask=case["mask"],
        blur=(blur, blur) if blur is not None else (case.get("mask_blur_x", 4), case.get("mask_blur_y", 4)),
        invert=bool(case.get("inpainting_mask_invert", 0)),
        content=CONTENTS[case.get("inpainting_fill", 0)],
        only_masked=case.get("inpaint_full_res", True),
        padding=case.get("inpaint_full_res_padding", 0),
        rounded=case.get("mask_round", True),
    )
    sources = [opened(text) for text in case["init_images"]]
    size = Size(case["width"], case["height"])
    return prepare(sources, inpaint, MODES[case.get("resize_mode", 0)], size, background="#ffffff")


def inpainting_cases() -> list[str]:
    """The names of the recorded requests with a mask."""
    manifest = golden_path("manifest.json")
    folder = manifest.parent / "cases" if manifest else Path("nowhere")
    cases = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    return [name for name, case in cases.items() if case.get("mask") and case.get("init_images") and not case.get("script_name")]


@needs_golden
@pytest.mark.parametrize("name", inpainting_cases())
def test_what_is_laid_over_the_result_and_the_infotexts_pairs_are_a1111s(name: str) -> None:
    case = json.loads(recorded(f"cases/{name}.json").read_text())
    answer = Image.open(recorded(f"answers/{name}-0.png"))
    ready = prepared(case)
    pairs = "".join(f", {key}: {value}" for key, value in ready.notes.items())
    assert pairs in answer.info["parameters"]
    if ready.overlays and case.get("override_settings", {}).get("overlay_inpaint", True):
        finished, _ = composite(Image.new("RGB", (case["width"], case["height"])), ready, 0)
        outside = np.asarray(ready.overlays[0])[..., 3] == 255
        assert outside.any()
        assert np.array_equal(pixels(finished)[outside], pixels(answer)[outside])
