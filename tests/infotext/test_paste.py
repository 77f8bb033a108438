"""An infotext as a request and settings, against what A1111 answered."""

import json
from typing import Any

import pytest

from modules.contract.request import request_from
from modules.imaging.metadata import read_infotext
from modules.infotext.fields import FIELDS, SETTINGS, setting
from modules.infotext.networks import with_added_networks, with_local_names
from modules.infotext.paste import Paste, Rules, pasted, request_values
from modules.infotext.read import read
from tests.golden import golden_json, golden_path, needs_golden

DEFAULTS = golden_json("pure/default_options.json") or {}
HEAD = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768"


def paste(more: str = "", **rules: Any) -> Paste:
    return pasted(f"{HEAD}, {more}" if more else HEAD, rules=Rules(**rules))


@pytest.mark.parametrize("case", golden_json("pure/infotext_override_settings.json"), ids=lambda case: case["text"][:40])
def test_the_settings_are_those_that_a1111_overrides(case: dict) -> None:
    settings = pasted(case["text"], current=DEFAULTS).settings
    assert list(settings.items()) == [(key, value) for _, key, value in case["override_settings"]]


def test_labels_stand_for_the_settings_that_a1111_says() -> None:
    ours = [(one.label, one.key) for one in SETTINGS]
    assert ours[: len(ours) - 2] == [tuple(pair) for pair in golden_json("pure/infotext_to_setting_name_mapping.json")]


def test_the_defaults_of_settings_are_a1111s() -> None:
    assert {one.key: one.default for one in SETTINGS if one.key != "sd_model_checkpoint"}.items() <= DEFAULTS.items()


@pytest.mark.parametrize("case", golden_json("pure/infotext_parse_skip_fields.json"), ids=lambda case: case["text"][:40])
def test_labels_to_skip_are_skipped(case: dict) -> None:
    wanted = pasted(case["text"], rules=Rules(skip=frozenset(case["skip_fields"]))).api
    for label, name in (("Seed", "seed"), ("Steps", "steps"), ("Hires prompt", "hr_prompt")):
        assert (name in wanted) == (label in case["result"])


def test_fields_of_the_request_are_typed() -> None:
    assert paste().request == {
        "prompt": "a cat", "negative_prompt": "dog", "steps": 20, "sampler": "Euler a", "schedule": "Automatic",
        "guidance": 7, "seed": 1, "size": (512, 768),
    }  # fmt: skip
    assert isinstance(paste().request["guidance"], int)


def test_a_whole_infotext_makes_a_request() -> None:
    text = HEAD + (
        ", Denoising strength: 0.4, Hires upscale: 1.5, Hires upscaler: Lanczos, Hires steps: 7, Hires sampler: DPM++ 2M Karras,"
        ' Hires prompt: "x, y", Hires checkpoint: other [abc], Variation seed: 5, Variation seed strength: 0.3,'
        " Seed resize from: 256x128, Refiner: sdxl [abc], Refiner switch at: 0.7"
    )
    values, settings = request_values(text)
    request = request_from(values)
    assert not settings
    assert request.hires is not None
    assert request.hires.model_dump() == {
        "scale": 1.5, "size": (0, 0), "upscaler": "Lanczos", "steps": 7, "strength": 0.4, "checkpoint": "other [abc]",
        "sampler": "DPM++ 2M", "schedule": "Karras", "prompt": "x, y", "negative_prompt": "", "first": None,
    }  # fmt: skip
    assert request.variation is not None
    assert request.variation.model_dump() == {"seed": 5, "strength": 0.3}
    assert request.refiner is not None
    assert request.refiner.model_dump() == {"checkpoint": "sdxl [abc]", "switch_at": 0.7}
    assert request.resize_seed_from == (256, 128)


@pytest.mark.parametrize(("old", "expected"), [("DPM++ 2M Karras", ("DPM++ 2M", "Karras")), ("LMS", ("LMS", "Automatic"))])
def test_old_sampler_names_are_split(old: str, expected: tuple[str, str]) -> None:
    request = pasted(HEAD.replace("Euler a", old)).request
    assert (request["sampler"], request["schedule"]) == expected


def test_the_denoising_strength_of_an_img2img_picture_does_not_turn_on_hires_fix() -> None:
    found = paste("Denoising strength: 0.6, Mask blur: 8, Mask mode: Inpaint not masked, Masked content: fill, Inpaint area: Only masked")
    assert "hires" not in found.request
    assert found.api["enable_hr"] is False
    assert found.source == {"strength": 0.6}
    assert found.inpaint == {"blur": (8, 8), "invert": True, "content": "fill", "only_masked": True, "padding": 32}
    assert found.api["inpainting_fill"] == 0


@pytest.mark.parametrize("more", ["Hires upscale: 2", "Hires upscaler: Latent", "Hires resize: 0x1024"])
def test_each_of_three_pairs_beside_a_strength_turns_on_hires_fix(more: str) -> None:
    assert paste(f"Denoising strength: 0.6, {more}").request["hires"]["strength"] == 0.6
    assert "hires" not in paste(more).request


@pytest.mark.parametrize("label", ["Beta schedule alpha", "Beta scheduler alpha"])
def test_both_names_of_the_beta_schedule_are_read(label: str) -> None:
    assert paste(f"{label}: 0.7").settings == {"beta_dist_alpha": 0.7}


