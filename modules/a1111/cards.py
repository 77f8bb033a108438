"""Pictures and facts of single networks, as A1111's cards show them, and pictures of the output folder under A1111's address.

Files are found by names of lists; the addresses that take a path serve pictures below known folders only.
"""

import base64
import binascii
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import FileResponse, JSONResponse

from modules.a1111.parts import Kind, Parts
from modules.contract.errors import NotFound
from modules.contract.services import Folders, ModelEntry
from modules.server.pictures import picture_file, picture_type
from modules.server.security import FILE_POLICY
from modules.weights.model_metadata import description, header_metadata, preview

PAGES: dict[str, Kind] = {"checkpoints": "checkpoint", "lora": "lora", "hypernetworks": "hypernetwork", "textual inversion": "embedding"}
COVERS = "ssmd_cover_images"  # a JSON list of pictures in base64, in a file's own metadata
HEADERS = {"Content-Security-Policy": FILE_POLICY}


def add_cards(api: APIRouter, parts: Parts) -> None:
    """The routes of the cards."""

    @api.get("/sd_extra_networks/thumb")
    def thumb(filename: str = "") -> FileResponse:
        for folder in folders(parts):
            try:
                file, kind = picture_file(folder, filename)
            except NotFound:
                continue
            return FileResponse(file, media_type=kind, headers=HEADERS)
        raise NotFound("There is no such picture beside a model.")

    @api.get("/sd_extra_networks/metadata")
    def metadata(page: str = "", item: str = "") -> JSONResponse:
        values = metadata_of(found(parts, page, item))
        return JSONResponse({"metadata": json.dumps(values, indent=4, ensure_ascii=False)} if values else {}, 200 if values else 404)

    @api.get("/sd_extra_networks/cover-images")
    def cover_images(page: str = "", item: str = "", index: int = 0) -> Response:
        data = cover(metadata_of(found(parts, page, item)), index)
        kind = picture_type(data) if data else None
        return Response(data, media_type=kind, headers=HEADERS) if kind else JSONResponse({}, 404)

    @api.get("/sd_extra_networks/get-single-card")
    def get_single_card(page: str = "", tabname: str = "", name: str = "") -> JSONResponse:
        entry = found(parts, page, name)
        return JSONResponse({"html": card(entry)}) if entry else JSONResponse({}, 404)


def add_files(api: APIRouter, outputs: Folders) -> None:
    """A1111's address of a picture in the output folder."""

    @api.get("/file={path:path}")
    def file(path: str) -> FileResponse:
        try:
            found, kind = picture_file(outputs.outputs, path)
        except NotFound:
            found, kind = picture_file(outputs.outputs, str(outputs.data / path))  # as A1111 gives it, seen from the data folder
        return FileResponse(found, media_type=kind, headers=HEADERS)


def entries(parts: Parts, kind: Kind) -> Sequence[ModelEntry]:
    """The files of a kind."""
    if kind == "checkpoint":
        return parts.models.checkpoints()
    return parts.lists.networks(kind) if parts.lists else ()


def folders(parts: Parts) -> set[Path]:
    """The folders that models lie in."""
    return {entry.path.parent for kind in PAGES.values() for entry in entries(parts, kind)}


def found(parts: Parts, page: str, name: str) -> ModelEntry | None:
    """The model of a card. Raises A1111's 404 for an unknown page."""
    kind = PAGES.get(page.lower().replace("_", " "))
    if kind is None:
        raise HTTPException(404, f"There is no page '{page[:80]}'. The pages are {', '.join(PAGES)}.")
    return next((entry for entry in entries(parts, kind) if name in (entry.name, entry.alias, entry.title)), None)


def metadata_of(entry: ModelEntry | None) -> Mapping[str, Any]:
    """What a model's file says of itself."""
    return (entry.metadata or header_metadata(entry.path)) if entry else {}


def cover(metadata: Mapping[str, Any], index: int) -> bytes | None:
    """A picture that a file brings along in its metadata."""
    try:
        covers = json.loads(metadata.get(COVERS, "[]"))
        return base64.b64decode(covers[index]) if isinstance(covers, list) and 0 <= index < len(covers) else None
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None


def card(entry: ModelEntry) -> str:
    """A card's HTML."""
    picture = preview(entry.path)
    shown = f'<img class="preview" src="./sd_extra_networks/thumb?filename={quote(str(picture))}" loading="lazy">' if picture else ""
    return (
        f'<div class="card" data-name="{html.escape(entry.name)}">{shown}<div class="actions">'
        f'<span class="name">{html.escape(entry.name)}</span><span class="description">{html.escape(description(entry.path))}</span>'
        "</div></div>"
    )
