"""txt2img, img2img and what is done with single pictures, over parts that draw one colour."""

import base64
import io
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from modules.imaging.metadata import encode, read_info, read_infotext
from tests.a1111.pretended import ExtrasSite, get, png, post
from tests.golden import golden_json, needs_golden

RED = base64.b64encode(png()).decode()
BODY: dict[str, Any] = {"prompt": "a red star", "width": 64, "height": 64, "steps": 2, "seed": 5}


@pytest.fixture
def client(site: ExtrasSite, connection: TestClient) -> TestClient:
    return connection


def test_a_picture_comes_back_with_parameters_and_info(client: TestClient) -> None:
    answer = post(client, "/sdapi/v1/txt2img", BODY | {"n_iter": 2})
    info = json.loads(answer["info"])
    assert [read_infotext(base64.b64decode(image)) for image in answer["images"]] == info["infotexts"]
    assert (info["all_seeds"], info["width"], info["cfg_scale"], answer["parameters"]["prompt"]) == ([5, 6], 64, 7.0, "a red star")


@needs_golden
@pytest.mark.parametrize("case", ["001-euler-a-basic", "249-hr-latent-antialiased", "333-inp-fill0"])
def test_info_has_a1111s_keys_and_what_the_pipeline_tells(client: TestClient, site: ExtrasSite, case: str) -> None:
    recorded = golden_json(f"answers/{case}.json")["info"]
    body = {key: value for key, value in golden_json(f"cases/{case}.json").items() if key != "override_settings"}
    told = {name: value for name, value in recorded["extra_generation_params"].items() if value is not None}
    site.details = {
        "model": "tiny-sd1", "model_hash": "df7a4e8975", "variation_seed": recorded["subseed"], "extra_generation_params": told,
    }  # fmt: skip
    path = "/sdapi/v1/img2img" if "init_images" in body else "/sdapi/v1/txt2img"
    info = json.loads(post(client, path, body | {"steps": 2})["info"])
    assert list(info) == list(recorded)
    different = {key for key in recorded if info[key] != recorded[key]}
    assert different <= {"infotexts", "job_timestamp", "version", "steps"}


def test_the_pipeline_may_put_info_right(client: TestClient, site: ExtrasSite) -> None:
    site.details = {"info": {"all_seeds": [1, 2, 3], "subseed": -1}, "index_of_first_image": 1}
    info = json.loads(post(client, "/sdapi/v1/txt2img", BODY)["info"])
    assert (info["all_seeds"], info["subseed"], info["index_of_first_image"]) == ([1, 2, 3], -1, 1)


def test_pictures_come_in_the_format_of_the_settings_and_only_if_wanted(client: TestClient) -> None:
    post(client, "/sdapi/v1/options", {"samples_format": "jpg"})
    image = post(client, "/sdapi/v1/txt2img", BODY)["images"][0]
    assert Image.open(io.BytesIO(base64.b64decode(image))).format == "JPEG"
    assert post(client, "/sdapi/v1/txt2img", BODY | {"send_images": False})["images"] == []


def test_img2img_takes_pictures_and_does_not_repeat_them(client: TestClient, site: ExtrasSite) -> None:
    answer = post(client, "/sdapi/v1/img2img", BODY | {"init_images": [RED], "mask": RED})
    assert site.requests[0].source is not None
    assert site.requests[0].source.pictures == (png(),)
    assert (answer["parameters"]["init_images"], answer["parameters"]["mask"]) == (None, None)


def test_an_infotext_fills_what_was_not_set(client: TestClient, site: ExtrasSite) -> None:
    pairs = "Steps: 3, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5, Seed: 77, Size: 64x128, Clip skip: 2"
    answer = post(client, "/sdapi/v1/txt2img", {"infotext": f"a dog\nNegative prompt: bad\n{pairs}", "steps": 2})
    request = site.requests[0]
    assert (request.prompt, request.steps, request.sampler, request.schedule, tuple(request.size)) == (
        "a dog",
        2,
        "DPM++ 2M",
        "Karras",
        (64, 128),
    )
    assert request.settings == {"CLIP_stop_at_last_layers": 2}
    assert (answer["parameters"]["seed"], answer["parameters"]["enable_hr"], json.loads(answer["info"])["clip_skip"]) == (77, False, 2)


