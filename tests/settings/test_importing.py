"""Settings out of a file: ours and A1111's, of any time."""

import json
from typing import Any

import pytest

from modules.settings.groups import Settings
from modules.settings.importing import imported
from modules.settings.store import changed, flat
from tests.golden import golden_json, needs_golden

NAMES = {"vae": ["Automatic", "None", "fine.safetensors"], "checkpoint": ["anime/line.safetensors [0123456789]"]}


def taken(**values: Any) -> dict[str, Any]:
    return imported(values, Settings(), names=NAMES).taken


def test_only_what_differs_is_taken() -> None:
    found = imported({"jpeg_quality": 95, "CLIP_stop_at_last_layers": 1}, Settings())
    assert (found.taken, found.same) == ({"jpeg_quality": 95}, 1)


def test_our_own_export_comes_back_as_it_was() -> None:
    settings = changed(Settings(), {"jpeg_quality": 95, "hide_samplers": ["DDIM"], "keyedit_delimiters": "\t .", "accent_color": "#123456"})
    written = json.loads(json.dumps(flat(settings)))
    found = imported(written, Settings())
    assert changed(Settings(), found.taken) == settings
    assert (found.wrong, found.unknown, found.same) == ({}, [], len(written) - 4)


def test_a_wrong_value_is_told_and_the_others_are_taken() -> None:
    found = imported({"jpeg_quality": 900, "CLIP_stop_at_last_layers": 2}, Settings())
    assert found.taken == {"CLIP_stop_at_last_layers": 2}
    assert found.wrong == {"jpeg_quality": "The setting 'Quality for saved JPEG and WEBP pictures' is 900; it must be between 1 and 100."}


@pytest.mark.parametrize("value", ["x" * 10_001, ["x"] * 10_001, "\ud800", float("inf"), float("nan"), {"a": 1}, [[1]]])
def test_what_no_setting_can_be_is_refused(value: Any) -> None:
    found = imported({"keyedit_delimiters": value, "sigma_min": value, "hide_samplers": value}, Settings())
    assert not found.taken or value == "x" * 10_001
    assert "keyedit_delimiters" in found.wrong
    assert "sigma_min" in found.wrong


def test_keys_of_a1111s_and_unknown_ones_are_told_apart() -> None:
    found = imported({"hide_ldm_prints": True, "ad_max_models": 4}, Settings(), others={"hide_ldm_prints"})
    assert (found.without_effect, found.unknown) == (["hide_ldm_prints"], ["ad_max_models"])


def test_old_names_are_known() -> None:
    assert taken(sd_vae_as_default=True) == {"sd_vae_overrides_per_model_preferences": False}
    assert taken(quicksettings="sd_model_checkpoint, sd_vae") == {"quicksettings_list": ["sd_model_checkpoint", "sd_vae"]}
    assert taken(gradio_theme="Default") == {}


def test_null_means_that_nothing_was_chosen() -> None:
    assert taken(sd_model_checkpoint=None, upscaler_for_img2img=None, jpeg_quality=None) == {}


def test_a_model_is_found_with_another_hash_or_in_another_case() -> None:
    assert taken(sd_vae="Fine.safetensors") == {"sd_vae": "fine.safetensors"}
    here = {"sd_model_checkpoint": "anime/line.safetensors [0123456789]"}
    assert taken(sd_model_checkpoint="anime/line.safetensors [aaaaaaaaaa]") == here


def test_a_model_that_is_not_here_is_not_taken() -> None:
    found = imported({"sd_vae": "gone.pt"}, Settings(), names=NAMES)
    assert (found.taken, found.wrong) == ({}, {"sd_vae": "The setting 'SD VAE' is 'gone.pt', which is not here."})


@needs_golden
def test_a_recorded_config_of_a1111_is_read() -> None:
    recorded = golden_json("api/options.json")
    assert isinstance(recorded, dict)
    found = imported(recorded, Settings(), others=set(recorded))
    assert not found.unknown
    assert set(found.wrong) <= {"gradio_theme"}, found.wrong
    assert found.same > 100
