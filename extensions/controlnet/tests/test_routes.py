"""The panel's routes and A1111's, as clients call them."""

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from extensions.controlnet.preprocessors import PREPROCESSORS, run_preprocessor
from extensions.controlnet.routes import old_routes, own_routes
from modules.contract.errors import BadRequest, NotFound
from modules.contract.request import picture_bytes
from modules.contract.services import ModelEntry
from modules.plugins import Host
from modules.server import errors
from modules.weights.hashes import legacy_hash

UPLOAD = "a" * 64
USABLE = [name for name, one in PREPROCESSORS.items() if not one.needs]  # no network is there


class Program:
    """As much of the program as the routes ask for: two model files, one of them damaged, and one upload."""

    def __init__(self, folder: Path) -> None:
        self.entries = [ModelEntry(name, name, folder / f"{name}.safetensors") for name in ("control_v11p_sd15_canny", "demo-lines")]
        for entry in self.entries:
            entry.path.write_bytes(entry.name.encode() * 40_000)
        self.looks = 0
        self.here = True
        self.folders = SimpleNamespace(data=folder / "data", models=folder / "models")
        self.entries.append(ModelEntry("broken", "broken", folder / "broken.safetensors", problem="It is damaged."))

    def models(self, kind: str) -> Sequence[ModelEntry]:
        assert kind == "controlnet"
        return self.entries

    def from_this_machine(self, request: object) -> bool:
        return self.here

    def screened(self, image: Image.Image) -> Image.Image:
        return image

    def refresh(self) -> None:
        self.looks += 1

    def picture(self, reference: str) -> bytes:
        if reference == UPLOAD:
            return png(square())
        if len(reference) == 64:
            raise NotFound("There is no such upload.")
        try:
            return picture_bytes(reference)
        except ValueError as error:
            raise BadRequest(str(error)) from None


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def client(program: Program, tmp_path: Path) -> Iterator[TestClient]:
    host = Host("controlnet", tmp_path, program, lambda: SimpleNamespace(units=4))  # pyright: ignore[reportArgumentType]
    app, own, old = FastAPI(), APIRouter(prefix="/own"), APIRouter()
    errors.install(app)
    own_routes(own, host)
    old_routes(old, host)
    app.include_router(own)
    app.include_router(old)
    with TestClient(app) as client:
        yield client


def square(side: int = 64) -> Image.Image:
    image = Image.new("RGB", (side, side), "black")
    image.paste("white", (16, 16, side - 16, side - 16))
    return image


def png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def text(image: Image.Image) -> str:
    return base64.b64encode(png(image)).decode()


def picture(encoded: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(encoded.removeprefix("data:image/png;base64,"))))


def test_models_have_a1111s_titles_and_damaged_ones_are_left_out(client: TestClient, program: Program) -> None:
    listed = client.get("/controlnet/model_list").json()["model_list"]
    assert listed == [f"{entry.name} [{legacy_hash(entry.path)}]" for entry in program.entries[:2]]


def test_folders_are_looked_at_again_when_that_is_asked_for(client: TestClient, program: Program) -> None:
    for path, looks in (("/own/choices", 0), ("/own/choices?again=true", 1), ("/controlnet/model_list?update=false", 1),
                        ("/controlnet/model_list", 2)):  # fmt: skip
        client.get(path)
        assert program.looks == looks


def test_modules_are_listed_with_their_sliders_by_name_or_by_label(client: TestClient) -> None:
    answer = client.get("/controlnet/module_list").json()
    assert answer["module_list"] == USABLE == list(answer["module_detail"])
    assert answer["module_detail"]["canny"] == {
        "model_free": False,
        "sliders": [
            {"name": "Resolution", "value": 512, "min": 64, "max": 2048, "step": 8},
            {"name": "Low Threshold", "value": 100, "min": 0, "max": 256, "step": 1},
            {"name": "High Threshold", "value": 200, "min": 0, "max": 256, "step": 1},
        ],
    }
    assert answer["module_detail"]["reference_only"]["model_free"] is True
    assert answer["module_detail"]["none"]["sliders"] == []
    labels = client.get("/controlnet/module_list?alias_names=true").json()["module_list"]
    assert "invert (from white bg & black line)" in labels
    assert "invert" not in labels


def test_control_types_bring_preprocessors_and_models_together(client: TestClient) -> None:
    types = client.get("/controlnet/control_types").json()["control_types"]
    canny = types["Canny"]
    assert canny["module_list"] == ["none", "canny", "invert"]
    assert [name.split(" ")[0] for name in canny["model_list"]] == ["None", "control_v11p_sd15_canny", "demo-lines"]
    assert canny["default_option"] == "canny"
    assert canny["default_model"].startswith("control_v11p_sd15_canny [")
    assert types["Depth"] == {"module_list": ["none"], "model_list": ["None"], "default_option": "none", "default_model": "None"}
    assert types["All"]["module_list"] == USABLE


