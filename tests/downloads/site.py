"""A server on this machine that answers as Hugging Face and Civitai do, and breaks in the ways that real ones do."""

import hashlib
import io
import json
import re
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from PIL import Image

REPOSITORY = "artist/dunes"
MODEL, VERSION = 4384, 128713


def safetensors(tensors: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None, fill: int = 0) -> bytes:
    """A safetensors file of fp16 tensors of these shapes, each filled with one byte."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, shape in tensors.items():
        size = 2
        for side in shape:
            size *= side
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes([fill]) * at


def lora(size: int = 64, fill: int = 0) -> bytes:
    """A LoRA for SD 1 of rank 4; the larger `size`, the larger the file."""
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k"
    return safetensors(
        {f"{name}.lora_down.weight": (4, 768), f"{name}.lora_up.weight": (size, 4)}, {"ss_base_model_version": "sd_v1"}, fill
    )


def picture() -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (900, 450), "teal").save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Asked:
    """A request that came."""

    path: str
    headers: dict[str, str]


@dataclass
class Faults:
    """What goes wrong. `cut_after`: for each of the next answers the bytes after which the connection ends; `statuses`: by path's
    beginning, the statuses of the next answers; `token`: what a download wants to see; `etag`: the state of the files."""

    cut_after: list[int] = field(default_factory=list[int])
    statuses: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    token: str = ""
    etag: str = '"one"'
    ranges: bool = True
    html: bool = False
    wrong_size: bool = False
    slow: threading.Event | None = None
    redirect: str = ""


class Site:
    """The server. `hub` and `bay` are its addresses; `files` what lies on it; `asked` the requests that came."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {"dunes-lora.safetensors": lora(), "notes.txt": b"words", "vae/dunes.vae.safetensors": b"x" * 50_000}
        self.faults = Faults()
        self.asked: list[Asked] = []
        self.sha256: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append(Asked(self.path, {name.lower(): value for name, value in self.headers.items()}))
                answer(site, self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
        for server in self.servers:
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.hub, self.bay = (f"http://127.0.0.1:{server.server_address[1]}" for server in self.servers)

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def hash_of(self, name: str) -> str:
        """What the site says that a file's SHA-256 is."""
        return self.sha256.get(name) or hashlib.sha256(self.files[name]).hexdigest()

    def downloads(self) -> list[Asked]:
        """The requests for files' bytes."""
        return [one for one in self.asked if one.path.startswith("/cdn/")]


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), "Connection": "close", **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def answer(site: Site, handler: BaseHTTPRequestHandler) -> None:
    """The answer to a request."""
    path = unquote(urlsplit(handler.path).path)
    for start, statuses in site.faults.statuses.items():
        if path.startswith(start) and statuses:
            return send(handler, statuses.pop(0), b"no", {"Retry-After": "0"})
    routes: list[tuple[str, Callable[..., None]]] = [
        (r"/api/models", hub_search),
        (rf"/api/models/{REPOSITORY}", hub_model),
        (rf"/api/models/{REPOSITORY}/tree/([^/]+)", hub_tree),
        (rf"/{REPOSITORY}/resolve/([^/]+)/(.+)", hub_file),
        (r"/api/v1/models", bay_search),
        (rf"/api/v1/models/{MODEL}", bay_model),
        (rf"/api/v1/model-versions/{VERSION}", bay_version),
        (r"/api/v1/model-versions/by-hash/(\w+)", bay_hash),
        (rf"/api/download/models/{VERSION}", bay_file),
        (r"/cdn/(.+)", cdn),
        (r"/picture.png", lambda site, handler: send(handler, 200, picture())),
        (r"/config.yaml", lambda site, handler: send(handler, 200, b"model: {}\n")),
    ]
    for pattern, route in routes:
        if found := re.fullmatch(pattern, path):
            return route(site, handler, *found.groups())
    return send(handler, 404, b"{}")


