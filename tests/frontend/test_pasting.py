"""What an infotext puts into the fields of a form."""

from typing import Any

from modules.frontend.fields import ImageToImage, TextToImage
from modules.frontend.pasting import values_from
from modules.infotext import pasted

PLAIN = "a fish\nNegative prompt: boat\nSteps: 9, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 77, Size: 192x128"
CHOICES = {
    "sampler": ["DPM++ 2M", "Euler a"],
    "schedule": ["Automatic", "Karras"],
    "refiner_checkpoint": ["", "fine/xl.safetensors [abcdef0123]"],
}


def values(text: str, kind: Any = TextToImage) -> tuple[dict[str, Any], list[str]]:
    return values_from(pasted(text), list(kind.model_fields), CHOICES)


def test_an_infotext_fills_the_fields_it_speaks_of_and_switches_off_what_it_does_not() -> None:
    found, missed = values(PLAIN)
    assert found == {
        "prompt": "a fish", "negative_prompt": "boat", "sampler": "Euler a", "schedule": "Karras", "seed": "77", "steps": 9,
        "guidance": 5.5, "width": 192, "height": 128, "hires": False, "variation": False, "refiner": False, "overrides": [],
    }  # fmt: skip
    assert missed == []


def test_a_second_pass_is_switched_on_with_all_its_fields() -> None:
    found, _ = values(f"{PLAIN}, Denoising strength: 0.4, Hires upscale: 1.5, Hires upscaler: Lanczos, Hires sampler: DDIM, Hires steps: 7")
    assert {name: value for name, value in found.items() if name.startswith("hires") or name == "strength"} == {
        "hires": True, "hires_upscaler": "Lanczos", "hires_steps": 7, "hires_scale": 1.5, "hires_width": 0, "hires_height": 0,
        "hires_sampler": "DDIM", "hires_checkpoint": "Use same checkpoint", "hires_schedule": "Use same scheduler",
        "hires_prompt": "", "hires_negative_prompt": "", "strength": 0.4,
    }  # fmt: skip


def test_a_picture_of_img2img_keeps_its_strength_in_img2img_and_has_none_in_txt2img() -> None:
    text = f"{PLAIN}, Denoising strength: 0.4, Mask blur: 8, Inpaint area: Only masked, Masked content: fill, Mask mode: Inpaint not masked"
    assert "strength" not in values(text)[0]
    found, _ = values(text, ImageToImage)
    wanted = {"strength": 0.4, "mask_blur": 8, "area": "Only masked", "content": "fill", "mask_mode": "Inpaint not masked"}
    assert {name: found[name] for name in wanted} == wanted


def test_seeds_of_a_variation_and_of_another_size_are_taken() -> None:
    found, _ = values(f"{PLAIN}, Variation seed: 5, Variation seed strength: 0.2, Seed resize from: 64x96")
    names = ("variation", "variation_seed", "variation_strength", "resize_seed_width", "resize_seed_height")
    assert [found[name] for name in names] == [True, "5", 0.2, 64, 96]


def test_settings_become_texts_and_a_checkpoint_is_found_by_its_name() -> None:
    found, missed = values(f"{PLAIN}, Clip skip: 2, Refiner: xl [abcdef0123], Refiner switch at: 0.7")
    assert found["overrides"] == ["Clip skip: 2"]
    assert (found["refiner"], found["refiner_checkpoint"], found["refiner_switch_at"]) == (True, "fine/xl.safetensors [abcdef0123]", 0.7)
    assert missed == []


def test_what_no_field_takes_is_named() -> None:
    found, missed = values(PLAIN.replace("Euler a", "Nobody's") + ", Wind: north")
    assert "sampler" not in found
    assert missed == ["Wind: north", "Nobody's"]


def test_a_number_that_is_none_is_named_too() -> None:
    found, missed = values(PLAIN.replace("Steps: 9", "Steps: many"))
    assert "steps" not in found
    assert missed == ["Steps: many"]
