"""What the panel asks: which detectors there are, and what one finds in a picture. And ADetailer's own routes."""

import io
from base64 import b64encode
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from PIL import Image

from modules.contract.declare import Options
from modules.contract.files import write_whole
from modules.imaging import metadata
from modules.imaging.opening import open_image
from modules.perception.detectors import Detectors
from modules.plugins import Host

from . import a1111
from .finding import found_in, places, texts
from .shown import cut, outlined
from .units import Detail

MOST_SHOWN = 40


class Looked(Options):
    """A picture (an upload's id or base64), the pass that is to look at it, and the picture's prompt."""

    picture: str
    unit: Detail = Detail()
    prompt: str = ""


def detectors_of(host: Host) -> Detectors:
    """The built-in detectors and those in models/adetailer and the further folders of the settings."""
    further = [Path(name.strip()) for name in str(host.settings.folders).split("|") if name.strip()]
    return Detectors([host.program.folders.models / "adetailer", *further])


def own_routes(router: APIRouter, host: Host) -> None:
    """The panel's."""

    @router.get("/detectors")
    def detectors() -> dict[str, Any]:
        """All detectors, with the reason where one cannot be used."""
        offers = detectors_of(host).offers()
        return {"detectors": [{"name": one.name, "kind": one.kind, "available": one.available, "reason": one.reason} for one in offers]}

    @router.post("/find")
    def find(asked: Looked) -> dict[str, Any]:
        """What a pass finds in a picture: the picture with the masks on it, and each thing in small, with its prompt (None: left out)."""
        image = open_image(host.program.picture(asked.picture), name="The picture").convert("RGB")
        found = found_in(image, asked.unit, detectors_of(host), host.settings.sorting)
        there = places(found, asked.unit, *image.size)[:MOST_SHOWN]
        things = [
            {"src": address(cut(image, place)), "label": f"{first.kind} {number}", "note": f"{first.score:.2f}", "prompt": prompt}
            for number, (place, prompt) in enumerate(zip(there, texts(asked.unit.prompt, asked.prompt, len(there)), strict=True), 1)
            for first in place.found[:1]
        ]
        own = any(word in asked.unit.prompt for word in ("[SEP]", "[SKIP]"))
        return {"picture": address(outlined(image, there)), "things": things, "count": len(found), "own_prompts": own}


def adetailer_routes(router: APIRouter, host: Host) -> None:
    """ADetailer's own."""

    @router.get("/adetailer/v1/version")
    def version() -> dict[str, str]:
        """The version of the extension whose fields are understood."""
        return {"version": "25.3.0"}

    @router.get("/adetailer/v1/schema")
    def schema() -> dict[str, Any]:
        """The fields of a tab."""
        ours = Detail.model_json_schema()["properties"]
        fields = {f"ad_{name}": {**ours[field], "title": f"Ad {label}"} for field, name, label, _ in a1111.FIELDS}
        return {"title": "ADetailerArgs", "type": "object", "properties": fields}

    @router.get("/adetailer/v1/ad_model")
    def models() -> dict[str, list[str]]:
        """The detectors that can be used."""
        return {"ad_model": detectors_of(host).names()}


def address(image: Image.Image) -> str:
    """A picture as an address that a page can show."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{b64encode(file.getvalue()).decode()}"


def kept(folder: Path, image: Image.Image, name: str) -> Path:
    """Write a picture under a name that is free. Answers with the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = next(path for number in range(10**6) if not (path := folder / f"{name}-{number:03}.png").exists())
    write_whole(path, metadata.encode(image, format="png", infotext=None))
    return path