def as_json(handler: BaseHTTPRequestHandler, value: Any) -> None:
    send(handler, 200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def hub_row() -> dict[str, Any]:
    return {"id": REPOSITORY, "downloads": 1234, "tags": ["lora", "license:openrail", "base_model:stable-diffusion-v1-5"], "gated": False}


def hub_search(site: Site, handler: BaseHTTPRequestHandler) -> None:
    rows = [hub_row(), {"id": "artist/other", "tags": ["not-for-all-audiences"], "downloads": 1, "gated": "manual"}]
    words = parse_qs(urlsplit(handler.path).query).get("search", [""])[0]
    as_json(handler, [row for row in rows if words in row["id"]])


def hub_model(site: Site, handler: BaseHTTPRequestHandler) -> None:
    as_json(handler, hub_row())


def hub_tree(site: Site, handler: BaseHTTPRequestHandler, revision: str) -> None:
    if revision != "main":
        send(handler, 404, b"{}")
        return
    rows = [{"type": "directory", "path": "vae"}] + [
        {"type": "file", "path": name, "size": len(data), "lfs": {"oid": site.hash_of(name), "size": len(data)}}
        for name, data in site.files.items()
    ]
    as_json(handler, rows)


def hub_file(site: Site, handler: BaseHTTPRequestHandler, revision: str, name: str) -> None:
    send(handler, 302, b"", {"Location": site.faults.redirect or f"/cdn/{name}", "X-Linked-Etag": f'"{site.hash_of(name)}"'})


def bay_version_row(site: Site) -> dict[str, Any]:
    name = "dunes-lora.safetensors"
    return {
        "id": VERSION,
        "modelId": MODEL,
        "name": "v2",
        "baseModel": "SD 1.5",
        "trainedWords": ["dune sea", "red sand"],
        "description": "<p>Sand.</p>",
        "files": [
            {
                "name": name,
                "type": "Model",
                "sizeKB": len(site.files[name]) / 1024,
                "metadata": {"fp": "fp16", "size": "pruned"},
                "hashes": {"SHA256": site.hash_of(name).upper()},
                "downloadUrl": f"{site.bay}/api/download/models/{VERSION}",
                "primary": True,
            },
            {"name": "train.zip", "type": "Training Data", "sizeKB": 9, "downloadUrl": f"{site.bay}/api/download/models/{VERSION}?type=x"},
            {"name": "dunes.yaml", "type": "Config", "sizeKB": 1, "downloadUrl": f"{site.bay}/config.yaml"},
        ],
        "images": [
            {"url": f"{site.bay}/hidden.png", "nsfwLevel": 16, "type": "image"},
            {"url": f"{site.bay}/picture.png", "nsfwLevel": 1, "type": "image"},
        ],
    }


def bay_row(site: Site, **more: Any) -> dict[str, Any]:
    return {
        "id": MODEL,
        "name": "Dunes <b>of</b> Mars",
        "type": "LORA",
        "nsfw": False,
        "description": "<p>Much <i>sand</i>.</p><script>bad()</script>",
        "creator": {"username": "artist"},
        "stats": {"downloadCount": 4242},
        "allowCommercialUse": ["Image"],
        "allowNoCredit": False,
        "allowDerivatives": True,
        "allowDifferentLicense": True,
        "modelVersions": [bay_version_row(site)],
        **more,
    }


def bay_search(site: Site, handler: BaseHTTPRequestHandler) -> None:
    query = parse_qs(urlsplit(handler.path).query)
    rows = [bay_row(site), bay_row(site, id=99, name="Rated", nsfw=True)]
    words = query.get("query", [""])[0].lower()
    as_json(
        handler,
        {
            "items": [row for row in rows if words in row["name"].lower()],
            "metadata": {"nextCursor": None if "cursor" in query else "12|34"},
        },
    )


def bay_model(site: Site, handler: BaseHTTPRequestHandler) -> None:
    as_json(handler, bay_row(site))


def bay_version(site: Site, handler: BaseHTTPRequestHandler) -> None:
    as_json(handler, bay_version_row(site))


def bay_hash(site: Site, handler: BaseHTTPRequestHandler, digits: str) -> None:
    if not site.hash_of("dunes-lora.safetensors").startswith(digits.lower()):
        return send(handler, 404, b"{}")
    return as_json(handler, bay_version_row(site))


def bay_file(site: Site, handler: BaseHTTPRequestHandler) -> None:
    if site.faults.token and handler.headers.get("Authorization") != f"Bearer {site.faults.token}":
        return send(handler, 401, b'{"error":"Unauthorized"}')
    return send(handler, 307, b"", {"Location": site.faults.redirect or "/cdn/dunes-lora.safetensors"})


def cdn(site: Site, handler: BaseHTTPRequestHandler, name: str) -> None:
    """A file's bytes, from where they are asked for; cut off where the faults say."""
    faults, data = site.faults, site.files[name]
    if faults.html:
        return send(handler, 200, b"<html>Log in</html>", {"Content-Type": "text/html; charset=utf-8"})
    found = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
    fresh = handler.headers.get("If-Range", faults.etag) != faults.etag
    start = int(found[1]) if found and faults.ranges and not fresh else 0
    if start and start >= len(data):
        return send(handler, 416, b"")
    body = data[start:]
    handler.send_response(206 if start else 200)
    headers = {"Content-Length": str(len(body) + (5 if faults.wrong_size else 0)), "ETag": faults.etag, "Connection": "close"}
    headers |= {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
    for key, value in headers.items():
        handler.send_header(key, value)
    handler.end_headers()
    cut = faults.cut_after.pop(0) if faults.cut_after else len(body)
    for at in range(0, min(cut, len(body)), 1 << 14):
        try:
            handler.wfile.write(body[at : min(at + (1 << 14), cut)])
        except OSError:
            return None
        if faults.slow is not None:
            faults.slow.wait(20)
    handler.close_connection = True
    return None
