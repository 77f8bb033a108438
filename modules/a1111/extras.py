"""What A1111 does with single pictures: enlarge, restore faces, read their text, describe them."""

import html
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from modules.a1111.fetching import fetch
from modules.a1111.generation import OWNER, failure, fetch_rules
from modules.a1111.images import Fetch, as_text, picture
from modules.a1111.options import ApiOptions
from modules.a1111.parts import Parts, needed
from modules.contract.errors import BadRequest, NotFound
from modules.contract.extras import ExtrasImage, ExtrasRequest, ExtrasResult, extras_from
from modules.contract.request import Size
from modules.imaging.metadata import read_info
from modules.imaging.opening import open_image
from modules.infotext import infotext_of, read
from modules.infotext.older import completed
from modules.server.routes import Threads
from modules.settings.groups import Saving

MOST_PICTURES = 64
CAPTION_MODELS = ("clip", "deepdanbooru", "deepbooru")
POSTPROCESSING = "postprocessing"


class Extras(BaseModel):
    """What both extras routes have. `upscale_first` is taken and has no effect, as in A1111."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    resize_mode: Literal[0, 1] = 0
    show_extras_results: bool = True
    gfpgan_visibility: float = Field(0, ge=0, le=1)
    codeformer_visibility: float = Field(0, ge=0, le=1)
    codeformer_weight: float = Field(0, ge=0, le=1)
    upscaling_resize: float = Field(2.0, gt=0)
    upscaling_resize_w: int = Field(512, ge=1)
    upscaling_resize_h: int = Field(512, ge=1)
    upscaling_crop: bool = True
    upscaler_1: str | None = "None"
    upscaler_2: str | None = "None"
    extras_upscaler_2_visibility: float = Field(0, ge=0, le=1)
    upscale_first: bool = False


class ExtrasSingle(Extras):
    """The body of /sdapi/v1/extra-single-image."""

    image: str = ""


class FileData(BaseModel):
    """One picture of a batch."""

    data: str
    name: str = ""


class ExtrasBatch(Extras):
    """The body of /sdapi/v1/extra-batch-images."""

    image_list: list[FileData] = Field(alias="imageList", max_length=MOST_PICTURES)


class PngInfo(BaseModel):
    """The body of /sdapi/v1/png-info."""

    image: str


class Interrogate(BaseModel):
    """The body of /sdapi/v1/interrogate."""

    image: str = ""
    model: str = "clip"


def add_extras(api: APIRouter, parts: Parts, options: ApiOptions) -> None:
    """The routes."""
    add_enlarging(api, parts, options)
    add_reading(api, parts, options)


def add_enlarging(api: APIRouter, parts: Parts, options: ApiOptions) -> None:
    threads = Threads("a1111-extras", 4)

    def submitted(body: ExtrasSingle | ExtrasBatch) -> str:
        submit = needed(parts.submit_extras, "way to enlarge pictures")
        names = [entry.name for entry in parts.lists.upscalers()] if parts.lists else []
        return submit(to_extras(body, names, partial(fetch, rules=fetch_rules(options))), owner=OWNER)

    async def enlarged(body: ExtrasSingle | ExtrasBatch) -> tuple[list[str], str]:
        job = await parts.queue.wait(await threads.run(submitted, body))
        result = parts.queue.result(job.id)
        if not isinstance(result, ExtrasResult) or not result.images:
            raise failure(job)
        return await threads.run(told, result, parts.settings.current.saving)

    @api.post("/sdapi/v1/extra-single-image")
    async def extra_single_image(body: ExtrasSingle) -> dict[str, Any]:
        images, text = await enlarged(body)
        return {"html_info": text, "image": images[0]}

    @api.post("/sdapi/v1/extra-batch-images")
    async def extra_batch_images(body: ExtrasBatch) -> dict[str, Any]:
        images, text = await enlarged(body)
        return {"html_info": text, "images": images}


def add_reading(api: APIRouter, parts: Parts, options: ApiOptions) -> None:
    threads = Threads("a1111-read", 2)

    @api.post("/sdapi/v1/png-info")
    async def png_info(body: PngInfo) -> dict[str, Any]:
        return await threads.run(read_text, body.image, partial(fetch, rules=fetch_rules(options)))

    @api.post("/sdapi/v1/interrogate")
    async def interrogate(body: Interrogate) -> dict[str, Any]:
        if not body.image:
            raise HTTPException(404, "Image not found")
        if body.model not in CAPTION_MODELS:
            raise HTTPException(404, f"Model not found. It must be one of {', '.join(CAPTION_MODELS)}.")
        data = await threads.run(picture, body.image, "image", partial(fetch, rules=fetch_rules(options)))
        model: Literal["clip", "deepdanbooru"] = "clip" if body.model == "clip" else "deepdanbooru"
        submit = needed(parts.submit_caption, "model that describes pictures")
        job = await parts.queue.wait(await threads.run(partial(submit, data, model=model, owner=OWNER)))
        caption = parts.queue.result(job.id)
        if not isinstance(caption, str):
            raise failure(job)
        return {"caption": caption}


def to_extras(body: ExtrasSingle | ExtrasBatch, names: Sequence[str], fetch: Fetch) -> ExtrasRequest:
    """Our request for A1111's; nothing is saved, as there. `names` are the upscalers. Raises BadRequest, NotFound."""
    if isinstance(body, ExtrasSingle):
        pictures = [{"data": picture(body.image, "image", fetch)}]
    else:
        listed = enumerate(body.image_list)
        pictures = [{"data": picture(one.data, f"imageList[{number}]", fetch), "name": one.name[:500]} for number, one in listed]
    if not pictures:
        raise BadRequest("imageList is empty; it must hold at least one picture.")
    codeformer = {"visibility": body.codeformer_visibility, "weight": body.codeformer_weight}
    by_size = {"size": Size(body.upscaling_resize_w, body.upscaling_resize_h), "crop": body.upscaling_crop}
    return extras_from(
        {
            "pictures": pictures,
            "enlarging": {
                "upscaler": upscaler(body.upscaler_1, names),
                "second": upscaler(body.upscaler_2, names),
                "second_visibility": body.extras_upscaler_2_visibility,
                **(by_size if body.resize_mode == 1 else {"scale": body.upscaling_resize}),
            },
            "gfpgan": {"visibility": body.gfpgan_visibility} if body.gfpgan_visibility else None,
            "codeformer": codeformer if body.codeformer_visibility else None,
            "save": False,
        }
    )