def test_a_value_equal_to_the_current_one_is_no_override_and_a_missing_one_is_the_default() -> None:
    assert pasted(f"{HEAD}, Clip skip: 2", current={"CLIP_stop_at_last_layers": 2}).settings == {}
    assert pasted(HEAD, current={"CLIP_stop_at_last_layers": 2, "randn_source": "NV"}).settings == {
        "CLIP_stop_at_last_layers": 1,
        "randn_source": "GPU",
    }


def test_backward_compatibility_can_be_off() -> None:
    assert paste("Version: v1.5.0").settings == {"use_downcasted_alpha_bar": True}
    assert paste("Version: v1.5.0", backcompat=False).settings == {}


def test_the_checkpoint_is_only_taken_where_it_is_asked_for() -> None:
    assert paste("Model hash: abc").settings == {}
    assert paste("Model hash: abc", swap_checkpoint=True).settings == {"sd_model_checkpoint": "abc"}


def test_what_is_not_understood_is_told() -> None:
    found = paste("Steps: many, ENSD: x, Hypertile U-Net: True, Model: m, Masked content: nonsense")
    assert found.unknown == {"Steps": "many", "ENSD": "x", "Hypertile U-Net": "True", "Masked content": "nonsense"}
    assert "steps" not in found.request


@pytest.mark.parametrize("text", ["Steps: " + "9" * 5000, "Steps: 1e400", "Steps: nan", "Steps: 1.5", "CFG scale: inf", "ENSD: nan"])
def test_impossible_numbers_are_not_understood(text: str) -> None:
    assert dict([text.split(": ")]).items() <= paste(text).unknown.items()


@pytest.mark.parametrize(
    ("mode", "prompt", "styles"),
    [("Ignore", "cat, s", None), ("Discard", "cat", None), ("Apply", "cat", ("s",)), ("Apply if any", "cat", ("s",))],
)
def test_styles_found_in_the_prompt_are_treated_as_the_setting_says(mode: Any, prompt: str, styles: tuple[str, ...] | None) -> None:
    found = pasted("cat, s", extract=lambda prompt, negative: (("s",), "cat", negative), rules=Rules(styles=mode))
    assert found.request["prompt"] == prompt
    assert found.request.get("styles") == styles


def test_without_styles_apply_clears_the_chosen_ones_and_apply_if_any_leaves_them() -> None:
    def none(prompt: str, negative: str) -> tuple[tuple[str, ...], str, str]:
        return (), prompt, negative

    assert pasted("cat", extract=none, rules=Rules(styles="Apply")).request["styles"] == ()
    assert "styles" not in pasted("cat", extract=none).request


def test_networks_get_the_names_they_have_here() -> None:
    values = read(f'a <lora:x:0.8> <lora:y>\n{HEAD.splitlines()[-1]}, Lora hashes: "x: abc123, y: def456"')
    renamed = with_local_names(values, {"abc123": "folder-x"}.get)
    assert renamed["Prompt"] == "a <lora:folder-x:0.8> <lora:y>"


def test_networks_of_the_addnet_extension_become_tags() -> None:
    values = read(f"a\n{HEAD.splitlines()[-1]}, AddNet Module 1: LoRA, AddNet Model 1: name(0123abcd), AddNet Weight A 1: 0.6")
    assert with_added_networks(values)["Prompt"] == "a\n<lora:name:0.6>"


def test_no_field_or_setting_raises_anything_but_value_error() -> None:
    for text in ("", "x", "nan", "1e999", "-", "٣", "9" * 5000, "\ud800"):
        for read_value in [one.read for one in FIELDS] + [lambda text, one=one: setting(one, text) for one in SETTINGS]:
            try:
                read_value(text)
            except ValueError:
                continue


def test_what_is_pasted_can_be_sent_as_json() -> None:
    json.dumps(paste("Denoising strength: 0.5, Hires upscale: 2").api)


PROMPTS_WRITTEN_OTHERWISE = ("196-pr-newlines", "197-pr-comment", "246-styles-2")  # stripped lines, comments and styles as applied


@needs_golden
def test_recorded_pictures_ask_for_the_requests_that_made_them() -> None:
    manifest = golden_path("manifest.json")
    assert manifest is not None
    names = ["steps", "sampler_name", "cfg_scale", "seed", "width", "height", "subseed_strength", "enable_hr", "hr_scale", "hr_upscaler",
             "hr_resize_x", "hr_second_pass_steps", "denoising_strength", "refiner_switch_at", "mask_blur"]  # fmt: skip
    seen = 0
    for path in sorted((manifest.parent / "cases").glob("*.json")):
        picture = manifest.parent / "answers" / f"{path.stem}-0.png"
        text = read_infotext(picture.read_bytes()) if picture.exists() else ""
        if not text:  # a script's grid
            continue
        asked, found = json.loads(path.read_text("utf8")), pasted(text)
        prompts = [] if path.stem in PROMPTS_WRITTEN_OTHERWISE else ["prompt", "negative_prompt"]
        for name in (*prompts, *names):
            if asked.get(name) and name in found.api:
                assert found.api[name] == asked[name], (path.stem, name)
        assert not found.unknown, path.stem
        assert request_from(found.request).steps == asked.get("steps", 50)
        seen += 1
    assert seen > 200
