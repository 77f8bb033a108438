"""A1111's bodies become our requests."""

import base64
from typing import Any

import pytest
from fastapi import HTTPException
from pydantic import ValidationError

from modules.a1111.bodies import Img2Img, Txt2Img, echo
from modules.a1111.payload import to_request
from modules.a1111.scripts import extensions_of, find, listed
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, Size
from modules.settings.groups import Settings
from tests.a1111.pretended import PretendedScripts, png
from tests.golden import golden_json, needs_golden

RED = base64.b64encode(png()).decode()
NAMES = {"upscaler": ["None", "Lanczos"]}


def nothing_fetched(url: str, name: str) -> bytes:
    raise AssertionError(url)


def request_of(kind: type[Txt2Img] | type[Img2Img], **body: Any) -> GenerationRequest:
    return to_request(kind.model_validate(body), Settings(), overrides={}, checkpoint=None, extensions={}, fetch=nothing_fetched)


def txt2img(**body: Any) -> GenerationRequest:
    return request_of(Txt2Img, **body)


def img2img(**body: Any) -> GenerationRequest:
    return request_of(Img2Img, **({"init_images": [RED]} | body))


def test_an_empty_body_has_a1111s_defaults() -> None:
    request = txt2img()
    assert (request.steps, request.guidance, request.size, request.sampler, request.schedule) == (
        50,
        7.0,
        Size(512, 512),
        "Euler",
        "Automatic",
    )
    assert (request.save, request.save_grid, request.hires, request.source, request.variation) == (False, False, None, None, None)
    assert request.networks


@needs_golden
@pytest.mark.parametrize("kind", ["Txt2Img", "Img2Img"])
def test_the_defaults_are_those_of_a1111s_description(kind: str) -> None:
    described = golden_json("api/openapi.json")["components"]["schemas"][f"StableDiffusionProcessing{kind}"]["properties"]
    ours = {"Txt2Img": Txt2Img, "Img2Img": Img2Img}[kind]().model_dump()
    assert set(ours) == set(described)
    assert {name: value for name, value in ours.items() if value not in (None, "")} == {
        name: field["default"] for name, field in described.items() if field.get("default") not in (None, "")
    }


def test_a_null_is_the_default() -> None:
    assert txt2img(width=None, height=None, prompt=None, seed=None, alwayson_scripts=None) == txt2img()


def test_the_name_of_a_sampler_wins_over_its_index() -> None:
    assert txt2img(sampler_index="Heun").sampler == "Heun"
    assert txt2img(sampler_index="Heun", sampler_name="LMS").sampler == "LMS"


def test_a_variation_counts_only_with_a_strength() -> None:
    assert txt2img(subseed=5).variation is None
    variation = txt2img(subseed=5, subseed_strength=0.5).variation
    assert variation is not None
    assert (variation.seed, variation.strength) == (5, 0.5)


@pytest.mark.parametrize(("width", "height", "size"), [(0, 0, None), (-1, 64, None), (64, 0, None), (64, 96, Size(64, 96))])
def test_a_seed_is_resized_only_from_both_sides(width: int, height: int, size: Size | None) -> None:
    assert txt2img(seed_resize_from_w=width, seed_resize_from_h=height).resize_seed_from == size


def test_a_second_pass_takes_its_fields() -> None:
    hires = txt2img(
        enable_hr=True, denoising_strength=0.4, hr_scale=1.5, hr_resize_x=640, hr_second_pass_steps=7, hr_upscaler="Lanczos",
        hr_sampler_name="Use same sampler", hr_scheduler="Karras", hr_checkpoint_name="two", hr_prompt="more", firstpass_image=RED,
    ).hires  # fmt: skip
    assert hires is not None
    assert (hires.strength, hires.scale, hires.size, hires.steps, hires.upscaler) == (0.4, 1.5, Size(640, 0), 7, "Lanczos")
    assert (hires.sampler, hires.schedule, hires.checkpoint, hires.prompt, hires.first) == (None, "Karras", "two", "more", png())


