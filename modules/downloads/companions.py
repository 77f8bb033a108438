"""What is written beside a model as A1111 does: `name.json` with description and trigger words, `name.preview.png`, `name.yaml`."""

import io
import json
import logging
from pathlib import Path

from modules.contract.errors import WebuiError
from modules.contract.files import write_whole
from modules.downloads.connection import Client
from modules.downloads.offers import Companions
from modules.imaging.opening import open_image

log = logging.getLogger(__name__)
LARGEST_PICTURE = 16 * 2**20
LARGEST_CONFIG = 2**20
SIDE = 768
# A site's words for a family, and what A1111's editor of LoRAs calls it.
VERSIONS = (
    ("sdxl", "SDXL"),
    ("pony", "SDXL"),
    ("illustrious", "SDXL"),
    ("noobai", "SDXL"),
    ("sd 1", "SD1"),
    ("sd 2", "SD2"),
    ("sd 3", "SD3"),
)


def write_companions(path: Path, beside: Companions, client: Client) -> list[str]:
    """Write what belongs beside a model, where nothing of the name lies yet. What did not come about, in sentences."""
    problems: list[str] = []
    notes = notes_of(beside)
    if notes and not path.with_suffix(".json").exists():
        write_whole(path.with_suffix(".json"), json.dumps(notes, indent=4, ensure_ascii=False).encode())
    if beside.config and not path.with_suffix(".yaml").exists():
        try:
            with client.open(beside.config) as answer:
                write_whole(path.with_suffix(".yaml"), answer.whole(LARGEST_CONFIG))
        except WebuiError as error:
            problems.append(f"Its yaml could not be fetched. {error}")
    preview = path.with_suffix(".preview.png")
    if beside.picture and not preview.exists():
        try:
            write_whole(preview, shrunk(picture(beside.picture, client), SIDE, "PNG"))
        except WebuiError as error:
            problems.append(f"Its preview picture could not be fetched. {error}")
    return problems


def notes_of(beside: Companions) -> dict[str, str]:
    """The notes on a model, under A1111's names."""
    lowered = beside.base.lower()
    version = next((own for word, own in VERSIONS if word in lowered), "")
    values = {"description": beside.description, "sd version": version, "activation text": beside.words, "notes": beside.page}
    return {name: value for name, value in values.items() if value}


def picture(url: str, client: Client) -> bytes:
    """A picture's bytes. Raises as `Client.open` does."""
    with client.open(url, {"Accept": "image/*"}) as answer:
        return answer.whole(LARGEST_PICTURE)


def shrunk(data: bytes, side: int, form: str) -> bytes:
    """A picture with its longer side at most so many pixels, without its metadata. Raises BadRequest for what is no picture."""
    image = open_image(data)
    image = image.convert("RGBA" if form == "PNG" and "A" in image.getbands() else "RGB")
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()
