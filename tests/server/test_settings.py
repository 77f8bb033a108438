"""The routes of the Settings tab, over a store of their own and pretended models."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from modules.contract.errors import NotFound
from modules.server import errors, maintenance, settings
from modules.server.caches import FolderCache, MemoryCache
from modules.server.maintenance import Maintenance
from modules.server.settings import SettingsDesk
from modules.server.sysinfo import sysinfo
from modules.settings.groups import Settings
from modules.settings.store import ENTRIES, SettingsStore, flat

LISTS = {"checkpoint": ["one.safetensors", "two.safetensors"], "vae": ["Automatic", "None"], "sampler": ["Euler a", "DDIM"]}
LOCAL, REMOTE = ("127.0.0.1", 5000), ("192.168.1.20", 5000)


class Desk:
    """A settings desk whose checkpoints are names."""

    def __init__(self, folder: Path) -> None:
        self.store = SettingsStore(folder / "settings.json")
        self.checkpoint = "one.safetensors"
        self.looked = 0
        self.desk = SettingsDesk(self.store, lambda: LISTS, self.look, lambda: self.checkpoint, self.choose, others={"hide_ldm_prints"})

    def look(self) -> None:
        self.looked += 1

    def choose(self, name: str) -> None:
        if name not in LISTS["checkpoint"]:
            raise NotFound.among("checkpoint", name, LISTS["checkpoint"])
        self.checkpoint = name

    def client(self, who: tuple[str, int] = LOCAL) -> TestClient:
        app = FastAPI()
        errors.install(app)
        app.include_router(settings.router(self.desk))
        return TestClient(app, base_url="http://127.0.0.1:7860", client=who)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def change(client: TestClient, **values: Any) -> Any:
    return client.post("/webui/settings", json={"values": values})


def test_every_setting_is_on_one_page_with_its_value(desk: Desk) -> None:
    answer = desk.client().get("/webui/settings").json()
    keys = [field["key"] for page in answer["pages"] for field in page["fields"]]
    assert sorted(keys) == sorted(ENTRIES)
    assert set(answer["values"]) == set(keys)
    assert answer["values"] == {**flat(Settings()), "sd_model_checkpoint": "one.safetensors"}
    assert all(page["title"] and page["heading"] for page in answer["pages"])


def test_lists_that_are_known_while_it_runs_are_choices(desk: Desk) -> None:
    fields = {field["key"]: field for page in desk.client().get("/webui/settings").json()["pages"] for field in page["fields"]}
    assert fields["hide_samplers"]["choices"] == LISTS["sampler"]
    assert "CLIP_stop_at_last_layers" in fields["quicksettings_list"]["choices"]
    assert fields["quicksettings_list"]["reload"] is True
    assert fields["jpeg_quality"]["reload"] is False


def test_what_the_page_heeds_at_once_is_the_same_in_the_browser() -> None:
    script = (Path(settings.__file__).parents[1] / "frontend" / "web" / "live_settings.js").read_text("utf8")
    listed = script.partition("const LIVE = [")[2].partition("]")[0]
    assert set(re.findall(r'"(\w+)"', listed)) == settings.LIVE
    assert set(ENTRIES) >= settings.LIVE


def test_a_change_is_kept_and_named(desk: Desk) -> None:
    answer = change(desk.client(), jpeg_quality=95, CLIP_stop_at_last_layers=1, hide_samplers=["DDIM"]).json()
    assert sorted(answer["changed"]) == ["hide_samplers", "jpeg_quality"]
    assert answer["values"]["jpeg_quality"] == 95
    assert SettingsStore(desk.store.path).current.sampling.hidden == ("DDIM",)


def test_one_wrong_value_changes_nothing_and_each_has_a_sentence(desk: Desk) -> None:
    answer = change(desk.client(), jpeg_quality=900, randn_source="TPU", CLIP_stop_at_last_layers=2)
    assert answer.status_code == 400
    assert "is 900; it must be between 1 and 100." in answer.json()["detail"]
    assert "is 'TPU'; it must be 'GPU', 'CPU' or 'NV'." in answer.json()["detail"]
    assert desk.store.current == Settings()


@pytest.mark.parametrize("values", [{"nope": 1}, {"keyedit_delimiters": "x" * 20_000}])
def test_what_cannot_be_is_refused(desk: Desk, values: dict[str, Any]) -> None:
    assert change(desk.client(), **values).status_code in (400, 404)
    assert desk.store.current == Settings()


@pytest.mark.parametrize("body", ['{"values": {"sigma_min": Infinity}}', '{"values": {"keyedit_delimiters": "\\ud800"}}'])
def test_values_that_no_file_can_hold_are_refused(desk: Desk, body: str) -> None:
    answer = desk.client().post("/webui/settings", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert desk.store.current == Settings()


def test_what_says_where_files_go_is_changed_on_this_machine_only(desk: Desk) -> None:
    refused = change(desk.client(REMOTE), outdir_txt2img_samples="elsewhere", jpeg_quality=50)
    assert refused.status_code == 409
    assert "Output folder for txt2img pictures can be changed only on the machine" in refused.json()["detail"]
    assert desk.store.current == Settings()
    assert change(desk.client(), outdir_txt2img_samples="elsewhere").status_code == 200


def test_another_machine_may_send_such_a_value_back_as_it_is(desk: Desk) -> None:
    values = desk.client(REMOTE).get("/webui/settings/values").json()
    assert change(desk.client(REMOTE), **{**values, "jpeg_quality": 50}).json()["changed"] == ["jpeg_quality"]
    assert desk.client(REMOTE).get("/webui/settings").json()["here"] is False


def test_a_proxy_does_not_make_a_stranger_local(desk: Desk) -> None:
    answer = desk.client().post("/webui/settings", json={"values": {"outdir_grids": "x"}}, headers={"X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code in (404, 409)
    headers = {"X-Forwarded-For": "203.0.113.9"}
    answer = desk.client().post("/webui/settings", json={"values": {"outdir_txt2img_samples": "x"}}, headers=headers)
    assert answer.status_code == 409


def test_a_checkpoint_is_loaded_before_anything_is_changed(desk: Desk) -> None:
    assert change(desk.client(), sd_model_checkpoint="gone", jpeg_quality=50).status_code == 404
    assert desk.store.current == Settings()
    answer = change(desk.client(), sd_model_checkpoint="two.safetensors", jpeg_quality=50).json()
    assert sorted(answer["changed"]) == ["jpeg_quality", "sd_model_checkpoint"]
    assert desk.checkpoint == "two.safetensors"


def test_an_export_is_imported_without_a_difference(desk: Desk) -> None:
    change(desk.client(), jpeg_quality=95)
    file = desk.client().get("/webui/settings/export")
    assert "attachment" in file.headers["content-disposition"]
    found = desk.client().post("/webui/settings/import", json={"values": file.json()}).json()
    assert (found["taken"], found["wrong"], found["unknown"]) == ({}, {}, [])


def test_looking_at_a_file_changes_nothing(desk: Desk) -> None:
    values = {"jpeg_quality": 95, "eta_ddim": 7, "hide_ldm_prints": False, "ad_max_models": 2, "sd_model_checkpoint": None}
    found = desk.client().post("/webui/settings/import", json={"values": values}).json()
    assert found["taken"] == {"jpeg_quality": 95}
    assert list(found["wrong"]) == ["eta_ddim"]
    assert (found["without_effect"], found["unknown"]) == (["hide_ldm_prints"], ["ad_max_models"])
    assert desk.store.current == Settings()


def test_models_are_looked_for_again(desk: Desk) -> None:
    assert desk.client().post("/webui/settings/refresh").json() == LISTS
    assert desk.looked == 1


class Memory:
    """A checkpoint in memory, or none."""

    def __init__(self) -> None:
        self.loaded: str | None = "one"
        self.owners: list[str] = []
        self.cleared = 0

    def unload(self) -> None:
        self.loaded = None

    def load(self) -> None:
        self.loaded = "one"

    def hash_all(self, owner: str) -> str:
        self.owners.append(owner)
        return "job-1"

    def clear(self) -> None:
        self.cleared += 1


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def keeper(tmp_path: Path, memory: Memory) -> Iterator[TestClient]:
    store = SettingsStore(tmp_path / "settings.json")
    store.update({"jpeg_quality": 95, "outdir_txt2img_samples": "private-place"})
    caches = (MemoryCache("Prompts", memory.clear), FolderCache("Small pictures", tmp_path / "cache"))

    def system(whole: bool) -> dict[str, Any]:
        flags = {"port": 7860, "data_dir": tmp_path, "gradio_auth": ("hidden",)}
        return sysinfo(store, tmp_path, device=lambda: {"used": "cpu"}, extensions=list, flags=flags, whole=whole)

    app = FastAPI()
    errors.install(app)
    app.include_router(maintenance.router(Maintenance(
        lambda: memory.loaded, memory.unload, memory.load, memory.hash_all, caches, system)))  # fmt: skip
    yield TestClient(app, base_url="http://127.0.0.1:7860", client=LOCAL)


def test_a_checkpoint_leaves_memory_and_comes_back(keeper: TestClient) -> None:
    assert keeper.post("/webui/maintenance/unload").json() == {"loaded": None}
    assert keeper.post("/webui/maintenance/load").json() == {"loaded": "one"}


def test_hashing_is_a_job_of_its_owner(keeper: TestClient, memory: Memory) -> None:
    assert keeper.post("/webui/maintenance/hashes", json={"owner": "me"}).json() == {"id": "job-1"}
    assert memory.owners == ["me"]


def test_caches_are_listed_and_cleared_by_title(keeper: TestClient, tmp_path: Path, memory: Memory) -> None:
    folder = tmp_path / "cache" / "deep"
    folder.mkdir(parents=True)
    (folder / "one.webp").write_bytes(b"x" * 100)
    assert keeper.get("/webui/maintenance/caches").json() == [
        {"title": "Prompts", "bytes": None},
        {"title": "Small pictures", "bytes": 100},
    ]
    assert keeper.post("/webui/maintenance/caches/clear", json={"titles": ["nope"]}).status_code == 404
    left = keeper.post("/webui/maintenance/caches/clear", json={"titles": ["Small pictures"]}).json()
    assert (left[1]["bytes"], memory.cleared, folder.exists()) == (0, 0, False)
    keeper.post("/webui/maintenance/caches/clear", json={"titles": ["Prompts"]})
    assert memory.cleared == 1


def test_a_cache_keeps_what_may_be_in_use_and_follows_no_link(tmp_path: Path) -> None:
    folder, outside = tmp_path / "cache", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "kept.txt").write_text("kept")
    (folder / "link").symlink_to(outside)
    (folder / "young").write_text("young")
    FolderCache("Young", folder, spared=3600).clear()
    assert (folder / "young").exists()
    FolderCache("All", folder).clear()
    assert list(folder.iterdir()) == []
    assert (outside / "kept.txt").exists()


def test_the_system_is_described_without_places_for_strangers(keeper: TestClient) -> None:
    described = keeper.get("/webui/maintenance/system").json()
    assert described["Changed settings"] == {"jpeg_quality": 95, "outdir_txt2img_samples": "private-place"}
    assert described["Packages"]["fastapi"]
    stranger = TestClient(keeper.app, base_url="http://127.0.0.1:7860", client=REMOTE)
    seen = stranger.get("/webui/maintenance/system").json()
    assert seen["Changed settings"] == {"jpeg_quality": 95}
    assert "data_dir" not in seen["Flags"]
    assert "private-place" not in json.dumps(seen)


def test_licences_name_each_package_once(keeper: TestClient) -> None:
    rows = keeper.get("/webui/maintenance/licences").json()
    names = [row["name"].lower() for row in rows]
    assert len(names) == len(set(names)) > 20
    by_name = {row["name"].lower(): row for row in rows}
    assert by_name["easel"]["licence"] == "Apache-2.0"
    assert "MIT" in by_name["fastapi"]["licence"]
    stated = [row for row in rows if row["licence"]]
    assert len(stated) > 0.8 * len(rows)