def test_a_second_pass_without_an_upscaler_enlarges_the_latents() -> None:
    hires = txt2img(enable_hr=True).hires
    assert hires is not None
    assert hires.upscaler is None  # which is Latent


def test_the_old_fields_of_the_first_pass_are_its_size() -> None:
    assert txt2img(width=1024, height=1024, firstphase_width=256, firstphase_height=320).size == Size(256, 320)


@pytest.mark.parametrize("name", [None, "", "None"])
def test_no_refiner_is_no_refiner(name: str | None) -> None:
    assert txt2img(refiner_checkpoint=name, refiner_switch_at=0.5).refiner is None


def test_a_refiner_takes_over_where_it_is_told() -> None:
    refiner = txt2img(refiner_checkpoint="two", refiner_switch_at=0.5).refiner
    assert refiner is not None
    assert (refiner.checkpoint, refiner.switch_at) == ("two", 0.5)


def test_pictures_are_saved_only_where_that_is_asked_for() -> None:
    saved = txt2img(save_images=True)
    assert (saved.save, saved.save_grid) == (True, True)
    assert not txt2img(save_images=True, do_not_save_samples=True).save


def test_an_img2img_body_has_a1111s_defaults() -> None:
    source = img2img(mask=RED).source
    assert source is not None and source.inpaint is not None
    assert (source.pictures, source.strength, source.resize, source.latent_mask) == ((png(),), 0.75, "just resize", None)
    inpaint = source.inpaint
    assert (inpaint.blur, inpaint.content, inpaint.only_masked, inpaint.padding, inpaint.invert, inpaint.rounded) == (
        (4, 4), "fill", True, 0, False, True,
    )  # fmt: skip


def test_one_blur_stands_for_both_directions() -> None:
    def blur(**body: Any) -> tuple[float, float]:
        source = img2img(mask=RED, **body).source
        assert source is not None and source.inpaint is not None
        return source.inpaint.blur

    assert blur(mask_blur=9, mask_blur_x=1) == (9, 9)
    assert blur(mask_blur_x=1, mask_blur_y=2) == (1, 2)


@pytest.mark.parametrize(("number", "word"), list(enumerate(["fill", "original", "latent noise", "latent nothing"])))
def test_masked_content_is_counted(number: int, word: str) -> None:
    source = img2img(mask=RED, inpainting_fill=number).source
    assert source is not None and source.inpaint is not None
    assert source.inpaint.content == word


def test_a_mask_may_be_turned_round_with_a_truth_value() -> None:
    source = img2img(mask=RED, inpainting_mask_invert=True).source
    assert source is not None and source.inpaint is not None
    assert source.inpaint.invert


def test_the_noise_multiplier_of_the_settings_is_taken_before_the_overrides_act() -> None:
    source = img2img().source
    assert source is not None
    assert source.noise_multiplier == Settings().img2img.noise_multiplier


