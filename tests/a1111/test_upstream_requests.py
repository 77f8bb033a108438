"""What A1111's own HTTP tests ask for, in our words: every one of these requests must succeed. The real pipeline answers."""

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageDraw

from modules.imaging.metadata import encode

TXT2IMG: dict[str, Any] = {
    "batch_size": 1,
    "cfg_scale": 7,
    "denoising_strength": 0,
    "enable_hr": False,
    "eta": 0,
    "firstphase_height": 0,
    "firstphase_width": 0,
    "height": 64,
    "n_iter": 1,
    "negative_prompt": "",
    "prompt": "example prompt",
    "restore_faces": False,
    "s_churn": 0,
    "s_noise": 1,
    "s_tmax": 0,
    "s_tmin": 0,
    "sampler_index": "Euler a",
    "seed": -1,
    "seed_resize_from_h": -1,
    "seed_resize_from_w": -1,
    "steps": 3,
    "styles": [],
    "subseed": -1,
    "subseed_strength": 0,
    "tiling": False,
    "width": 64,
}
IMG2IMG: dict[str, Any] = {
    **{name: value for name, value in TXT2IMG.items() if not name.startswith(("enable_hr", "firstphase"))},
    "denoising_strength": 0.75,
    "include_init_images": False,
    "inpaint_full_res": False,
    "inpaint_full_res_padding": 0,
    "inpainting_fill": 0,
    "inpainting_mask_invert": False,
    "mask": None,
    "mask_blur": 4,
    "override_settings": {},
    "resize_mode": 0,
}


def data_uri(picture: Image.Image) -> str:
    return "data:image/png;base64," + base64.b64encode(encode(picture, format="png", infotext=None)).decode()


@pytest.fixture(scope="module")
def picture() -> str:
    """A picture of 512 pixels a side, as a data URI."""
    drawn = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(drawn).ellipse((100, 100, 400, 400), "red")
    return data_uri(drawn)


@pytest.fixture(scope="module")
def mask() -> str:
    """Its middle, as a data URI."""
    drawn = Image.new("RGB", (512, 512), "black")
    ImageDraw.Draw(drawn).rectangle((200, 200, 300, 300), "white")
    return data_uri(drawn)


def count(client: TestClient, path: str, body: dict[str, Any]) -> int:
    """How many pictures come back."""
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return len(answer.json()["images"])


@pytest.mark.parametrize(
    ("change", "pictures"),
    [
        ({}, 1),
        ({"negative_prompt": "example negative prompt"}, 1),
        ({"prompt": "((emphasis)), (emphasis1:1.1), [to:1], [from::2], [from:to:0.3], [alt|alt1]"}, 1),
        ({"width": 64, "height": 128}, 1),
        ({"enable_hr": True}, 1),
        ({"tiling": True}, 1),
        ({"restore_faces": True}, 1),  # whose model may be missing
        ({"sampler_index": "PLMS"}, 1),
        ({"sampler_index": "DDIM"}, 1),
        ({"sampler_index": "UniPC"}, 1),
        ({"n_iter": 2}, 2),
        ({"batch_size": 2}, 2),
    ],
    ids=lambda value: next(iter(value), "as it is") if isinstance(value, dict) else str(value),
)
def test_txt2img(client: TestClient, change: dict[str, Any], pictures: int) -> None:
    assert count(client, "/sdapi/v1/txt2img", TXT2IMG | change) == pictures


def test_img2img(client: TestClient, picture: str) -> None:
    assert count(client, "/sdapi/v1/img2img", IMG2IMG | {"init_images": [picture]}) == 1


@pytest.mark.parametrize("invert", [False, True])
def test_inpainting(client: TestClient, picture: str, mask: str, invert: bool) -> None:
    assert count(client, "/sdapi/v1/img2img", IMG2IMG | {"init_images": [picture], "mask": mask, "inpainting_mask_invert": invert}) == 1


def test_sd_upscale(client: TestClient) -> None:
    small = IMG2IMG | {"init_images": [data_uri(Image.new("RGB", (64, 64), "red"))]}  # 9 tiles; A1111's test has 324
    assert count(client, "/sdapi/v1/img2img", small | {"script_name": "sd upscale", "script_args": ["", 8, "Lanczos", 2.0]}) == 1


EXTRAS: dict[str, Any] = {
    "resize_mode": 0,
    "show_extras_results": True,
    "gfpgan_visibility": 0,
    "codeformer_visibility": 0,
    "codeformer_weight": 0,
    "upscaling_resize": 2,
    "upscaling_resize_w": 128,
    "upscaling_resize_h": 128,
    "upscaling_crop": True,
    "upscaler_1": "Lanczos",
    "upscaler_2": "None",
    "extras_upscaler_2_visibility": 0,
}


@pytest.mark.parametrize("body", [EXTRAS, {}, {"model": "clip"}], ids=["enlarged", "the picture alone", "a field of another route"])
def test_extras(client: TestClient, picture: str, body: dict[str, Any]) -> None:
    answer = client.post("/sdapi/v1/extra-single-image", json=body | {"image": picture})
    assert answer.status_code == 200, answer.text
    assert answer.json()["image"]


def test_png_info(client: TestClient, picture: str) -> None:
    assert client.post("/sdapi/v1/png-info", json={"image": picture}).json()["info"] == ""


def test_a_setting_is_toggled(client: TestClient) -> None:
    before = client.get("/sdapi/v1/options").json()["send_seed"]
    assert client.post("/sdapi/v1/options", json={"send_seed": not before}).status_code == 200
    assert client.get("/sdapi/v1/options").json()["send_seed"] is not before
    client.post("/sdapi/v1/options", json={"send_seed": before})


@pytest.mark.parametrize(
    "name",
    ["cmd-flags", "samplers", "schedulers", "upscalers", "latent-upscale-modes", "sd-models", "sd-vae", "hypernetworks", "loras",
     "face-restorers", "realesrgan-models", "prompt-styles", "embeddings", "scripts", "script-info", "extensions", "memory", "options"],
)  # fmt: skip
def test_lists(client: TestClient, name: str) -> None:
    answer = client.get(f"/sdapi/v1/{name}")
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.text) is not None
