"""What the panel asks, a swap between two pictures, and roop's own routes."""

from base64 import b64encode
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body
from PIL import Image
from pydantic import Field

from modules.contract.declare import Options
from modules.contract.errors import NotSupported
from modules.contract.files import write_whole
from modules.imaging import metadata
from modules.imaging.opening import open_image
from modules.plugins import Host, with_pairs

from .consent import NOTICE, demand_consent
from .faces import Order, Pairs, described, in_order, numbers, pixels_of, sources_of
from .inswapper import network_files
from .work import Method, Turned, demand, with_faces

MOST_SHOWN = 40


class Looked(Options):
    """A picture to look for faces in: an upload's id or base64."""

    picture: str
    order: Order = "left to right"
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5


class Asked(Options):
    """Two pictures, uploads' ids or base64, and which faces of the one go into the other."""

    source: str
    target: str
    source_faces: str = "0"
    target_faces: str = "0"
    order: Order = "left to right"
    model: Method = "mesh"
    mask_correction: bool = True
    turned: Turned = "mirror"
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    most: Annotated[int, Field(ge=0, le=50)] = 0


class Roop(Options):
    """roop's body. Its upscaler and restorer are Extras' here."""

    source_image: str
    target_image: str
    face_index: tuple[int, ...] = (0,)
    scale: float = 1
    upscale_visibility: float = 1
    face_restorer: str = "None"
    restorer_visibility: float = 1
    model: str = ""


def own_routes(router: APIRouter, host: Host) -> None:
    """The panel's."""

    @router.get("/notice")
    def notice() -> dict[str, Any]:
        """What is to be agreed to, and whether it has been."""
        return {"agreed": bool(host.settings.consent), "notice": NOTICE}

    @router.post("/faces")
    def faces(asked: Looked) -> dict[str, Any]:
        """The faces of a picture by number, each with its box and a small picture."""
        image = pixels_of(open_image(host.program.picture(asked.picture)))
        found = in_order(image, asked.order, asked.threshold)[:MOST_SHOWN]
        return {"faces": described(image, found), "width": image.shape[1], "height": image.shape[0]}

    @router.post("/swap")
    def swap(asked: Asked) -> dict[str, Any]:
        """A picture with other faces, as a PNG whose infotext says so."""
        return swapped_picture(host, asked)


def roop_routes(router: APIRouter, host: Host) -> None:
    """roop's own, with its shapes."""

    @router.get("/roop/models")
    def models() -> dict[str, list[str]]:
        """The models there are; roop names files."""
        try:
            further = [str(network_files(host.program.folders.models / "insightface").swapper)]
        except NotSupported:  # there are none
            further = []
        return {"models": ["mesh", *further]}

    @router.post("/roop/image")
    def image(asked: Annotated[Roop, Body()]) -> dict[str, str]:
        """Swap the faces of two pictures."""
        targets = ",".join(map(str, asked.face_index)) or "0"
        wanted = Asked(
            source=asked.source_image, target=asked.target_image, target_faces=targets,
            source_faces=",".join("0" for _ in targets.split(",")), model="inswapper" if "inswapper" in asked.model.lower() else "mesh",
        )  # fmt: skip
        answer = swapped_picture(host, wanted)
        return {"image": answer["image"].partition(",")[2]}


def swapped_picture(host: Host, asked: Asked) -> dict[str, Any]:
    """The answer of `swap`. Raises BadRequest, NotFound, NotSupported."""
    demand_consent(host.settings)
    pairs = Pairs(numbers(asked.source_faces, "Source face numbers"), numbers(asked.target_faces, "Target face numbers"))
    inswapper = demand(asked.model, host.program.folders.models)
    source = pixels_of(open_image(host.program.picture(asked.source), name="The source picture"))
    data = host.program.picture(asked.target)
    target = open_image(data, name="The picture")
    result = with_faces(pixels_of(target), sources_of(source, pairs.sources, asked.order, asked.threshold), pairs, asked, inswapper)
    before = metadata.read_info(target).infotext
    pairs_said = {"Face swap": f"Model: {asked.model}, Swapped: {len(result.done)}"}
    alone = with_pairs("", pairs_said).removeprefix(", ")
    infotext = with_pairs(before, pairs_said) if "Steps: " in before else "\n".join(filter(None, (before, alone)))
    png = metadata.encode(host.program.screened(Image.fromarray(result.image)), format="png", infotext=infotext)
    return {
        "image": f"data:image/png;base64,{b64encode(png).decode()}", "swapped": len(result.done), "warnings": result.warnings,
        "infotext": infotext,
    }  # fmt: skip


def keep_original(folder: Path, image: Image.Image, seed: int) -> Path:
    """Write a picture as it was before its faces were swapped, under a name that is free. Answers with the path."""
    folder.mkdir(parents=True, exist_ok=True)
    number = next(number for number in range(10**6) if not (folder / f"{seed}-{number:03}.png").exists())
    path = folder / f"{seed}-{number:03}.png"
    write_whole(path, metadata.encode(image, format="png", infotext=None))
    return path