def test_version_and_number_of_units(client: TestClient) -> None:
    assert client.get("/controlnet/version").json() == {"version": 2}
    assert client.get("/controlnet/settings").json() == {"control_net_unit_count": 4}


def test_detect_gives_the_same_hint_as_a_generation(client: TestClient) -> None:
    asked = {"controlnet_module": "canny", "controlnet_input_images": [text(square()), text(square(96))], "controlnet_processor_res": 128,
             "controlnet_threshold_a": 50, "controlnet_threshold_b": 120}  # fmt: skip
    answer = client.post("/controlnet/detect", json=asked).json()
    assert answer["info"] == "Success"
    for encoded, image in zip(answer["images"], (square(), square(96)), strict=True):
        assert picture(encoded).tobytes() == run_preprocessor("canny", image, resolution=128, a=50, b=120).tobytes()


def test_detect_shows_what_is_to_be_painted_black(client: TestClient) -> None:
    mask = Image.new("L", (64, 64))
    mask.paste(255, (0, 0, 32, 64))
    white = Image.new("RGB", (64, 64), "white")
    asked = {"controlnet_module": "inpaint", "controlnet_input_images": [text(white)], "controlnet_masks": [text(mask)]}
    shown = np.asarray(picture(client.post("/controlnet/detect", json=asked).json()["images"][0]))
    assert (shown[:, :32].max(), shown[:, 32:].min()) == (0, 255)


@pytest.mark.parametrize(
    ("module", "pictures", "resolution", "status", "words"),
    [
        ("cany", [UPLOAD], -1, 404, "There is no preprocessor named 'cany'."),
        ("canny", [], -1, 400, "controlnet_input_images is empty; it must hold at least one picture in base64."),
        ("canny", [UPLOAD] * 17, -1, 400, "controlnet_input_images holds 17 pictures; it may hold 16."),
        ("canny", ["???"], -1, 400, "A picture is not valid base64."),
        ("canny", ["AAAA"], -1, 400, "Picture 1 is not a PNG, JPEG, WEBP, GIF or AVIF picture."),
        ("inpaint_only", [UPLOAD], -1, 400, "controlnet_masks holds 0 masks; this preprocessor needs 1, one for each picture."),
        ("canny", [UPLOAD], 9000, 400, "The preprocessor's resolution is 9000; it must be between 8 and 4096."),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    client: TestClient, module: str, pictures: list[str], resolution: int, status: int, words: str
) -> None:
    asked: dict[str, Any] = {"controlnet_module": module, "controlnet_input_images": pictures, "controlnet_processor_res": resolution}
    answer = client.post("/controlnet/detect", json=asked)
    assert (answer.status_code, answer.json()["detail"]) == (status, words)


def test_the_panel_s_preview_is_of_an_upload_and_pixel_perfect(client: TestClient) -> None:
    asked = {"module": "canny", "image": UPLOAD, "perfect": True, "target": [320, 192], "resize_mode": "Resize and Fill"}
    answer = client.post("/own/preview", json=asked).json()
    assert (answer["size"], answer["resolution"]) == ([192, 192], 192)
    assert picture(answer["image"]).tobytes() == run_preprocessor("canny", square(), resolution=192).tobytes()
    assert client.post("/own/preview", json={"module": "canny", "image": UPLOAD}).json()["resolution"] == 512
    assert client.post("/own/preview", json={"module": "invert", "image": UPLOAD}).json()["resolution"] is None


def test_an_upload_that_is_gone_is_said(client: TestClient) -> None:
    answer = client.post("/own/preview", json={"module": "canny", "image": "b" * 64})
    assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such upload.")


def test_the_panel_learns_what_there_is_to_choose(client: TestClient) -> None:
    choices = client.get("/own/choices").json()
    assert [one["name"] for one in choices["preprocessors"]] == USABLE
    canny = next(one for one in choices["preprocessors"] if one["name"] == "canny")
    assert [slider["label"] for slider in canny["sliders"]] == ["Low Threshold", "High Threshold"]
    assert next(one for one in choices["types"] if one["name"] == "Lineart")["default_model"].startswith("demo-lines")


def test_a_folder_is_named_by_people_at_this_machine_only(client: TestClient, program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "poses"
    folder.mkdir()
    refused = client.post("/own/folder", json={"folder": str(folder)})
    assert refused.status_code == 400
    assert "There are no pictures" in refused.json()["detail"]
    (folder / "b.png").write_bytes(png(square()))
    (folder / "notes.txt").write_text("no picture")
    assert client.post("/own/folder", json={"folder": str(folder)}).json() == {"folder": str(folder), "pictures": 1}
    assert client.get("/own/choices").json()["here"] is True
    program.here = False
    assert client.get("/own/choices").json()["here"] is False
    refused = client.post("/own/folder", json={"folder": str(tmp_path)})
    assert "only in a browser on the machine" in refused.json()["detail"]
    for wrong in ("poses", str(tmp_path / "nowhere"), ""):
        program.here = True
        assert "whole path" in client.post("/own/folder", json={"folder": wrong}).json()["detail"]
