"""A form's values as the request that they make, and a request as a form shows it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from modules.contract.batch import BatchRequest, batch_from
from modules.contract.errors import BadRequest, NotFound
from modules.contract.extras import NamedPicture
from modules.contract.request import (
    GenerationRequest,
    HiresPass,
    Inpaint,
    RefinerPass,
    SeedVariation,
    Size,
    SourceImage,
    picture_text,
    request_from,
    sentence,
)
from modules.frontend.canvas import Drawn
from modules.frontend.fields import LATENT, RESIZES, SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE

M = TypeVar("M", bound=BaseModel)
SAME = ("", "None", SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE)
OURS = ("just resize", "crop and resize", "resize and fill", "latent upscale")  # of fields.RESIZES
Overrides = Callable[[Sequence[str]], dict[str, Any]]


def text_request(values: Mapping[str, Any], extensions: dict[str, dict[str, Any]], overrides: Overrides) -> GenerationRequest:
    """The request of the txt2img form. `overrides` reads the chosen "Label: value" texts.

    Raises BadRequest with a sentence for each wrong value.
    """
    return request_from({**shared(values, overrides), "extensions": extensions, "hires": hires(values) if values["hires"] else None})


def picture_request(
    values: Mapping[str, Any], extensions: dict[str, dict[str, Any]], overrides: Overrides, drawn: Drawn
) -> GenerationRequest:
    """The request of the img2img form over what stands on its canvas. Raises BadRequest."""
    common = shared(values, overrides)
    if values["resize_by"] == "Resize by":
        scale = float(values["scale"])
        common["size"] = Size(int(drawn.size.width * scale) // 8 * 8, int(drawn.size.height * scale) // 8 * 8)
    return request_from({**common, "extensions": extensions, "source": source(values, drawn)})


def shared(values: Mapping[str, Any], overrides: Overrides) -> dict[str, Any]:
    """The values that both forms have, as a request has them."""
    varied = bool(values["variation"])
    sides = (("Resize seed from width", "resize_seed_width"), ("Resize seed from height", "resize_seed_height"))
    resized = Size(*(whole(label, values[name]) for label, name in sides))
    strength = values["variation_strength"]
    return {
        "prompt": values["prompt"] or "",
        "negative_prompt": values["negative_prompt"] or "",
        "styles": tuple(values["styles"] or ()),
        "sampler": values["sampler"],
        "schedule": values["schedule"],
        "steps": whole("Sampling steps", values["steps"]),
        "size": (whole("Width", values["width"]), whole("Height", values["height"])),
        "batch_count": whole("Batch count", values["batch_count"]),
        "batch_size": whole("Batch size", values["batch_size"]),
        "guidance": plain(values["guidance"]),
        "seed": whole("Seed", values["seed"], "; -1 draws one"),
        "variation": made(SeedVariation, seed=whole("Variation seed", values["variation_seed"]), strength=strength)
        if varied and strength
        else None,
        "resize_seed_from": resized if varied and all(side > 0 for side in resized) else None,
        "refiner": made(RefinerPass, checkpoint=values["refiner_checkpoint"], switch_at=values["refiner_switch_at"])
        if values["refiner"] and values["refiner_checkpoint"] not in (*SAME, None)
        else None,
        "settings": overrides(values["overrides"] or ()),
    }


def hires(values: Mapping[str, Any]) -> HiresPass:
    """The second pass. Raises BadRequest."""
    size = Size(whole("Resize width to", values["hires_width"]), whole("Resize height to", values["hires_height"]))
    return made(
        HiresPass,
        scale=values["hires_scale"],
        size=size,
        upscaler=values["hires_upscaler"] or LATENT,
        steps=whole("Hires steps", values["hires_steps"]),
        strength=values["strength"],
        checkpoint=named(values["hires_checkpoint"]),
        sampler=named(values["hires_sampler"]),
        schedule=named(values["hires_schedule"]),
        prompt=values["hires_prompt"] or "",
        negative_prompt=values["hires_negative_prompt"] or "",
    )


def source(values: Mapping[str, Any], drawn: Drawn) -> SourceImage:
    """The picture to start from, and where it is painted anew. Raises BadRequest."""
    inpaint = made(Inpaint, mask=drawn.mask, **inpaint_fields(values)) if drawn.mask is not None else None
    return made(SourceImage, pictures=(drawn.picture,), inpaint=inpaint, **source_fields(values))


def source_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """How a picture is started from, whichever it is."""
    return {
        "resize": OURS[RESIZES.index(values["resize"])],
        "strength": values["strength"],
        "image_guidance": values["image_guidance"],
    }


def inpaint_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """How a mask is painted anew, whichever it is. Raises BadRequest."""
    blur = values["mask_blur"]
    return {
        "blur": (blur, blur),
        "invert": values["mask_mode"] == "Inpaint not masked",
        "content": values["content"],
        "only_masked": values["area"] == "Only masked",
        "padding": whole("Only masked padding, pixels", values["padding"]),
    }


def batch_request(
    values: Mapping[str, Any], extensions: dict[str, dict[str, Any]], overrides: Overrides, pictures: Sequence[NamedPicture]
) -> BatchRequest:
    """The request of the img2img form over many pictures. Raises BadRequest."""
    return batch_from({
        "request": request_from({**shared(values, overrides), "extensions": extensions}),
        "source": source_fields(values),
        "inpaint": inpaint_fields(values),
        "scale": float(values["scale"]) if values["resize_by"] == "Resize by" else None,
        "pictures": tuple(pictures),
        "folder": values["batch_input"] or "",
        "output_folder": values["batch_output"] or "",
        "masks_folder": values["batch_masks"] or "",
        "infotext": bool(values["batch_infotext"]),
        "infotext_folder": values["batch_infotext_folder"] or "",
        "taken": tuple(values["batch_infotext_fields"] or ()),
    })  # fmt: skip


def with_pictures(value: Any, uploads: Callable[[str], bytes], title: str = "") -> Any:
    """What the panels hold, with the bytes of pictures in place of `{"upload": id}`, as base64, so that a request stands alone.

    Raises BadRequest for a picture that is not kept any more, naming the extension, the `title` of the outermost group.
    """
    if isinstance(value, list):
        return [with_pictures(one, uploads, title) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    group = cast("dict[str, Any]", value)
    if set(group) == {"upload"}:
        try:
            return picture_text(uploads(str(group["upload"])))
        except NotFound:
            raise BadRequest(f"A picture of '{title}' is not kept any more.", "Choose it again.") from None
    return {name: with_pictures(one, uploads, title or name) for name, one in group.items()}


def named(name: str | None) -> str | None:
    """A name; None for the words that say 'as the first pass'."""
    return None if name is None or name in SAME else name


def made(kind: type[M], **values: Any) -> M:
    """A part of a request. Raises BadRequest."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(problem) for problem in error.errors())) from None