def test_an_infotext_of_two_passes_asks_for_two(client: TestClient, site: ExtrasSite) -> None:
    pairs = "Steps: 3, Sampler: Euler, CFG scale: 5, Seed: 7, Size: 64x64"
    second = "Denoising strength: 0.4, Hires upscale: 1.5, Hires upscaler: Lanczos"
    post(client, "/sdapi/v1/txt2img", {"infotext": f"x\n{pairs}, {second}"})
    hires = site.requests[0].hires
    assert hires is not None
    assert (hires.strength, hires.scale, hires.upscaler) == (0.4, 1.5, "Lanczos")


def test_an_infotexts_noise_multiplier_is_a_field_of_img2img(client: TestClient, site: ExtrasSite) -> None:
    text = "x\nSteps: 3, Sampler: Euler, CFG scale: 5, Seed: 7, Size: 64x64, Noise multiplier: 1.1"
    post(client, "/sdapi/v1/img2img", {"infotext": text, "init_images": [RED]})
    source = site.requests[0].source
    assert source is not None
    assert source.noise_multiplier == 1.1


def test_scripts_are_options_of_our_extensions(client: TestClient, site: ExtrasSite) -> None:
    post(client, "/sdapi/v1/txt2img", BODY | {"script_name": "x/y/z plot", "script_args": [1]})
    assert site.requests[0].extensions == {"pretended": {"args": [1], "upscalers": ["None", "Lanczos", "Nearest"]}}


