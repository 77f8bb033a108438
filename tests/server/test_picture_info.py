"""What POST /webui/picture-info tells of a picture file."""

import io
import json
from collections.abc import Mapping

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image, PngImagePlugin

from modules.imaging.metadata import encode
from modules.server import errors, picture_info

INFOTEXT = "a fox\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 64x48, Version: easel-0.1.0"


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.include_router(picture_info.router())
    return TestClient(app)


def png(texts: Mapping[str, str]) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def test_an_infotext_comes_with_its_values_and_the_files_other_texts(client: TestClient) -> None:
    told = client.post("/webui/picture-info", content=png({"parameters": INFOTEXT, "note": "<b>mine</b>"})).json()
    assert told["infotext"] == INFOTEXT
    assert told["source"] == "Easel"
    assert told["parameters"]["Size"] == "64x48"
    assert told["parameters"]["Negative prompt"] == "rain"
    assert not {"Size-1", "Size-2"} & told["parameters"].keys()
    assert told["items"] == [{"name": "note", "text": "<b>mine</b>", "cut": False}]
    assert (told["size"], told["format"], told["mode"], told["more"]) == ([64, 48], "PNG", "RGB", 0)


@pytest.mark.parametrize(("format", "kind"), [("jpg", "JPEG"), ("webp", "WEBP"), ("avif", "AVIF"), ("gif", "GIF")])
def test_every_format_is_named_and_read(client: TestClient, format: str, kind: str) -> None:
    picture = encode(Image.new("RGB", (32, 32)), format=format, infotext=INFOTEXT)
    told = client.post("/webui/picture-info", content=picture).json()
    assert (told["format"], told["infotext"]) == (kind, INFOTEXT)


def test_comfyuis_workflow_is_found(client: TestClient) -> None:
    graph = {"3": {"class_type": "Note", "inputs": {}}}
    told = client.post("/webui/picture-info", content=png({"prompt": json.dumps(graph), "workflow": json.dumps({"nodes": []})})).json()
    assert (told["source"], told["workflow"], told["infotext"]) == ("ComfyUI", "workflow", "")


def test_novelais_comment_becomes_an_infotext(client: TestClient) -> None:
    comment = json.dumps({"steps": 28, "seed": 3, "scale": 5, "sampler": "k_euler", "uc": "rain"})
    told = client.post("/webui/picture-info", content=png({"Software": "NovelAI", "Description": "a fox", "Comment": comment})).json()
    assert told["source"] == "NovelAI"
    assert told["infotext"].startswith("a fox\nNegative prompt: rain\nSteps: 28")


def test_long_and_many_texts_are_bounded_and_said_to_be(client: TestClient) -> None:
    texts = {f"note {number}": "x" for number in range(picture_info.MOST_ITEMS + 3)}
    told = client.post("/webui/picture-info", content=png({"long": "y" * (picture_info.LONGEST_TEXT + 1), **texts})).json()
    assert told["items"][0]["cut"] is True
    assert len(told["items"][0]["text"]) == picture_info.LONGEST_TEXT
    assert (len(told["items"]), told["more"]) == (picture_info.MOST_ITEMS, 4)


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a": ' * 20_000, "{}", '{"nodes": 3}', '{"x": 1}'])
def test_texts_that_only_look_like_a_workflow_are_none(client: TestClient, text: str) -> None:
    told = client.post("/webui/picture-info", content=png({"workflow": text})).json()
    assert (told["workflow"], told["source"]) == ("", "")


def test_what_is_no_picture_is_refused_in_a_sentence(client: TestClient) -> None:
    answer = client.post("/webui/picture-info", content=b"<html>")
    assert answer.status_code == 400
    assert "is not a PNG" in answer.json()["detail"]
