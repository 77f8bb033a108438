"""Control networks in the pipeline, on the smallest real models: they act where, when and as strongly as they are told."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from extensions.controlnet.hints import Hints
from extensions.controlnet.preprocessors import NAMES, find
from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.request import GenerationRequest, HiresPass, Inpaint, Size, SourceImage
from modules.families.identify import check_checkpoint
from modules.pipeline.library import Library
from modules.pipeline.manager import PipelineManager
from modules.settings.store import SettingsStore
from modules.weights.files import write_tensors
from tests import tiny
from tests.extensions.drawing import bundled
from tests.families import controls
from tests.pipeline.pictures import file, noise

CPU_NOISE = {"randn_source": "CPU"}
REQUEST = GenerationRequest(prompt="a cat", size=Size(64, 64), steps=2, seed=5, sampler="Euler", save=False, settings=CPU_NOISE)
PICTURE = base64.b64encode(file(noise(64, 64, seed=3))).decode()
OTHER = base64.b64encode(file(noise(64, 64, seed=4))).decode()
Pixels = NDArray[np.int16]


@dataclass
class Program:
    """A pipeline, and the pictures that it made so far: the same request gives the same ones."""

    pipeline: PipelineManager
    known: dict[str, list[Pixels]] = field(default_factory=dict[str, list[Pixels]])


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A program with the tiny SD 1 checkpoint and a control network of each method."""
    root = tmp_path_factory.mktemp("program")
    models = root / "models"
    (models / "Stable-diffusion").mkdir(parents=True)
    (models / "clip_vision").mkdir()
    (models / "ControlNet").mkdir()
    tiny.checkpoint(models / "Stable-diffusion" / "one.safetensors")
    unet = tiny.model("sd1").unet
    write_tensors(models / "ControlNet" / "lines.safetensors", controls.in_own_layout(controls.controlnet("sd1")))
    write_tensors(models / "ControlNet" / "shuffle.safetensors", controls.controlnet("sd1", seed=1).state_dict())
    write_tensors(models / "ControlNet" / "large.safetensors", controls.controlnet("sdxl").state_dict())
    write_tensors(models / "ControlNet" / "adapter.safetensors", controls.adapter_in_own_layout(controls.adapter("full_adapter")))
    write_tensors(models / "ControlNet" / "light.safetensors", controls.adapter("light_adapter").state_dict())
    write_tensors(models / "ControlNet" / "words.safetensors", controls.ip_adapter(unet, 64))
    write_encoder(models / "clip_vision" / "seer.safetensors")
    library = Library.at(models, root, check_checkpoint)
    settings = SettingsStore(root / "settings.json")
    return Program(PipelineManager(library=library, settings=settings, root=root, device=lambda: tiny.CPU, relays=bundled().instances))


def write_encoder(path: Path) -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(hidden_size=64, intermediate_size=96, projection_dim=32, num_hidden_layers=2, num_attention_heads=1,
                              image_size=28, patch_size=14)  # fmt: skip
    torch.manual_seed(0)
    model = CLIPVisionModelWithProjection(config)
    write_tensors(path, {name: value for name, value in model.state_dict().items() if "position_ids" not in name})


def made(program: Program, *units: Mapping[str, Any], fresh: bool = False, **changes: Any) -> list[Pixels]:
    """The pictures of a request with these units, maps left out. `fresh`: made anew, whatever is known."""
    extensions = {"controlnet": {"units": [{"image": PICTURE, **unit} for unit in units]}} if units else {}
    request = REQUEST.replace(extensions=extensions, **changes)
    key = request.model_dump_json()
    if fresh or key not in program.known:
        result = program.pipeline.generate(request, tiny.Listener())
        program.known[key] = [np.asarray(one.image, np.int16) for one in result.images if one.kind == "picture"]
    return program.known[key]