def plain(value: Any) -> Any:
    """A number as a person wrote it: 7 stays 7, as the infotext shows it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def whole(label: str, value: Any, more: str = "") -> int:
    """A number as typed, exactly. Seeds are texts on the page, since a browser's numbers end at 2**53. Raises BadRequest."""
    text = "" if value is None else str(value).strip()
    try:
        return int(text or "-1") if label.endswith("eed") else int(float(text))
    except (ValueError, OverflowError):
        raise BadRequest(f"{label} is {text!r}; it must be a whole number{more}.") from None


def values_of(request: GenerationRequest) -> dict[str, Any]:
    """A request as the forms show it, by the names of their fields; a form takes those that it has."""
    values = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "styles": list(request.styles),
        "sampler": request.sampler,
        "schedule": request.schedule,
        "steps": request.steps,
        "width": request.size.width,
        "height": request.size.height,
        "batch_count": request.batch_count,
        "batch_size": request.batch_size,
        "guidance": request.guidance,
        "seed": str(request.seed),
        "variation": bool(request.variation and request.variation.strength) or request.resize_seed_from is not None,
        "refiner": request.refiner is not None,
        "hires": request.hires is not None,
    }
    if request.variation:
        values |= {"variation_seed": str(request.variation.seed), "variation_strength": request.variation.strength}
    if request.resize_seed_from:
        values |= dict(zip(("resize_seed_width", "resize_seed_height"), request.resize_seed_from, strict=True))
    if request.refiner:
        values |= {"refiner_checkpoint": request.refiner.checkpoint, "refiner_switch_at": request.refiner.switch_at}
    if request.hires:
        values |= hires_values(request.hires)
    if request.source:
        values |= source_values(request.source)
    return values


def hires_values(hires: HiresPass) -> dict[str, Any]:
    """The second pass as the txt2img form shows it."""
    return {
        "hires_upscaler": hires.upscaler or LATENT,
        "hires_steps": hires.steps,
        "strength": hires.strength,
        "hires_scale": hires.scale,
        "hires_width": hires.size.width,
        "hires_height": hires.size.height,
        "hires_checkpoint": hires.checkpoint or SAME_CHECKPOINT,
        "hires_sampler": hires.sampler or SAME_SAMPLER,
        "hires_schedule": hires.schedule or SAME_SCHEDULE,
        "hires_prompt": hires.prompt,
        "hires_negative_prompt": hires.negative_prompt,
    }


def source_values(source: SourceImage) -> dict[str, Any]:
    """The way in which a picture was started from, as the img2img form shows it; the picture itself is the canvas's."""
    values: dict[str, Any] = {"strength": source.strength, "resize": RESIZES[OURS.index(source.resize)], "resize_by": "Resize to"}
    if source.image_guidance is not None:
        values["image_guidance"] = source.image_guidance
    if source.inpaint:
        values |= {
            "mask_blur": int(source.inpaint.blur[0]),
            "mask_mode": "Inpaint not masked" if source.inpaint.invert else "Inpaint masked",
            "content": source.inpaint.content,
            "area": "Only masked" if source.inpaint.only_masked else "Whole picture",
            "padding": source.inpaint.padding,
        }
    return values
