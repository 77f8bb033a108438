"""The values of a form as a request, and back."""

import io
from typing import Any

import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.contract.extras import NamedPicture
from modules.contract.request import HiresPass, Inpaint, RefinerPass, SeedVariation, Size, SourceImage, request_from
from modules.frontend.asking import batch_request, picture_request, text_request, values_of
from modules.frontend.canvas import Drawn
from modules.frontend.fields import SAME_SAMPLER, ImageToImage, TextToImage, element_id
from modules.infotext.overrides import from_texts


def starts(kind: Any) -> dict[str, Any]:
    """What an untouched form sends, under a request's own defaults."""
    fields = {name: field.default for name, field in kind.model_fields.items()}
    return {**fields, **{name: value for name, value in values_of(request_from({})).items() if name in fields}}


def text(**changes: Any) -> Any:
    return text_request({**starts(TextToImage), **changes}, {}, from_texts)


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (96, 64)).save(file, "PNG")
    return file.getvalue()


DRAWN = Drawn(picture(), None, Size(96, 64))
MASKED = Drawn(picture(), picture(), Size(96, 64))


def image(drawn: Drawn = DRAWN, **changes: Any) -> Any:
    return picture_request({**starts(ImageToImage), **changes}, {}, from_texts, drawn)


def test_an_untouched_form_is_the_plain_request() -> None:
    assert text() == request_from({"guidance": 7})


def test_the_form_of_a_request_makes_the_same_request() -> None:
    wanted = request_from({
        "prompt": "a", "negative_prompt": "b", "size": Size(192, 128), "steps": 9, "guidance": 5.5, "sampler": "Euler a",
        "schedule": "Karras", "seed": 2**64 - 1, "batch_size": 3, "batch_count": 4, "styles": ("ink", "sea"),
        "variation": SeedVariation(seed=5, strength=0.25), "resize_seed_from": Size(64, 128),
        "refiner": RefinerPass(checkpoint="fine.safetensors", switch_at=0.7),
        "hires": HiresPass(scale=1.5, upscaler="Lanczos", steps=4, strength=0.4, sampler="DDIM", prompt="sharp", size=Size(0, 640)),
    })  # fmt: skip
    assert text(**values_of(wanted)) == wanted


def test_the_form_of_a_picture_makes_the_same_request() -> None:
    inpaint = Inpaint(mask=picture(), blur=(8, 8), invert=True, content="latent noise", only_masked=True, padding=16)
    source = SourceImage(pictures=(picture(),), resize="crop and resize", strength=0.5, image_guidance=1.25, inpaint=inpaint)
    wanted = request_from({"prompt": "a", "source": source})
    assert image(MASKED, **values_of(wanted)) == wanted


def test_what_is_switched_off_is_not_asked_for() -> None:
    found = text(hires_scale=4.0, refiner_checkpoint="fine", variation_strength=0.5, resize_seed_width=64, resize_seed_height=64)
    assert (found.hires, found.refiner, found.variation, found.resize_seed_from) == (None, None, None, None)


def test_the_words_for_the_first_passs_own_mean_none() -> None:
    found = text(hires=True, hires_sampler=SAME_SAMPLER)
    assert found.hires and found.hires.sampler is None and found.hires.upscaler == "Latent"


def test_a_picture_is_scaled_by_a_factor_of_its_own_size_in_steps_of_8() -> None:
    assert image(resize_by="Resize by", scale=1.6).size == Size(152, 96)
    assert image(resize_by="Resize to", scale=1.6, width=256, height=192).size == Size(256, 192)


def test_settings_for_this_request_only_are_read_from_their_texts() -> None:
    assert text(overrides=["Clip skip: 2", "RNG: CPU"]).settings == {"CLIP_stop_at_last_layers": 2, "randn_source": "CPU"}
    with pytest.raises(NotFound, match="Clip skips"):
        text(overrides=["Clip skips: 2"])


def test_a_batch_takes_the_forms_settings_for_every_picture() -> None:
    values = {**starts(ImageToImage), "strength": 0.3, "content": "fill", "batch_infotext_fields": ["Seed"], "batch_infotext": True}
    batch = batch_request(values, {}, from_texts, [NamedPicture(data=picture(), name="a.png")])
    assert (batch.source["strength"], batch.inpaint["content"], batch.taken, batch.infotext) == (0.3, "fill", ("Seed",), True)
    assert batch.request.source is None


def test_a_large_seed_keeps_every_digit() -> None:
    assert text(seed=" 9007199254740993 ").seed == 2**53 + 1


def test_an_empty_seed_draws_one() -> None:
    assert text(seed="").seed == -1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": "abc"}, "Seed is 'abc'; it must be a whole number; -1 draws one."),
        ({"width": None}, "Width is ''; it must be a whole number."),
        ({"width": "wide"}, "Width is 'wide'; it must be a whole number."),
        ({"steps": 9999}, "Sampling steps is 9999; it must be at most 150."),
        ({"height": 5000}, "Height is 5000; it must be between 8 and 4096."),
    ],
)
def test_a_wrong_value_is_refused_by_its_label(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest) as refused:
        text(**changes)
    assert refused.value.message == sentence


def test_ids_are_a1111s_with_the_tab_or_without() -> None:
    assert element_id("txt2img", "steps") == "txt2img_steps"
    assert element_id("txt2img", "#hr_sampler") == "hr_sampler"
