"""What is kept of a model, the words of a file, the sharing text, and the page's routes."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from PIL import Image

from extensions.model_presets.records import MOST_PRESETS, Record, Records, merge, shared, sharing_text
from extensions.model_presets.routes import add_routes
from extensions.model_presets.training import training_words
from modules.contract.errors import BadRequest, NotFound, NotSupported, WebuiError
from modules.contract.services import Folders, ModelEntry
from modules.imaging.opening import open_image
from modules.plugins import Host, Options

SHA = "0123456789abcdef" * 4
TEXT = "a red star\nNegative prompt: blurry\nSteps: 7, Sampler: Euler a, CFG scale: 5, Seed: 3, Size: 64x64"
ORIGINAL = {
    "url": "https://example.org/m/1",
    "default_preset": "mine",
    "trigger_words": ["starry"],
    "presets": {"default": "", "mine": TEXT},
}


@dataclass
class Library:
    """A program with these models."""

    folders: Folders
    kinds: dict[str, list[ModelEntry]] = field(default_factory=dict[str, list[ModelEntry]])
    uploads: dict[str, bytes] = field(default_factory=dict[str, bytes])
    revealed: list[Path] = field(default_factory=list[Path])
    here: bool = True

    def models(self, kind: str) -> list[ModelEntry]:
        return self.kinds[kind]

    def chosen_checkpoint(self) -> ModelEntry | None:
        return next(iter(self.kinds["checkpoint"]), None)

    def from_this_machine(self, request: Request) -> bool:
        del request
        return self.here

    def picture(self, reference: str) -> bytes:
        return self.uploads[reference]

    def show_file(self, path: Path, request: Request) -> bool:
        if not self.from_this_machine(request):
            raise NotSupported("Not from there.")
        self.revealed.append(path)
        return True


@pytest.fixture
def library(tmp_path: Path) -> Library:
    metadata = {"ss_tag_frequency": json.dumps({"4_ink": {"ink drawing": 9, "cat": 2}}), "modelspec.trigger_phrase": "inkstyle"}
    lora = tmp_path / "ink.safetensors"
    lora.write_bytes(b"a file")
    checkpoint = ModelEntry("sub/demo.safetensors [0123456789]", "sub/demo", tmp_path / "demo.safetensors", sha256=SHA)
    entries = {"checkpoint": [checkpoint], "lora": [ModelEntry("ink", "ink", lora, metadata=metadata)]}
    return Library(Folders(tmp_path / "data", tmp_path / "models", tmp_path / "outputs"), entries)


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    router, app = APIRouter(), FastAPI()
    add_routes(router, Host("model_presets", Path(), cast(Any, library), Options))
    app.include_router(router)

    @app.exception_handler(WebuiError)
    def said(request: Request, error: WebuiError) -> JSONResponse:
        del request
        return JSONResponse({"detail": str(error)}, error.status)

    with TestClient(app) as client:
        yield client


def kept(library: Library) -> Path:
    return library.folders.data / "model presets" / f"{SHA[:10]}.json"


def test_a_file_of_the_original_is_read_changed_and_stays_one(client: TestClient, library: Library) -> None:
    kept(library).parent.mkdir(parents=True)
    kept(library).write_text(json.dumps({**ORIGINAL, "more": 1}), "utf8")
    model = client.get("/model").json()
    assert {key: model[key] for key in ORIGINAL} == ORIGINAL and model["hash"] == SHA[:10] and model["name"] == "sub/demo"
    assert client.get("/default", params={"name": "sub/demo.safetensors"}).json() == {"name": "mine", "text": TEXT}
    assert client.post("/rename", json={"preset": "mine", "to": " 星 "}).json()["default_preset"] == "星"
    assert client.post("/preset", json={"preset": "two", "text": "b"}).status_code == 200
    assert "already" in client.post("/preset", json={"preset": "two", "text": "c"}).json()["detail"]
    assert client.post("/preset", json={"preset": "two", "text": "c", "replace": True}).status_code == 200
    assert client.post("/delete", json={"preset": "default"}).status_code == 200
    assert client.post("/default", json={"preset": "two"}).status_code == 200
    written = json.loads(kept(library).read_text("utf8"))
    assert written == {**ORIGINAL, "default_preset": "two", "presets": {"星": TEXT, "two": "c"}, "more": 1}


def test_files_in_the_extension_s_folder_are_read_and_left(client: TestClient, library: Library) -> None:
    old = library.folders.data / "extension-data" / "model_presets" / "model presets" / f"{SHA}.json"
    old.parent.mkdir(parents=True)
    old.write_text(json.dumps({"url": None, "trigger_words": "a, b,a", "presets": {"x": TEXT}}), "utf8")
    before = old.read_bytes()
    assert client.get("/model").json()["trigger_words"] == ["a", "b"]
    client.post("/details", json={"url": "", "trigger_words": ["b", " b ", ""]})
    assert client.get("/model").json()["trigger_words"] == ["b"] and client.get("/model").json()["presets"] == {"x": TEXT}
    assert old.read_bytes() == before and kept(library).is_file()


def test_a_lora_has_presets_by_its_file_s_hash_whatever_its_name(client: TestClient, library: Library) -> None:
    lora = {"kind": "lora", "name": "ink"}
    model = client.post("/preset", json={**lora, "preset": "a", "text": TEXT}).json()
    assert model["suggested"] == ["inkstyle", "ink drawing", "cat"] and "<lora:ink:1>" in model["template"]
    entry = library.kinds["lora"][0]
    library.kinds["lora"] = [ModelEntry("pen", "pen", entry.path.rename(entry.path.with_name("pen.safetensors")))]
    assert client.get("/model", params={"kind": "lora", "name": "pen"}).json()["presets"] == {"a": TEXT}
    assert client.get("/models").json() == {"chosen": "sub/demo", "models": {"checkpoint": ["sub/demo"], "lora": ["pen"]}, "here": True}


def test_the_sharing_text_comes_back_and_loses_nothing(client: TestClient) -> None:
    client.post("/preset", json={"preset": "mine", "text": TEXT})
    client.post("/details", json={"url": "https://example.org/", "trigger_words": ["one"]})
    text = client.get("/sharing").json()["text"]
    assert text.startswith("###ModelPresets###")
    before = client.get("/model").json()
    assert client.post("/import", json={"text": f"Try these!\n{text}\nby me"}).json() == before
    other = sharing_text(Record.model_validate({**ORIGINAL, "presets": {"mine": "another", "new": TEXT}}))
    model = client.post("/import", json={"text": other}).json()
    assert model["presets"] == {"mine": TEXT, "mine (2)": "another", "new": TEXT}
    assert model["trigger_words"] == ["one", "starry"] and model["url"] == "https://example.org/" and model["default_preset"] == "mine"
    assert shared('{"only": "texts"}').presets == {"only": "texts"}


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/preset", {"preset": " ", "text": ""}, "no name"),
        ("/preset", {"preset": "a\nb", "text": ""}, "cannot be a preset's name"),
        ("/preset", {"preset": "a", "text": "", "name": "../../etc/passwd"}, "no checkpoint named"),
        ("/preset", {"preset": "a", "text": "", "kind": "lora", "name": "nobody"}, "no lora named"),
        ("/details", {"url": "javascript:alert(1)", "trigger_words": []}, "no address of a page"),
        ("/details", {"url": "", "trigger_words": ["x" * 301]}, "cannot be a trigger word"),
        ("/details", {"url": "", "trigger_words": [str(number) for number in range(501)]}, "501 trigger words"),
        ("/rename", {"preset": "none", "to": "x"}, "no preset named 'none'"),
        ("/delete", {"preset": "none"}, "no preset named 'none'"),
        ("/default", {"preset": "none"}, "no preset named 'none'"),
        ("/import", {"text": "hello"}, "holds no presets"),
        ("/import", {"text": "###ModelPresets### {"}, "holds no presets"),
        ("/import", {"text": '{"presets": [1]}'}, "holds no presets"),
        ("/import", {"text": '{"presets": {}, "url": "javascript:1"}'}, "no address of a page"),
        ("/import", {"text": "[" * 100_000 + "{"}, "holds no presets"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_written(
    client: TestClient, library: Library, path: str, body: dict[str, Any], sentence: str
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code in (400, 404) and sentence in answer.json()["detail"]
    assert not kept(library).exists()


def test_a_damaged_file_is_named_and_kept(client: TestClient, library: Library) -> None:
    kept(library).parent.mkdir(parents=True)
    for damage in ("{", "[]", '{"presets": {"a": 1}}', "[" * 100_000):
        kept(library).write_text(damage, "utf8")
        answer = client.post("/preset", json={"preset": "a", "text": "b"})
        assert answer.status_code == 400 and str(kept(library)) in answer.json()["detail"]
        assert kept(library).read_text("utf8") == damage
    kept(library).write_text('{"url": "javascript:alert(1)"}', "utf8")
    assert client.get("/model").json()["url"] == ""
    assert client.post("/preset", json={"preset": "a", "text": "b"}).json()["presets"] == {"a": "b"}


@pytest.mark.parametrize("sha256", ["../" * 10, "", "0123456789", SHA.upper(), SHA + "/", SHA[:-1] + "\n"])
def test_no_hash_leads_out_of_the_folder(sha256: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        Records([tmp_path]).place(sha256)


def test_limits_hold_for_what_is_added() -> None:
    record = Record(presets={str(number): "" for number in range(MOST_PRESETS)})
    merge(record, Record(presets={"one more": "x"}))
    records = Records([Path()])
    with pytest.raises(BadRequest, match=f"{MOST_PRESETS + 1} presets"):
        records.change(SHA, lambda empty: merge(empty, record))
    with pytest.raises(NotFound):
        records.change(SHA, lambda empty: _raise())


def _raise() -> None:
    raise NotFound("There is none.")


def test_headers_that_make_no_sense_suggest_nothing() -> None:
    assert training_words({"ss_tag_frequency": "{", "ss_dataset_dirs": "[1]"}) == []
    assert training_words({"ss_tag_frequency": '{"a": {"x": "often"}, "b": 3}'}) == ["x"]
    assert training_words({"ss_dataset_dirs": '{"10_ohwx man": {"n_repeats": 10}, "plain": {}}'}) == ["ohwx man"]


def png(color: str, size: tuple[int, int] = (900, 600)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, color).save(data, "PNG")
    return data.getvalue()


def seen(client: TestClient, preset: str) -> tuple[tuple[int, int], tuple[int, ...]]:
    """The size of a preset's picture, and the colour of its middle in steps of 64."""
    answer = client.get("/picture", params={"preset": preset})
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/webp"
    image = open_image(answer.content).convert("RGB")
    return image.size, tuple(round(value / 64) for value in cast(tuple[int, ...], image.getpixel((image.width // 2, image.height // 2))))


def test_a_preset_s_picture_is_small_lies_beside_the_json_and_follows_its_name(client: TestClient, library: Library) -> None:
    library.uploads = {"red": png("red"), "blue": png("blue", (100, 40)), "none": b"no picture"}
    model = client.post("/preset", json={"preset": " star/\u661f ", "text": TEXT, "picture": "red"}).json()
    first = model["pictures"]["star/\u661f"]
    assert seen(client, "star/\u661f") == ((300, 200), (4, 0, 0))
    written = json.loads(kept(library).read_text("utf8"))
    assert written == {"url": "", "default_preset": "star/\u661f", "trigger_words": [], "presets": {"star/\u661f": TEXT}}
    model = client.post("/picture", json={"preset": "star/\u661f", "picture": "blue"}).json()
    assert model["pictures"]["star/\u661f"] != first and seen(client, "star/\u661f") == ((100, 40), (0, 0, 4))
    model = client.post("/rename", json={"preset": "star/\u661f", "to": " sea "}).json()
    assert list(model["pictures"]) == ["sea"] and seen(client, "sea")[1] == (0, 0, 4)
    client.post("/preset", json={"preset": "sea", "text": "b", "replace": True})
    assert list(client.get("/model").json()["pictures"]) == ["sea"]
    assert [path.suffix for path in (kept(library).parent / "pictures").iterdir()] == [".webp"]
    client.post("/delete", json={"preset": "sea"})
    assert not list((kept(library).parent / "pictures").iterdir()) and client.get("/picture", params={"preset": "sea"}).status_code == 404


def test_a_picture_is_taken_away_and_what_is_none_changes_nothing(client: TestClient, library: Library) -> None:
    library.uploads = {"red": png("red"), "none": b"no picture"}
    refused = client.post("/preset", json={"preset": "a", "text": "x", "picture": "none"})
    assert refused.status_code == 400 and "is not a PNG" in refused.json()["detail"] and not kept(library).exists()
    assert "no preset named 'a'" in client.post("/picture", json={"preset": "a", "picture": "red"}).json()["detail"]
    client.post("/preset", json={"preset": "a", "text": "x", "picture": "red"})
    assert client.post("/picture", json={"preset": "a", "picture": "none"}).status_code == 400
    assert seen(client, "a")[1] == (4, 0, 0)
    assert client.post("/picture", json={"preset": "a"}).json()["pictures"] == {}


def test_a_picture_s_hash_names_the_checkpoint_that_made_it(client: TestClient) -> None:
    assert client.get("/named", params={"digits": SHA[:10]}).json() == {"name": "sub/demo"}
    assert client.get("/named", params={"digits": "f" * 10}).json() == {"name": ""}
    assert client.get("/model").json()["card"] == "sub/demo.safetensors"


def test_files_are_shown_to_people_at_this_machine_alone(client: TestClient, library: Library) -> None:
    model = library.kinds["checkpoint"][0].path
    model.write_bytes(b"")
    assert client.post("/show", json={}).json() == {"shown": True, "path": str(model)}
    assert "no file 0123456789.json yet" in client.post("/show", json={"what": "presets"}).json()["detail"]
    client.post("/preset", json={"preset": "a", "text": "x"})
    assert client.post("/show", json={"what": "presets"}).json()["path"] == str(kept(library))
    assert library.revealed == [model, kept(library)]
    library.here = False
    assert client.post("/show", json={}).status_code == NotSupported.status and library.revealed == [model, kept(library)]
