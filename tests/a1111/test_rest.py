"""A1111's API as its clients use it."""

import base64
import io
import json
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from modules.imaging.metadata import read_infotext
from tests.golden import golden_json, needs_golden

BODY = {
    "prompt": "a red star",
    "width": 64,
    "height": 64,
    "steps": 2,
    "seed": 5,
    "sampler_name": "Euler a",
    "override_settings": {"randn_source": "CPU"},
}


def post(client: TestClient, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def picture(client: TestClient, **changes: Any) -> np.ndarray:
    data = base64.b64decode(post(client, "/sdapi/v1/txt2img", BODY | changes)["images"][0])
    return np.asarray(Image.open(io.BytesIO(data)))


def test_an_answer_has_pictures_parameters_and_info(client: TestClient, outputs: Path) -> None:
    answer = post(client, "/sdapi/v1/txt2img", BODY | {"batch_size": 2, "n_iter": 2})
    info = json.loads(answer["info"])
    assert len(answer["images"]) == 4
    assert info["all_seeds"] == [5, 6, 7, 8]
    assert answer["parameters"]["prompt"] == "a red star"
    assert [read_infotext(base64.b64decode(image)) for image in answer["images"]] == info["infotexts"]
    assert not list(outputs.rglob("*.png"))  # save_images is off unless asked for


@needs_golden
def test_info_and_parameters_have_a1111s_keys(client: TestClient) -> None:
    answer = post(client, "/sdapi/v1/txt2img", BODY)
    recorded = golden_json("answers/001-euler-a-basic.json")
    assert list(json.loads(answer["info"])) == list(recorded["info"])
    assert sorted(answer["parameters"]) == recorded["parameters_keys"]


@needs_golden
def test_the_defaults_are_a1111s(client: TestClient) -> None:
    recorded = golden_json("api/behaviour.json")["txt2img-minimal"]
    answer = post(client, "/sdapi/v1/txt2img", recorded["payload"])
    assert answer["parameters"] == recorded["response"]["parameters"]


def test_save_images_saves_them(client: TestClient, outputs: Path) -> None:
    post(client, "/sdapi/v1/txt2img", BODY | {"save_images": True, "send_images": False})
    assert len(list(outputs.rglob("*-5-a red star.png"))) == 1


def test_names_and_aliases_reach_the_same_sampler(client: TestClient) -> None:
    first = picture(client, sampler_name="DPM++ 2M", scheduler="Karras")
    for change in (
        {"sampler_name": "DPM++ 2M Karras"},
        {"sampler_name": "k_dpmpp_2m"},
        {"sampler_name": None, "sampler_index": "DPM++ 2M", "scheduler": "karras"},
    ):
        assert np.array_equal(first, picture(client, **change)), change


def test_an_override_chooses_a_checkpoint_for_one_request(client: TestClient) -> None:
    first = picture(client)
    other = picture(client, override_settings={"randn_source": "CPU", "sd_model_checkpoint": "two"})
    assert not np.array_equal(first, other)
    assert np.array_equal(first, picture(client))


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"sampler_name": "nope"}, 404, "nope"),
        ({"scheduler": "nope"}, 404, "nope"),
        ({"steps": 0}, 400, "Sampling steps is 0"),
        ({"width": 100_000}, 400, "Width is 100000"),
        ({"override_settings": {"nope": 1}}, 404, "nope"),
        ({"override_settings": {"sd_model_checkpoint": "nope"}}, 404, "nope"),
        ({"enable_hr": True, "hr_upscaler": "nope"}, 404, "nope"),
        ({"script_name": "nope"}, 422, "Script 'nope' not found"),
        ({"styles": ["nope"]}, 404, "nope"),
        ({"refiner_checkpoint": "nope", "refiner_switch_at": 0.5}, 404, "nope"),
        ({"steps": "abc"}, 422, "integer"),
    ],
)
def test_what_cannot_be_done_is_said(client: TestClient, change: dict[str, Any], status: int, words: str) -> None:
    answer = client.post("/sdapi/v1/txt2img", json=BODY | change)
    assert answer.status_code == status
    assert words in answer.text


def test_unknown_fields_are_ignored(client: TestClient) -> None:
    post(client, "/sdapi/v1/txt2img", BODY | {"nope": 1})


