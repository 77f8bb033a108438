"""What A1111's API tells of the program: its lists, flags and figures."""

import base64
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from modules.a1111.parts import Stopping
from tests.a1111.pretended import ExtrasSite, Site, get, png, post
from tests.golden import golden_json, needs_golden

RED = base64.b64encode(png()).decode()


@pytest.fixture
def client(site: ExtrasSite, connection: TestClient) -> TestClient:
    return connection


@needs_golden
def test_there_is_a_route_for_each_of_a1111s(site: ExtrasSite) -> None:
    described = {(method, path) for path, methods in golden_json("api/openapi.json")["paths"].items() for method in methods}
    ours = {(method, path) for path, methods in site.app.openapi()["paths"].items() for method in methods}
    assert described - ours == set()


LISTS = (
    "sd-models", "sd-vae", "hypernetworks", "loras", "upscalers", "latent-upscale-modes", "face-restorers", "prompt-styles", "samplers",
    "schedulers", "script-info",
)  # fmt: skip


@needs_golden
@pytest.mark.parametrize("path", LISTS)
def test_lists_have_a1111s_keys(client: TestClient, path: str) -> None:
    recorded = golden_json(f"api/{path}.json")
    listed = get(client, f"/sdapi/v1/{path}")
    assert listed
    assert all(set(entry) == set(recorded[0]) for entry in listed)


def test_embeddings_are_loaded_or_skipped(client: TestClient) -> None:
    answer = get(client, "/sdapi/v1/embeddings")
    assert (list(answer["loaded"]), list(answer["skipped"])) == (["good"], ["other"])
    assert answer["loaded"]["good"] == {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None, "shape": 768, "vectors": 2}


def test_scripts_are_listed_by_tab(client: TestClient) -> None:
    answer = get(client, "/sdapi/v1/scripts")
    assert answer["txt2img"] == ["x/y/z plot", "extra options", "Hypertile", "soft inpainting", "refiner", "sampler", "seed"]
    assert "loopback" in answer["img2img"]


def test_folders_are_looked_at_again(client: TestClient, site: ExtrasSite) -> None:
    for path in ("refresh-checkpoints", "refresh-vae", "refresh-loras", "refresh-embeddings"):
        assert post(client, f"/sdapi/v1/{path}") is None
    assert (site.models.refreshed, site.lists.refreshed) == (["checkpoint"], ["vae", "lora", "embedding"])


def test_a_part_that_is_not_there_is_said(tmp_path: Path) -> None:
    site = Site(tmp_path, lists=None, scripts=None, residence=None, submit_caption=None)
    with TestClient(site.app) as client:
        for path in ("upscalers", "loras", "prompt-styles", "embeddings"):
            assert client.get(f"/sdapi/v1/{path}").status_code == 409
        assert client.post("/sdapi/v1/unload-checkpoint").status_code == 409
        assert client.post("/sdapi/v1/extra-single-image", json={"image": RED}).status_code == 409
        assert client.get("/sdapi/v1/scripts").status_code == 200
    site.queue.stop(1)


@needs_golden
def test_flags_have_a1111s_names_and_no_secrets(client: TestClient) -> None:
    """T-30: what is secret shows nowhere."""
    flags = get(client, "/sdapi/v1/cmd-flags")
    of_others = {"f", "skip_ort", "use_cpu_torch", "use_directml", "use_zluda", "use_nightly", "use_rocm"}
    assert set(golden_json("api/cmd-flags.json")) - of_others <= set(flags)
    assert (flags["port"], flags["api_auth"], flags["gradio_auth"]) == (7861, None, None)
    texts = [client.get(path).text for path in ("/sdapi/v1/cmd-flags", "/internal/sysinfo", "/sdapi/v1/options")]
    assert not [text for text in texts if "secret-of" in text or "***" in text]


def test_sysinfo_names_no_folder(client: TestClient, site: ExtrasSite) -> None:
    text = client.get("/internal/sysinfo").text
    assert str(site.folders.data) not in text
    assert {"Program", "Platform", "Python", "RAM", "Settings", "Packages"} <= set(json.loads(text))
    assert "attachment" in client.get("/internal/sysinfo-download").headers["content-disposition"]


def test_memory_is_told_in_bytes(client: TestClient) -> None:
    answer = get(client, "/sdapi/v1/memory")
    assert 0 < answer["ram"]["used"] < answer["ram"]["total"]
    assert answer["cuda"] == {"error": "unavailable"}


def test_a_checkpoint_is_unloaded_and_reloaded(client: TestClient, site: ExtrasSite) -> None:
    assert (post(client, "/sdapi/v1/unload-checkpoint"), post(client, "/sdapi/v1/reload-checkpoint")) == ({}, {})
    assert site.residence.done == ["unload", "reload"]


def test_the_program_can_only_be_ended_where_that_was_asked_for(client: TestClient, tmp_path: Path) -> None:
    for way in ("kill", "stop", "restart"):
        assert client.post(f"/sdapi/v1/server-{way}").status_code == 404
    done: list[str] = []
    site = Site(tmp_path / "other", stopping=Stopping(lambda: done.append("stop")))
    with TestClient(site.app) as stoppable:
        assert [stoppable.post(f"/sdapi/v1/server-{way}").status_code for way in ("restart", "stop", "kill")] == [501, 200, 200]
    site.queue.stop(1)
    assert done == ["stop", "stop"]


def test_small_facts_are_told(client: TestClient) -> None:
    assert get(client, "/internal/ping") == {}
    assert set(get(client, "/internal/profile-startup")) == {"total", "records"}
    hints = get(client, "/internal/quicksettings-hint")
    assert {"name": "CLIP_stop_at_last_layers", "label": "Clip skip"} in hints