@pytest.mark.parametrize("text", [RED, f"data:image/png;base64,{RED}", "\n".join(RED[i : i + 40] for i in range(0, len(RED), 40))])
def test_pictures_are_base64_with_or_without_a_head(text: str) -> None:
    source = img2img(init_images=[text]).source
    assert source is not None
    assert source.pictures == (png(),)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"init_images": ["zzzz"]}, "init_images[0]"),
        ({"init_images": ["!"]}, "base64"),
        ({"init_images": [RED] * 9}, "9 pictures"),
        ({"mask": "zzzz"}, "mask is not"),
        ({"resize_mode": 4}, "resize_mode is 4; it must be one of 0 (just resize)"),
        ({"mask": RED, "inpainting_fill": -1}, "inpainting_fill is -1"),
        ({"mask": RED, "mask_blur": -1}, "mask_blur is -1"),
        ({"denoising_strength": 1.5}, "denoising_strength is 1.5"),
        ({"image_cfg_scale": -1}, "image_cfg_scale is -1"),
        ({"width": 5000}, "Width is 5000"),
        ({"steps": 0}, "Sampling steps is 0"),
        ({"batch_size": 17}, "Batch size is 17"),
        ({"n_iter": 101}, "Batch count is 101"),
        ({"eta": -1}, "eta is -1"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_that_the_client_wrote(body: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest) as error:
        img2img(**body)
    assert words in str(error.value)


@pytest.mark.parametrize("body", [{"cfg_scale": float("nan")}, {"eta": float("inf")}, {"prompt": "\ud800"}, {"script_args": ["\ud800"]}])
def test_what_json_could_not_hold_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Txt2Img.model_validate(body)


def test_the_answer_repeats_the_body_without_its_pictures() -> None:
    body = {"init_images": [RED], "mask": RED, "prompt": "x"}
    assert (echo(Img2Img.model_validate(body))["init_images"], echo(Img2Img.model_validate(body))["mask"]) == (None, None)
    assert echo(Img2Img.model_validate(body | {"include_init_images": True}))["init_images"] == [RED]


def extensions(*, img2img: bool = False, **asked: Any) -> dict[str, dict[str, Any]]:
    return extensions_of(PretendedScripts(), NAMES, **({"name": None, "args": [], "always_on": {}} | asked), img2img=img2img)


def test_a_script_is_found_by_its_title_in_any_case() -> None:
    assert extensions(name="x/y/z PLOT", args=[1, "a"]) == {"pretended": {"args": [1, "a"], "upscalers": ["None", "Lanczos"]}}
    assert extensions(always_on={"SOFT inpainting": {"args": [True]}})["soft"]["args"] == [True]


def test_a_script_without_arguments_has_its_defaults() -> None:
    assert extensions(always_on={"soft inpainting": {}})["soft"]["args"] == []


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"name": "nope"}, "Script 'nope' not found"),
        ({"name": "loopback"}, "Script 'loopback' not found"),  # only in img2img
        ({"name": "soft inpainting"}, "alwayson_scripts"),
        ({"always_on": {"nope": {"args": []}}}, "Script 'nope' not found"),
        ({"always_on": {"x/y/z plot": {"args": []}}}, "script_name"),
    ],
)
def test_a_script_that_is_not_there_is_a1111s_422(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(HTTPException) as error:
        extensions(**asked)
    assert error.value.status_code == 422
    assert words in error.value.detail


@pytest.mark.parametrize(
    "asked",
    [{"name": "x/y/z plot", "args": list(range(101))}, {"always_on": {"soft inpainting": []}}, {"name": "x/y/z plot", "args": ["wrong"]}],
)
def test_wrong_arguments_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        extensions(**asked)


def test_scripts_of_a1111s_page_are_taken_and_do_nothing() -> None:
    """Golden case 447: the refiner's arguments in `alwayson_scripts` leave the picture as it is."""
    assert extensions(always_on={"refiner": {"args": [True, "two", 0.6]}, "seed": {}, "sampler": {}, "hypertile": {}}) == {}


@needs_golden
@pytest.mark.parametrize("title", ["refiner", "sampler", "seed", "extra options"])
def test_scripts_of_a1111s_page_are_described_as_there(title: str) -> None:
    described = next(entry for entry in golden_json("api/script-info.json") if entry["name"] == title)
    ours = find(None, title, img2img=False).describe({})
    assert [{**argument, "choices": None} for argument in ours] == [{**argument, "choices": None} for argument in described["args"]]


@needs_golden
def test_always_on_scripts_of_the_page_stand_in_a1111s_order() -> None:
    recorded = golden_json("api/scripts.json")["txt2img"]
    ours = [entry.title for entry in listed(None, img2img=False)]
    assert ours == [name for name in recorded if name in ours]