def test_overrides_hold_for_one_request_unless_they_are_to_stay(client: TestClient, site: ExtrasSite) -> None:
    post(client, "/sdapi/v1/txt2img", BODY | {"override_settings": {"CLIP_stop_at_last_layers": 2, "send_seed": False}})
    assert get(client, "/sdapi/v1/options")["CLIP_stop_at_last_layers"] == 1
    post(
        client,
        "/sdapi/v1/txt2img",
        BODY | {"override_settings": {"CLIP_stop_at_last_layers": 2}, "override_settings_restore_afterwards": False},
    )
    assert get(client, "/sdapi/v1/options")["CLIP_stop_at_last_layers"] == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("txt2img", {"script_name": "nope"}, 422, "Script 'nope' not found"),
        ("txt2img", {"alwayson_scripts": {"nope": {"args": []}}}, 422, "Script 'nope' not found"),
        ("txt2img", {"sampler_name": "nope"}, 404, "Did you mean"),
        ("txt2img", {"override_settings": {"nope": 1}}, 404, "no setting named 'nope'"),
        ("txt2img", {"override_settings": {"sd_model_checkpoint": "nope"}}, 404, "no checkpoint named 'nope'"),
        ("txt2img", {"override_settings": {"outdir_samples": "x"}}, 409, "outdir_samples"),
        ("txt2img", {"force_task_id": "a b"}, 400, "id is 'a b'"),
        ("txt2img", {"steps": "abc"}, 422, "valid integer"),
        ("txt2img", {"prompt": ["a"]}, 422, "valid string"),
        ("img2img", {}, 404, "Init image not found"),
        ("img2img", {"init_images": []}, 404, "Init image not found"),
        ("img2img", {"init_images": ["zzzz"]}, 400, "init_images[0]"),
        ("img2img", {"init_images": ["http://127.0.0.1/x.png"]}, 409, "switched off"),
        ("extra-single-image", {"image": ""}, 400, "image is not"),
        ("extra-single-image", {"image": RED, "gfpgan_visibility": 2}, 422, "less than or equal to 1"),
        ("extra-single-image", {"image": RED, "upscaler_1": "Lancsos"}, 404, "Did you mean Lanczos"),
        ("extra-batch-images", {"imageList": []}, 400, "at least one"),
        ("extra-batch-images", {"imageList": [{"data": RED, "name": "a"}] * 65}, 422, "at most 64"),
        ("png-info", {"image": "zzzz"}, 400, "image is not"),
        ("interrogate", {"image": RED, "model": "nope"}, 404, "Model not found"),
        ("interrogate", {}, 404, "Image not found"),
        ("create/embedding", {"name": "x"}, 409, "no way to train"),
        ("train/hypernetwork", {}, 409, "cannot train hypernetworks"),
        ("options", {"nope": 1}, 404, "no setting named 'nope'"),
    ],
)
def test_what_cannot_be_is_answered_with_a_sentence(client: TestClient, path: str, body: dict[str, Any], status: int, words: str) -> None:
    answer = client.post(f"/sdapi/v1/{path}", json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.text


@pytest.mark.parametrize(
    "text", ['{"steps": 1e999}', '{"cfg_scale": NaN}', '{"prompt": "\\ud800"}', "[" * 100_000, '{"seed": ' + "9" * 5000 + "}"]
)
def test_hostile_json_is_refused(client: TestClient, text: str) -> None:
    answer = client.post("/sdapi/v1/txt2img", content=text, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422), answer.text


def test_answers_say_how_long_they_took(client: TestClient) -> None:
    assert float(client.get("/internal/ping").headers["x-process-time"]) >= 0


def test_a_picture_is_enlarged_and_keeps_its_infotext(client: TestClient, site: ExtrasSite) -> None:
    source = encode(Image.new("RGB", (16, 16)), format="png", infotext="a star")
    body = {"image": base64.b64encode(source).decode(), "upscaler_1": "lanczos", "upscaling_resize": 3, "codeformer_visibility": 0.5}
    answer = post(client, "/sdapi/v1/extra-single-image", body)
    request = site.asked[0]
    assert request.enlarging is not None and request.codeformer is not None and request.gfpgan is None
    assert (request.enlarging.upscaler, request.enlarging.scale, request.codeformer.visibility, request.save) == ("Lanczos", 3, 0.5, False)
    infotext, items = read_info(base64.b64decode(answer["image"]))
    assert (infotext, items["postprocessing"], answer["html_info"]) == ("a star", "Postprocess <b>", "<p>Postprocess &lt;b&gt;</p>")


def test_a_batch_is_enlarged_to_a_size(client: TestClient, site: ExtrasSite) -> None:
    pictures = [{"data": RED, "name": name} for name in ("a.png", "../b.png")]
    body = {"imageList": pictures, "resize_mode": 1, "upscaling_resize_w": 32, "upscaling_resize_h": 64, "upscaling_crop": False}
    answer = post(client, "/sdapi/v1/extra-batch-images", body)
    assert len(answer["images"]) == 2
    enlarging = site.asked[0].enlarging
    assert enlarging is not None and enlarging.size is not None
    assert (tuple(enlarging.size), enlarging.crop) == ((32, 64), False)


@needs_golden
@pytest.mark.parametrize("case", ["png-info", "png-info-noinfo"])
def test_a_pictures_text_is_read_as_a1111_reads_it(client: TestClient, case: str) -> None:
    recorded = golden_json("api/behaviour.json")[case]["response"]
    data = encode(Image.new("RGB", (8, 8)), format="png", infotext=recorded["info"] or None)
    answer = post(client, "/sdapi/v1/png-info", {"image": base64.b64encode(data).decode()})
    assert answer == recorded


def test_a_picture_is_described(client: TestClient, site: ExtrasSite) -> None:
    assert post(client, "/sdapi/v1/interrogate", {"image": RED}) == {"caption": "a red square"}
    assert site.captioned == [(png(), "clip")]
