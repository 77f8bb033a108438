"""`webuiapi`, the client that most Python programs for A1111 use, drives the served program."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from webuiapi import Upscaler, WebUIApi, WebUIApiResult

from tests.served import Served

pytestmark = pytest.mark.slow  # starts the program


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUIApi]:
    import modules.families  # noqa: F401 - before diffusers, where torchvision is only half installed
    from tests import tiny

    data = tmp_path_factory.mktemp("data")
    tiny.checkpoint(data / "models" / "Stable-diffusion" / "one.safetensors")
    tiny.checkpoint(data / "models" / "Stable-diffusion" / "two.safetensors", seed=1)
    with Served(data, "--no-half", "--precision", "full", "--nowebui") as program:
        yield WebUIApi(host="127.0.0.1", port=program.port, sampler="Euler a", steps=2)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    drawn = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(drawn).ellipse((10, 10, 50, 50), "red")
    return drawn


@pytest.fixture(scope="module")
def mask() -> Image.Image:
    drawn = Image.new("RGB", (64, 64), "black")
    ImageDraw.Draw(drawn).rectangle((20, 20, 40, 40), "white")
    return drawn


def txt2img(api: WebUIApi, **more: Any) -> WebUIApiResult:
    values: dict[str, Any] = {"prompt": "a star", "width": 64, "height": 64, "seed": 5} | more
    result = api.txt2img(**values)
    assert isinstance(result, WebUIApiResult)
    return result


def img2img(api: WebUIApi, picture: Image.Image, **more: Any) -> WebUIApiResult:
    values: dict[str, Any] = {"images": [picture], "prompt": "a star", "width": 64, "height": 64, "seed": 5} | more
    result = api.img2img(**values)
    assert isinstance(result, WebUIApiResult)
    return result


def test_txt2img_gives_pictures_and_what_they_were_made_of(api: WebUIApi) -> None:
    result = txt2img(api, batch_size=2)
    assert [image.size for image in result.images] == [(64, 64)] * 2
    assert (result.info["all_seeds"], result.parameters["prompt"]) == ([5, 6], "a star")
    assert result.image.info["parameters"] == result.info["infotexts"][0]


def test_a_second_pass_enlarges(api: WebUIApi) -> None:
    assert txt2img(api, enable_hr=True, hr_scale=2).image.size == (128, 128)


def test_img2img_and_inpainting_give_pictures(api: WebUIApi, picture: Image.Image, mask: Image.Image) -> None:
    assert img2img(api, picture).image.size == (64, 64)
    inpainted = img2img(api, picture, mask_image=mask, inpainting_fill=1, inpaint_full_res=False, mask_blur=0).image
    assert inpainted.getpixel((2, 2)) == (255, 255, 255)  # outside the mask it is the source


def test_scripts_run(api: WebUIApi, picture: Image.Image) -> None:
    assert "x/y/z plot" in api.get_scripts()["txt2img"]
    xyz = [4, "1,2", [], 0, "", [], 0, "", [], True, True, False, False, False, False, False, 0, False]
    assert len(txt2img(api, script_name="X/Y/Z plot", script_args=xyz).images) == 3  # the grid and both pictures
    assert len(img2img(api, picture, script_name="Loopback", script_args=[2, 0.5, "Linear", "None"]).images) >= 2


def test_pictures_are_enlarged(api: WebUIApi, picture: Image.Image) -> None:
    single = api.extra_single_image(image=picture, upscaler_1=Upscaler.Lanczos, upscaling_resize=2)
    assert isinstance(single, WebUIApiResult)
    assert single.image.size == (128, 128)
    batch = api.extra_batch_images(images=[picture, picture], upscaler_1=Upscaler.Nearest, upscaling_resize=3)
    assert isinstance(batch, WebUIApiResult)
    assert [image.size for image in batch.images] == [(192, 192)] * 2


def test_options_are_read_and_changed(api: WebUIApi) -> None:
    api.set_options({"send_seed": False})
    assert api.get_options()["send_seed"] is False
    api.util_set_model("two.safetensors")
    assert api.util_get_current_model().startswith("two.safetensors [")
    api.util_set_model("one.safetensors")


def test_a_pictures_text_is_read(api: WebUIApi) -> None:
    result = txt2img(api)
    assert api.png_info(result.image).info == result.info["infotexts"][0]


def test_progress_is_told_and_an_interrupt_ends_the_job(api: WebUIApi) -> None:
    results: list[WebUIApiResult] = []
    thread = threading.Thread(target=lambda: results.append(txt2img(api, steps=150, n_iter=50)))
    thread.start()
    end = time.monotonic() + 60
    while api.get_progress()["state"]["sampling_step"] < 2:
        assert time.monotonic() < end
        time.sleep(0.02)
    now = api.get_progress()
    assert 0 < now["progress"] < 1
    assert (now["state"]["job_count"], now["state"]["sampling_steps"]) == (50, 150)
    started = time.perf_counter()
    assert api.interrupt() == {}
    thread.join(60)
    assert time.perf_counter() - started < 5
    assert 1 <= len(results[0].images) < 50
    api.util_wait_for_ready(check_interval=0.05)


def test_lists_are_told(api: WebUIApi) -> None:
    assert api.util_get_model_names()
    assert {"Euler a", "DPM++ 2M"} <= set(api.util_get_sampler_names())
    assert "karras" in api.util_get_scheduler_names()
    for told in (api.get_sd_vae, api.get_loras, api.get_hypernetworks, api.get_prompt_styles, api.get_realesrgan_models):
        assert told() is not None
    for told in (api.get_upscalers, api.get_latent_upscale_modes, api.get_embeddings, api.get_memory, api.get_cmd_flags):
        assert told()
    assert api.refresh_checkpoints() is None
    assert api.skip() is None


def test_what_is_wrong_is_said(api: WebUIApi, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Did you mean"):
        txt2img(api, sampler_name="Euler z")
