"""Uploads: kept by content, checked, served as they are, and swept."""

import hashlib
import io
import os
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from modules.contract.errors import BadRequest, NotFound
from modules.server import errors, uploads
from modules.server.uploads import Uploads


def picture(colour: str = "red", kind: str = "PNG", size: tuple[int, int] = (12, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def client(folder: Path) -> TestClient:
    app = FastAPI()
    errors.install(app)
    app.include_router(uploads.router(Uploads(folder)))
    return TestClient(app)


def test_a_picture_is_kept_under_its_content_and_comes_back_byte_for_byte(tmp_path: Path) -> None:
    data = picture()
    kept = Uploads(tmp_path).keep(data)
    assert kept == (hashlib.sha256(data).hexdigest(), 12, 8)
    assert Uploads(tmp_path).read(kept.id) == data


def test_the_same_picture_is_one_file(tmp_path: Path) -> None:
    store = Uploads(tmp_path / "made" / "first")
    store.keep(picture())
    store.keep(picture())
    assert len(list(store.folder.iterdir())) == 1


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\nnothing more", b"#!/bin/sh"])
def test_what_is_no_picture_is_refused_and_not_kept(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadRequest):
        Uploads(tmp_path).keep(data)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "..", "../secret", "0" * 64, "0" * 63, "A" * 64, "/etc/passwd", "0" * 64 + "\n"])
def test_only_kept_pictures_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(NotFound, match="not kept any more"):
        Uploads(tmp_path / "uploads").read(name)


def test_what_was_not_used_for_long_goes_and_reading_is_use(tmp_path: Path) -> None:
    store = Uploads(tmp_path, days=2)
    ids = [store.keep(picture(colour)).id for colour in ("red", "green", "blue")]
    long_ago = time.time() - 3 * uploads.DAY
    for id in ids[:2]:
        os.utime(tmp_path / id, (long_ago, long_ago))
    store.read(ids[0])
    store.sweep()
    assert {path.name for path in tmp_path.iterdir()} == {ids[0], ids[2]}


def test_the_longest_unused_go_when_all_are_too_large_and_a_part_of_a_file_goes_when_it_is_old(tmp_path: Path) -> None:
    store = Uploads(tmp_path)
    ids = [store.keep(picture(colour)).id for colour in ("red", "green", "blue")]
    for age, id in enumerate(ids):
        os.utime(tmp_path / id, (time.time() - 100 + age, time.time() - 100 + age))
    left, strange = tmp_path / ".0123456789abcdef.tmp", tmp_path / "notes.txt"
    for path in (left, strange):
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    store.most_bytes = sum((tmp_path / id).stat().st_size for id in ids[1:])
    store.sweep()
    assert {path.name for path in tmp_path.iterdir()} == {ids[1], ids[2], strange.name}


@pytest.mark.parametrize(("kind", "media"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("GIF", "image/gif"),
                                             ("AVIF", "image/avif")])  # fmt: skip
def test_the_routes_take_raw_bytes_and_give_them_back_as_an_inert_file(tmp_path: Path, kind: str, media: str) -> None:
    web, data = client(tmp_path), picture(kind=kind)
    answer = web.post("/webui/uploads", content=data, headers={"Content-Type": "application/octet-stream"}).json()
    assert answer == {"id": hashlib.sha256(data).hexdigest(), "width": 12, "height": 8}
    back = web.get(f"/webui/uploads/{answer['id']}")
    assert back.content == data
    assert back.headers["content-type"] == media
    assert back.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in back.headers["content-security-policy"]


def test_the_routes_refuse_in_a_sentence(tmp_path: Path) -> None:
    web = client(tmp_path)
    assert web.post("/webui/uploads", content=b"no").json()["detail"] == "The picture is not a PNG, JPEG, WEBP, GIF or AVIF picture."
    assert web.post("/webui/uploads").json()["detail"] == "There is no picture in the request."
    assert web.get(f"/webui/uploads/{'0' * 64}").status_code == 404
