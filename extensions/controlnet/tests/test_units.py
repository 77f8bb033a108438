"""Units as A1111's clients send them, and as infotexts hold them."""

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from modules.contract.errors import BadRequest, NotFound
from modules.contract.services import ModelEntry
from modules.plugins.loader import load
from modules.plugins.registry import Registry
from modules.weights.hashes import legacy_hash
from tests.guards.sources import ROOT
from tests.pipeline.pictures import file, noise

REGISTRY = Registry([load(ROOT / "extensions" / "controlnet")])
KIND: Any = REGISTRY.rows[0].extension
PICTURE = base64.b64encode(file(noise(16, 16))).decode()


def unit(**values: Any) -> Any:
    return KIND.Options(units=(values,)).units[0]


def test_clients_other_names_and_numbers_are_understood() -> None:
    one = unit(
        input_image=PICTURE, module="canny", model="x [0123abcd]", resize_mode=2, control_mode=1, lowvram=True, processor_res=512.0,
        guidance=0.8, is_ui=False, pulid_mode="Fidelity", hr_option="HiResFixOption.LOW_RES_ONLY",
    )  # fmt: skip
    assert one.image == file(noise(16, 16))
    assert (one.resize_mode, one.control_mode, one.hr_option) == ("Resize and Fill", "My prompt is more important", "Low res only")
    assert (one.low_vram, one.processor_res, one.guidance_end) == (True, 512, 0.8)


@pytest.mark.parametrize(
    ("given", "field", "wanted"),
    [
        ({"resize_mode": "Scale to Fit (Inner Fit)"}, "resize_mode", "Crop and Resize"),
        ({"resize_mode": "ResizeMode.OUTER_FIT"}, "resize_mode", "Resize and Fill"),
        ({"control_mode": "ControlMode.CONTROL"}, "control_mode", "ControlNet is more important"),
        ({"guessmode": True}, "control_mode", "ControlNet is more important"),
        ({"hr_option": "High res only"}, "hr_option", "High res only"),
        ({"union_control_type": "depth"}, "union_control_type", "Depth"),
        ({"weight_type": "style transfer (SDXL)"}, "weight_type", "style"),
        ({"preprocessor": "depth_midas"}, "module", "depth_midas"),
        ({"image": None}, "image", None),
        ({"image": ""}, "image", None),
    ],
)
def test_a_value_in_another_spelling(given: dict[str, Any], field: str, wanted: Any) -> None:
    assert getattr(unit(**given), field) == wanted


def test_a_picture_may_come_with_its_mask_or_with_others() -> None:
    one = unit(image={"image": PICTURE, "mask": PICTURE})
    assert one.image == one.mask
    several = unit(image=[PICTURE, PICTURE, PICTURE])
    assert several.image is not None
    assert len(several.images) == 2
    first, second = file(noise(16, 16)), file(noise(16, 16, seed=1))
    more = unit(images=[PICTURE, base64.b64encode(second).decode()])
    assert (more.image, more.images) == (first, (second,))


def test_clients_name_a_batch_folder_where_they_mean_one() -> None:
    given = {"batch_image_dir": "/poses", "image": PICTURE}
    assert unit(**given, input_mode="simple").batch_folder == ""
    batch = unit(**given, batch_mask_dir="/masks", input_mode="InputMode.BATCH")
    assert (batch.batch_folder, batch.mask_folder) == ("/poses", "/masks")
    assert unit(**given, batch_mask_dir="/masks", input_mode="simple").mask_folder == ""
    assert unit(**given, batch_mask_dir=None, input_mode="batch").mask_folder == ""
    assert unit(**given, loopback=True).takes_turns


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"resize_mode": 7}, "Just Resize"),
        ({"guidance_start": 0.6, "guidance_end": 0.4}, "must not be before the start"),
        ({"union_control_type": "Lamp"}, "must be one of"),
        ({"strength": 1}, "Extra inputs"),
        ({"weight": 3}, "less than or equal to 2"),
    ],
)
def test_a_wrong_value_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        unit(**given)


