"""Pictures that the page's canvas sent up, by content: the same bytes are the same upload, whoever sends them and however often."""

import hashlib
import os
import re
import threading
import time
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import TEMPORARY, write_whole
from modules.imaging.opening import open_image
from modules.server.pictures import picture_type
from modules.server.routes import Threads
from modules.server.security import FILE_POLICY

IDENTIFIER = re.compile(r"[0-9a-f]{64}")
OURS = re.compile(f"{IDENTIFIER.pattern}|{TEMPORARY.pattern}")  # a killed program leaves a temporary file behind
DAY = 86400.0
KEPT_DAYS = 14.0  # since a picture was last sent or read
MOST_BYTES = 2 * 2**30
SWEPT_EVERY = 3600.0  # seconds


class Upload(NamedTuple):
    """A kept picture: its SHA-256 in hexadecimal digits, and its size upright, in pixels."""

    id: str
    width: int
    height: int


class Uploads:
    """A folder of uploads. Those not used for 14 days go, and the oldest when they take more than 2 GB together."""

    def __init__(self, folder: Path, *, days: float = KEPT_DAYS, most_bytes: int = MOST_BYTES) -> None:
        self.folder = folder
        self.days = days
        self.most_bytes = most_bytes
        self.swept = 0.0
        self.lock = threading.Lock()

    def keep(self, data: bytes) -> Upload:
        """Keep a picture file. Raises BadRequest for what cannot be opened or is too large."""
        width, height = open_image(data).size
        identifier = hashlib.sha256(data).hexdigest()
        path = self.folder / identifier
        if not used_now(path):
            write_whole(path, data)
        self.sweep_sometimes()
        return Upload(identifier, width, height)

    def read(self, id: str) -> bytes:
        """The bytes of a kept picture. Raises NotFound for what is not, or not any more, there."""
        missing = NotFound("This picture is not kept any more.", "Load it into the canvas again.")
        if not IDENTIFIER.fullmatch(id):
            raise missing
        path = self.folder / id
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise missing from None
        used_now(path)
        return data

    def sweep_sometimes(self) -> None:
        """Sweep, unless that was done within the hour."""
        with self.lock:
            if time.time() - self.swept < SWEPT_EVERY:
                return
            self.swept = time.time()
        self.sweep()

    def sweep(self) -> None:
        """Remove what has not been used for long, and the longest unused while all together are too large."""
        files = sorted((path for path in self.folder.iterdir() if OURS.fullmatch(path.name)), key=last_use, reverse=True)
        total, oldest = 0, time.time() - self.days * DAY
        for path in files:
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue
            if total > self.most_bytes or last_use(path) < oldest:
                path.unlink(missing_ok=True)


def last_use(path: Path) -> float:
    """Seconds since 1970; 0 for a file that has just gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def used_now(path: Path) -> bool:
    """Note that a file was used; False if there is none."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def media_type(data: bytes) -> str:
    """The media type of a picture that `open_image` opens."""
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return picture_type(data) or "image/avif"


def router(uploads: Uploads) -> APIRouter:
    """The canvas's routes: raw bytes there, an id back; and the bytes again."""
    routes = APIRouter(prefix="/webui")
    threads = Threads("upload-route", 2)

    @routes.post("/uploads")
    async def keep(request: Request) -> dict[str, str | int]:
        """Keep a picture; the body is the file itself."""
        data = await request.body()
        if not data:
            raise BadRequest("There is no picture in the request.")
        return (await threads.run(uploads.keep, data))._asdict()

    @routes.get("/uploads/{id}")
    async def read(id: str) -> Response:
        """A kept picture, byte for byte."""
        data = await threads.run(uploads.read, id)
        headers = {
            "Cache-Control": "private, max-age=86400, immutable",
            "Content-Security-Policy": FILE_POLICY,
            "X-Content-Type-Options": "nosniff",
        }
        return Response(data, media_type=media_type(data), headers=headers)

    return routes