def apart(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize(
    "unit",
    [
        {"model": "lines", "weight": 0.0},
        {"model": "lines", "enabled": False},
        {"model": "adapter", "advanced_weighting": [0, 0]},
        {"module": "reference_only", "enabled": False},
    ],
)
def test_a_unit_that_is_off_changes_no_bit(manager: Program, unit: dict[str, Any]) -> None:
    assert np.array_equal(made(manager, unit)[0], made(manager)[0])


@pytest.mark.parametrize(
    "unit",
    [
        {"model": "lines"},
        {"model": "shuffle"},
        {"model": "adapter"},
        {"model": "light"},
        {"model": "words"},
        {"module": "reference_only"},
        {"module": "reference_adain"},
        {"module": "reference_adain+attn"},
        {"module": "tile_colorfix"},
        {"module": "recolor_luminance"},
        {"module": "canny"},
    ],
    ids=lambda unit: "-".join(unit.values()),
)
def test_a_unit_changes_the_picture_and_leaves_no_trace(manager: Program, unit: dict[str, Any]) -> None:
    plain = made(manager)[0]
    first = made(manager, unit)[0]
    assert not np.array_equal(first, plain)
    assert np.array_equal(made(manager, unit, fresh=True)[0], first)
    assert np.array_equal(made(manager, fresh=True)[0], plain)


def test_another_picture_is_another_hint(manager: Program) -> None:
    assert not np.array_equal(made(manager, {"model": "lines"})[0], made(manager, {"model": "lines", "image": OTHER})[0])


@pytest.mark.parametrize("model", ["lines", "adapter", "words"])
def test_a_batch_is_its_pictures(manager: Program, model: str) -> None:
    unit = {"model": model, "control_mode": "ControlNet is more important"}
    batch = made(manager, unit, batch_size=2, prompt="a cat AND a dog :0.5")
    singles = [made(manager, unit, seed=seed, prompt="a cat AND a dog :0.5")[0] for seed in (5, 6)]
    for one, single in zip(batch, singles, strict=True):
        assert np.abs(one - single).max() <= 1  # batches add in another order


def test_what_is_followed_approximately_follows_from_each_picture_s_seed(manager: Program) -> None:
    batch = made(manager, {"module": "canny"}, batch_size=2)
    for one, seed in zip(batch, (5, 6), strict=True):
        assert np.abs(one - made(manager, {"module": "canny"}, seed=seed)[0]).max() <= 1  # batches add in another order


def test_negative_rows_may_come_alone(manager: Program) -> None:
    unit = {"model": "lines", "control_mode": "ControlNet is more important"}
    together = made(manager, unit)[0]
    apart_ = made(manager, unit, settings={"randn_source": "CPU", "batch_cond_uncond": False})[0]
    assert np.abs(together - apart_).max() <= 1


def test_units_add_up(manager: Program) -> None:
    halves = [{"model": "lines", "weight": 0.5}] * 2
    assert np.abs(made(manager, *halves)[0] - made(manager, {"model": "lines", "weight": 1.0})[0]).max() <= 1
    both = made(manager, {"model": "lines"}, {"model": "adapter"})[0]
    assert apart(both, made(manager, {"model": "lines"})[0]) > 0.3


def test_a_unit_acts_between_its_start_and_its_end(manager: Program) -> None:
    plain, whole = made(manager, steps=4)[0], made(manager, {"model": "lines"}, steps=4)[0]
    late = made(manager, {"model": "lines", "guidance_start": 0.9}, steps=4)[0]
    early = made(manager, {"model": "lines", "guidance_end": 0.2}, steps=4)[0]
    assert np.array_equal(late, plain)  # the last of four steps begins at 0.75
    assert apart(early, plain) > 0.05
    assert apart(early, whole) > 0.05


def test_the_three_modes_differ(manager: Program) -> None:
    modes = [made(manager, {"model": "lines", "control_mode": mode})[0] for mode in range(3)]
    assert all(apart(one, other) > 0.05 for place, one in enumerate(modes) for other in modes[place + 1 :])


def test_an_advanced_weighting_of_ones_is_none_and_of_another_length_is_refused(manager: Program) -> None:
    ones = made(manager, {"model": "lines", "advanced_weighting": [1] * 5})[0]
    assert np.array_equal(ones, made(manager, {"model": "lines"})[0])
    with pytest.raises(BadRequest, match="advanced weighting has 3 numbers; this model has 5 layers"):
        made(manager, {"model": "lines", "advanced_weighting": [1, 1, 1]})


def test_a_region_mask_of_white_is_none_and_of_black_is_off(manager: Program) -> None:
    from PIL import Image

    white, black = (base64.b64encode(file(Image.new("L", (64, 64), value))).decode() for value in (255, 0))
    for model in ("lines", "words"):
        assert np.array_equal(made(manager, {"model": model, "effective_region_mask": white})[0], made(manager, {"model": model})[0])
        assert np.array_equal(made(manager, {"model": model, "effective_region_mask": black})[0], made(manager)[0])


def test_the_second_pass_has_units_of_its_own(manager: Program) -> None:
    hires = HiresPass(scale=1.5, steps=2, strength=0.6)
    plain = made(manager, hires=hires)[0]
    options = ("Both", "Low res only", "High res only")
    found = {option: made(manager, {"model": "lines", "hr_option": option}, hires=hires)[0] for option in options}
    assert plain.shape == (96, 96, 3)
    assert all(apart(picture, plain) > 0.05 for picture in found.values())
    assert apart(found["Low res only"], found["High res only"]) > 0.05
    again = made(manager, {"model": "words"}, {"module": "reference_only"}, {"model": "adapter"}, hires=hires)[0]
    assert apart(again, plain) > 0.05


def test_samplers_that_count_in_timesteps_are_controlled_too(manager: Program) -> None:
    for unit in ({"model": "lines"}, {"module": "reference_only"}):
        assert not np.array_equal(made(manager, unit, sampler="DDIM")[0], made(manager, sampler="DDIM")[0])


def test_odd_latents_are_controlled_too(manager: Program) -> None:
    for model in ("lines", "adapter", "words"):
        assert made(manager, {"model": model}, size=Size(72, 104))[0].shape == (104, 72, 3)


def test_img2img_gives_its_own_picture(manager: Program) -> None:
    source = SourceImage(pictures=(file(noise(64, 64, seed=3)),), strength=0.9)
    own = made(manager, {"model": "lines", "image": None}, source=source)[0]
    assert np.array_equal(own, made(manager, {"model": "lines"}, source=source)[0])
    mask = np.zeros((64, 64), np.uint8)
    mask[8:40, 8:40] = 255
    from PIL import Image

    inpaint = Inpaint(mask=file(Image.fromarray(mask)), only_masked=True, padding=4, blur=(0, 0))
    source = source.model_copy(update={"inpaint": inpaint})
    cut = made(manager, {"model": "lines"}, source=source)[0]
    assert np.abs(cut - made(manager, {"model": "lines", "image": None}, source=source)[0]).max() <= 2  # cut before or after it is enlarged
    assert not np.array_equal(cut, made(manager, {"model": "lines", "inpaint_crop_input_image": False}, source=source)[0])


@pytest.mark.parametrize(
    ("unit", "kind", "words"),
    [
        ({"model": "large"}, NotSupported, "unit 0: large is a ControlNet for SDXL, and the checkpoint one is one for Stable Diffusion 1"),
        ({"model": "missing"}, NotFound, "ControlNet model"),
        ({"module": "threshold"}, BadRequest, "unit 0 has no model"),
        ({"module": "nothing", "model": "lines"}, NotFound, "preprocessor"),
        ({"model": "lines", "image": None}, BadRequest, "unit 0 has no picture"),
    ],
)
def test_what_cannot_be_is_said(manager: Program, unit: dict[str, Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        made(manager, unit)


@pytest.mark.parametrize("model", ["lines", "adapter"])
def test_several_pictures_share_the_weight(manager: Program, model: str) -> None:
    def one(picture: str) -> dict[str, Any]:
        return {"model": model, "image": picture, "weight": 2.0}

    first, second = (made(manager, one(picture))[0] for picture in (PICTURE, OTHER))
    both = made(manager, {**one(PICTURE), "images": [OTHER]})[0]
    halves = made(manager, *({**one(picture), "weight": 1.0} for picture in (PICTURE, OTHER)))[0]
    assert np.abs(both - halves).max() <= 1  # two units of half the weight, added in another order
    assert apart(both, halves) < min(apart(both, first), apart(both, second)) / 3
    assert np.abs(made(manager, {**one(PICTURE), "images": [PICTURE]})[0] - first).max() <= 1


def test_what_looks_at_one_picture_refuses_several(manager: Program) -> None:
    for module in ("reference_only", "tile_colorfix", "inpaint_only"):
        with pytest.raises(BadRequest, match=f"{module} looks at one picture; 2 are given"):
            made(manager, {"module": module, "model": "lines", "images": [OTHER]})


def test_detected_maps_come_behind_the_pictures(manager: Program) -> None:
    request = REQUEST.replace(extensions={"controlnet": {"units": [{"image": PICTURE, "module": "canny", "model": "lines"}]}})
    result = manager.pipeline.generate(request, tiny.Listener())
    assert [one.kind for one in result.images] == ["picture", "mask"]
    assert result.images[1].image.size == (64, 64)
    assert "ControlNet 0" in result.images[0].infotext


def test_painting_begins_with_what_was_filled_in_and_what_is_added_around_is_filled(
    manager: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []

    def filling(level: int, models: Path, pixels: Any, a: float, b: float) -> Any:
        asked.append((pixels[..., 3] > 127).mean())
        return np.where(pixels[..., 3:] > 127, np.uint8(level), pixels[..., :3])

    def picture(level: int) -> NDArray[np.float64]:
        row = replace(find("inpaint_only+lama"), needs=(), by_networks=partial(filling, level))
        monkeypatch.setattr("extensions.controlnet.preprocessors.NAMES", {**NAMES, row.name: row})
        unit = {"model": "lines", "module": row.name, "resize_mode": "Resize and Fill"}
        return made(manager, unit, fresh=True, size=Size(128, 64))[0].mean(axis=(0, 2))

    monkeypatch.setattr("extensions.controlnet.Hints", lambda unit, number, module, models: Hints(unit, number, module, Path()))
    change = np.abs(picture(230) - picture(20))
    assert asked == [0.5, 0.5], "the picture of 64 x 64 stands in the middle of 128 x 64"
    assert change[:24].max() > 0 < change[-24:].max() and change[40:88].max() == 0