def test_the_positional_list_of_clients_is_a_table_for_each_unit() -> None:
    entry = next(one for one in REGISTRY.scripts("txt2img") if one.title == "ControlNet")
    options = entry.options([{"image": PICTURE, "model": "x"}, {"enabled": False}], {})
    assert options is not None
    assert [one["enabled"] for one in options["units"]] == [True, False]
    assert options["units"][0]["image"] == PICTURE
    assert entry.options([], {}) is None
    with pytest.raises(BadRequest, match="11 units"):
        entry.options([{}] * 11, {})


def test_units_in_infotexts_are_a1111s() -> None:
    units = (
        {"enabled": False},
        {"module": "canny", "model": "control_v11p_sd15_canny [d14c016b]", "processor_res": 512, "threshold_a": 100, "threshold_b": 200},
        {"module": "reference_only", "hr_option": "High res only", "pixel_perfect": True, "weight": 0.5},
    )
    notes = KIND.notes(KIND.Options(units=units), "ControlNet")
    assert notes["ControlNet 1"] == (
        "Module: canny, Model: control_v11p_sd15_canny [d14c016b], Weight: 1.0, Resize Mode: Crop and Resize, Processor Res: 512, "
        "Threshold A: 100.0, Threshold B: 200.0, Guidance Start: 0.0, Guidance End: 1.0, Pixel Perfect: False, Control Mode: Balanced"
    )
    assert list(notes) == ["ControlNet 1", "ControlNet 2"]
    read = KIND.options_from({name: str(text) for name, text in notes.items()}, "ControlNet")
    back = KIND.Options(**read).units
    assert back[:2] == KIND.Options(units=units[:2]).units
    settled = {"processor_res": 512, "threshold_a": 0.5, "threshold_b": 0.5}
    assert back[2] == unit(**units[2], **settled)


def test_older_infotexts_are_read_and_nonsense_is_left_out() -> None:
    old = {
        "ControlNet 0": "preprocessor: canny, model: control_canny [e3fe7712], weight: 0.7, starting/ending: (0.1, 0.9), resize mode: "
        "Crop and Resize, pixel perfect: True, control mode: Balanced, preprocessor params: (512, 100, 200)",
        "ControlNet 1": "weight: heavy",
        "ControlNet-less": "x",
    }
    (one,) = KIND.options_from(old, "ControlNet")["units"]
    assert (one["module"], one["model"], one["weight"], one["guidance_start"], one["guidance_end"], one["pixel_perfect"]) == (
        "canny", "control_canny [e3fe7712]", 0.7, 0.1, 0.9, True,
    )  # fmt: skip
    assert KIND.options_from({"Steps": "3"}, "ControlNet") is None


def test_models_are_found_by_all_their_names(tmp_path: Path) -> None:
    from extensions.controlnet.models import find, title_of, titles  # pyright: ignore[reportMissingImports]

    entries: list[ModelEntry] = []
    for name in ("control_v11p_sd15_canny", "lines", "broken"):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(name.encode())
        entries.append(ModelEntry(title=path.name, name=name, path=path, problem="It is empty." if name == "broken" else None))
    digest = legacy_hash(entries[0].path)
    assert title_of(entries[0]) == f"control_v11p_sd15_canny [{digest}]"
    assert len(titles(entries)) == 2
    for text in ("control_v11p_sd15_canny", "Control_v11p_SD15_canny.safetensors", f"control_v11p_sd15_canny [{digest}]", "sd15_canny"):
        assert find(entries, text) is entries[0]
    assert find(entries, "None") is None
    with pytest.raises(NotFound, match="ControlNet model"):
        find(entries, "depth")
    with pytest.raises(NotFound, match="cannot be used"):
        find(entries, "broken")
