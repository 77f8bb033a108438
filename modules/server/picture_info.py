"""Everything that a picture file says of itself, bounded in length: for the PNG Info tab."""

import json
from typing import Any

from fastapi import APIRouter, Request

from modules.imaging.credentials import read_credentials
from modules.imaging.metadata import read_info
from modules.imaging.opening import open_image
from modules.infotext import infotext_of, read
from modules.infotext.foreign import from_comfyui, from_novelai
from modules.server.routes import Threads

MOST_ITEMS = 100
LONGEST_NAME = 200  # characters
LONGEST_TEXT = 200_000
WORKFLOW = "workflow"  # where ComfyUI keeps the graph as its editor shows it
PROGRAMS = ("Software", "software", "Application", "Generator", "software_name")


def router() -> APIRouter:
    """POST /webui/picture-info."""
    routes = APIRouter(prefix="/webui")
    threads = Threads("picture-info-route", 2)

    @routes.post("/picture-info")
    async def picture_info(request: Request) -> dict[str, Any]:
        """What a picture says; the body is the file itself. Raises BadRequest for what is no picture."""
        return await threads.run(told, await request.body())

    return routes


def told(data: bytes) -> dict[str, Any]:
    """The infotext and who wrote it, its values by label, the file's other texts, and the picture's size and kind.

    Texts are cut at LONGEST_TEXT characters, which `cut` says; items beyond MOST_ITEMS are left out, which `more` counts.
    `credentials` are what is signed in the file; None without any.
    """
    image = open_image(data)
    info = read_info(image)
    infotext = infotext_of(info.infotext, info.items, image.size)
    shown = list(info.items.items())[:MOST_ITEMS]
    return {
        "infotext": infotext[:LONGEST_TEXT],
        "source": source_of(info.infotext, info.items, image.size),
        "workflow": workflow_of(info.items),
        "parameters": whole(read(infotext)) if infotext else {},
        "items": [{"name": name[:LONGEST_NAME], "text": text[:LONGEST_TEXT], "cut": len(text) > LONGEST_TEXT} for name, text in shown],
        "more": len(info.items) - len(shown),
        "size": list(image.size),
        "mode": image.mode,
        "format": kind_of(data),
        "bytes": len(data),
        "credentials": read_credentials(data, kind_of(data).lower()),
    }


def whole(values: dict[str, str]) -> dict[str, str]:
    """An infotext's values with each size in one piece again: `Size` for `Size-1` and `Size-2`."""
    joined: dict[str, str] = {}
    for label, value in values.items():
        name, _, part = label.rpartition("-")
        if part == "1" and f"{name}-2" in values:
            joined[name] = f"{value}x{values[f'{name}-2']}"
        elif not (part == "2" and f"{name}-1" in values):
            joined[label] = value
    return joined


def source_of(text: str, items: dict[str, str], size: tuple[int, int]) -> str:
    """Which program the infotext comes from; else what the file says that made it; empty if it says nothing."""
    if from_novelai(items, size):
        return "NovelAI"
    if text:
        version = read(text).get("Version", "")
        return "ComfyUI" if version == "ComfyUI" else "Easel" if version.startswith("easel-") else "Stable Diffusion web UI"
    if from_comfyui(items) or workflow_of(items):
        return "ComfyUI"
    return next((items[name][:LONGEST_NAME] for name in PROGRAMS if items.get(name)), "")


def workflow_of(items: dict[str, str]) -> str:
    """The name of the item that holds ComfyUI's graph, the editor's before the one that was run; empty without one."""
    return next((name for name in (WORKFLOW, "prompt") if is_graph(items.get(name, ""))), "")


def is_graph(text: str) -> bool:
    """Whether a text is a JSON table with nodes in it."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        graph = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(graph.get("nodes"), list) or any(isinstance(node, dict) and "class_type" in node for node in graph.values())


def kind_of(data: bytes) -> str:
    """The file's format by its first bytes, of a file that was opened as one of the formats that can be."""
    if data.startswith(b"\x89PNG"):
        return "PNG"
    if data.startswith(b"\xff\xd8"):
        return "JPEG"
    return {b"GIF8": "GIF", b"RIFF": "WEBP"}.get(data[:4], "AVIF")