def test_options_are_read_and_changed_by_a1111s_keys(client: TestClient) -> None:
    post(client, "/sdapi/v1/options", {"CLIP_stop_at_last_layers": 2})
    assert client.get("/sdapi/v1/options").json()["CLIP_stop_at_last_layers"] == 2
    post(client, "/sdapi/v1/options", {"CLIP_stop_at_last_layers": 1})


def test_a_checkpoint_is_chosen_by_options_and_a_wrong_one_changes_nothing(client: TestClient) -> None:
    post(client, "/sdapi/v1/options", {"sd_model_checkpoint": "two"})
    title = client.get("/sdapi/v1/options").json()["sd_model_checkpoint"]
    assert title.startswith("two.safetensors [")
    answer = client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "nope", "CLIP_stop_at_last_layers": 3})
    assert answer.status_code == 404
    options = client.get("/sdapi/v1/options").json()
    assert (options["sd_model_checkpoint"], options["CLIP_stop_at_last_layers"]) == (title, 1)
    post(client, "/sdapi/v1/options", {"sd_model_checkpoint": "one"})


def test_where_files_go_cannot_be_changed_over_the_api(client: TestClient) -> None:
    assert client.post("/sdapi/v1/options", json={"outdir_txt2img_samples": "/tmp"}).status_code == 409
    assert client.post("/sdapi/v1/txt2img", json=BODY | {"override_settings": {"outdir_txt2img_samples": "/tmp"}}).status_code == 409


def test_models_samplers_and_schedules_are_listed_as_in_a1111(client: TestClient) -> None:
    models = client.get("/sdapi/v1/sd-models").json()
    assert [set(model) for model in models] == [{"title", "model_name", "hash", "sha256", "filename", "config"}] * 2
    for path, name in (("samplers", "name"), ("schedulers", "name")):
        recorded = {entry[name]: entry for entry in golden_json(f"api/{path}.json")}
        listed = client.get(f"/sdapi/v1/{path}").json()
        assert listed
        if recorded:
            assert all(entry == recorded[entry[name]] for entry in listed)


def test_refresh_finds_a_new_file(client: TestClient, program: Any) -> None:
    folder = program.folders.models / "Stable-diffusion"
    (folder / "three.safetensors").write_bytes((folder / "one.safetensors").read_bytes())
    post(client, "/sdapi/v1/refresh-checkpoints")
    assert "three" in {model["model_name"] for model in client.get("/sdapi/v1/sd-models").json()}
    (folder / "three.safetensors").unlink()
    post(client, "/sdapi/v1/refresh-checkpoints")


def while_generating(client: TestClient, body: dict[str, Any]) -> tuple[threading.Thread, list[Any]]:
    """Start a long request in a thread, and wait until it has made its first steps."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(client.post("/sdapi/v1/txt2img", json=BODY | body)))
    thread.start()
    deadline = time.time() + 60
    while client.get("/sdapi/v1/progress").json()["state"]["sampling_step"] < 2:
        assert time.time() < deadline
        time.sleep(0.02)
    return thread, answers


def test_progress_tells_of_the_running_job_and_interrupt_ends_it(client: TestClient) -> None:
    thread, answers = while_generating(client, {"steps": 150, "n_iter": 20, "force_task_id": "task(mine)"})
    now = client.get("/sdapi/v1/progress").json()
    assert 0 < now["progress"] < 1
    assert now["state"]["job"] == "task(mine)"
    assert (now["state"]["job_count"], now["state"]["sampling_steps"]) == (20, 150)
    task = post(client, "/internal/progress", {"id_task": "task(mine)"})
    assert task["active"]
    assert not task["completed"]
    started = time.perf_counter()
    post(client, "/sdapi/v1/interrupt")
    thread.join(30)
    assert time.perf_counter() - started < 5
    assert len(answers[0].json()["images"]) >= 1
    assert post(client, "/internal/progress", {"id_task": "task(mine)"})["completed"]
    assert client.get("/sdapi/v1/progress").json()["progress"] == 0


def test_skip_ends_one_batch_only(client: TestClient) -> None:
    thread, answers = while_generating(client, {"steps": 100, "n_iter": 2})
    post(client, "/sdapi/v1/skip")
    thread.join(60)
    assert len(answers[0].json()["images"]) == 2


def test_an_unknown_task_is_neither_waiting_nor_done(client: TestClient) -> None:
    task = post(client, "/internal/progress", {"id_task": "task(none)"})
    assert (task["active"], task["queued"], task["completed"]) == (False, False, False)