def upscaler(name: str | None, names: Sequence[str]) -> str:
    """The upscaler of a name, in any case. Raises NotFound."""
    wanted = name or "None"
    known = {one.lower(): one for one in ("None", *names)}
    if wanted.lower() not in known:
        raise NotFound.among("upscaler", wanted, known.values())
    return known[wanted.lower()]


def told(result: ExtrasResult, saving: Saving) -> tuple[list[str], str]:
    """The pictures as base64, and in HTML what was done. A picture keeps the infotext that it came with."""

    def one(image: ExtrasImage) -> str:
        return as_text(image.image, saving, infotext=image.infotext or None, extra={POSTPROCESSING: image.text})

    text = result.images[0].text if result.images else ""
    return [one(image) for image in result.images], f"<p>{html.escape(text)}</p>"


def read_text(text: str, fetch: Fetch) -> dict[str, Any]:
    """A1111's {info, items, parameters} of a picture: its infotext, its other texts, and the infotext's labels, the unsaid ones too."""
    image = open_image(picture(text, "image", fetch))
    info = read_info(image)
    infotext, items = infotext_of(info.infotext, info.items, image.size), info.items
    said = read(infotext)
    labels = {label: value if label in said else meant(value) for label, value in completed(said).items()}
    return {"info": infotext, "items": items, "parameters": labels}


def meant(value: str) -> Any:
    """A value that A1111 fills in: but for the clip skip it has numbers and truth values where the text has words."""
    words = {"True": True, "False": False, "0": 0, "32": 32}
    return words.get(value, value)
