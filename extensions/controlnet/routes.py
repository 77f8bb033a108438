"""What the panel asks, and A1111's own routes below /controlnet."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from PIL import Image
from pydantic import Field

from modules.contract.declare import Options
from modules.contract.errors import BadRequest
from modules.imaging.opening import open_image
from modules.plugins import Host

from .approximate import has_structure
from .models import titles
from .preprocessors import (
    CONTROL_TYPES,
    RESOLUTION,
    Poses,
    Preprocessor,
    ResizeMode,
    available,
    default_model,
    default_preprocessor,
    drawn_poses,
    find,
    find_poses,
    models_for,
    pixel_perfect,
    read_poses,
    run_preprocessor,
    written_poses,
)
from .turns import Folders

API_VERSION = 2  # of A1111's extension
MOST_PICTURES = 16
LARGEST_SIDE = 4096


class Preview(Options):
    """What the panel's preview asks for. Pictures are uploads' ids or base64; `target` is the size of the picture to be made."""

    module: str
    image: str
    mask: str = ""
    resolution: int = -1
    threshold_a: float = -1
    threshold_b: float = -1
    perfect: bool = False
    target: tuple[Annotated[int, Field(ge=1, le=LARGEST_SIDE)], Annotated[int, Field(ge=1, le=LARGEST_SIDE)]] = (512, 512)
    resize_mode: ResizeMode = "Crop and Resize"

    def working_resolution(self, image: Image.Image) -> int:
        """The resolution that a picture is looked at with; below 1 for the preprocessor's own."""
        return pixel_perfect(image.size, self.target, self.resize_mode) if self.perfect else self.resolution


class PosesAsked(Options):
    """Poses to be drawn, as OpenPose's JSON."""

    poses: Any


class FolderAsked(Options):
    """A folder whose pictures, or masks, a unit shall take in turn."""

    folder: str = Field(max_length=4000)
    masks: bool = False


def own_routes(router: APIRouter, host: Host) -> None:
    """The panel's: what there is to choose, a preview, and the folders of batches."""
    folders = Folders(host)

    @router.get("/choices")
    def choices(request: Request, again: bool = False) -> dict[str, Any]:
        if again:
            host.program.refresh()
        models = titles(host.program.models("controlnet"))
        return {
            "preprocessors": [for_panel(one) for one in available(host.program.folders.models)],
            "models": models,
            "types": [{"name": kind, **control_type(kind, models, host.program.folders.models)} for kind in CONTROL_TYPES],
            "here": host.program.from_this_machine(request),
        }

    @router.post("/folder")
    def folder(asked: FolderAsked, request: Request) -> dict[str, Any]:
        if not host.program.from_this_machine(request):
            raise BadRequest("Folders can be named only in a browser on the machine that the program runs on.", "Choose pictures instead.")
        path, count = folders.name(asked.folder, "Mask folder" if asked.masks else "Batch folder")
        return {"folder": path, "pictures": count}

    @router.post("/preview")
    def preview(asked: Preview) -> dict[str, Any]:
        image = open_image(host.program.picture(asked.image))
        mask = open_image(host.program.picture(asked.mask), name="The mask") if asked.mask else None
        resolution = asked.working_resolution(image)
        module = find(asked.module)
        hint = run_preprocessor(module.name, image, resolution=resolution, a=asked.threshold_a, b=asked.threshold_b, mask=mask,
                                models=host.program.folders.models)  # fmt: skip
        used = (resolution if resolution > 0 else RESOLUTION) if module.resolution else None
        return {"image": f"data:image/png;base64,{encoded(shown(hint))}", "size": list(hint.size), "resolution": used}

    @router.post("/poses/find")
    def found(asked: Preview) -> dict[str, Any]:
        image = open_image(host.program.picture(asked.image))
        poses = find_poses(asked.module, image, resolution=asked.working_resolution(image), a=asked.threshold_a,
                           models=host.program.folders.models)  # fmt: skip
        return {"poses": written_poses(poses), "size": [poses.width, poses.height]}

    @router.post("/poses/draw")
    def drawn(asked: PosesAsked) -> dict[str, Any]:
        poses = read_poses(asked.poses)
        picture = Image.fromarray(drawn_poses(poses))
        return {"image": f"data:image/png;base64,{encoded(picture)}", "size": list(picture.size), "poses": written_poses(poses)}

    _ = choices, folder, preview, found, drawn


def for_panel(one: Preprocessor) -> dict[str, Any]:
    """A preprocessor as the panel shows it."""
    sliders = [
        slider and {"label": slider.label, "least": slider.least, "most": slider.most, "step": slider.step, "value": slider.default}
        for slider in (one.slider_1, one.slider_2)
    ]
    return {"name": one.name, "title": one.title, "resolution": one.resolution, "sliders": sliders, "mask": one.takes_mask,
            "model_free": one.model_free, "post": one.post, "approximate": has_structure(one.name),
            "poses": one.poses is not None}


def control_type(kind: str, models: Sequence[str], folder: Path) -> dict[str, Any]:
    """A control type as A1111's route and the panel have it. `models`: names of control networks; `folder`: where models lie."""
    usable = {one.name for one in available(folder)}
    return {
        "module_list": [name for name in CONTROL_TYPES[kind].preprocessors if name in usable],
        "model_list": ["None", *models_for(kind, models)],
        "default_option": default_preprocessor(kind, folder),
        "default_model": default_model(kind, models),
    }


def encoded(image: Image.Image) -> str:
    """A picture as a PNG in base64."""
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=1)
    return base64.b64encode(data.getvalue()).decode()


def shown(hint: Image.Image) -> Image.Image:
    """A hint as people see it: what is to be painted is black."""
    if "A" not in hint.getbands():
        return hint
    black = Image.new("RGB", hint.size)
    return Image.composite(black, hint.convert("RGB"), hint.getchannel("A"))


def old_routes(router: APIRouter, host: Host) -> None:
    """A1111's. Errors are this program's own: one sentence, and a status that says what kind."""

    @router.get("/controlnet/version")
    def version() -> dict[str, int]:
        return {"version": API_VERSION}

    @router.get("/controlnet/model_list")
    def model_list(update: bool = True) -> dict[str, list[str]]:
        if update:
            host.program.refresh()
        return {"model_list": titles(host.program.models("controlnet"))}

    @router.get("/controlnet/module_list")
    def module_list(alias_names: bool = False) -> dict[str, Any]:
        named = {one.title if alias_names else one.name: one for one in available(host.program.folders.models)}
        return {"module_list": list(named), "module_detail": {name: one.describe() for name, one in named.items()}}

    @router.get("/controlnet/control_types")
    def control_types() -> dict[str, Any]:
        models = titles(host.program.models("controlnet"))
        return {"control_types": {kind: control_type(kind, models, host.program.folders.models) for kind in CONTROL_TYPES}}

    @router.get("/controlnet/settings")
    def settings() -> dict[str, int]:
        return {"control_net_unit_count": host.settings.units}

    @router.post("/controlnet/detect")
    def detect(
        controlnet_module: Annotated[str, Body()] = "none",
        controlnet_input_images: Annotated[list[str], Body()] = [],  # noqa: B006  # pydantic copies it
        controlnet_processor_res: Annotated[int, Body()] = -1,
        controlnet_threshold_a: Annotated[float, Body()] = -1,
        controlnet_threshold_b: Annotated[float, Body()] = -1,
        controlnet_masks: Annotated[list[str], Body()] = [],  # noqa: B006
        low_vram: Annotated[bool, Body()] = False,
    ) -> dict[str, Any]:
        preprocessor = find(controlnet_module)
        pictures, masks = opened(host, controlnet_input_images, controlnet_masks, needs_masks=preprocessor.takes_mask)
        if preprocessor.poses:
            found = [find_poses(preprocessor.name, one, resolution=controlnet_processor_res, a=controlnet_threshold_a,
                                models=host.program.folders.models) for one in pictures]
            return {**drawn_answer(host, found), "poses": [written_poses(poses) for poses in found]}
        hints = [
            run_preprocessor(preprocessor.name, image, resolution=controlnet_processor_res, a=controlnet_threshold_a,
                             b=controlnet_threshold_b, mask=mask, models=host.program.folders.models)
            for image, mask in zip(pictures, masks, strict=True)
        ]
        return {"info": "Success", "images": [encoded(host.program.screened(shown(hint))) for hint in hints]}

    _ = version, model_list, module_list, control_types, settings, detect
    pose_routes(router, host)


def pose_routes(router: APIRouter, host: Host) -> None:
    """A1111's route that draws poses."""

    @router.post("/controlnet/render_openpose_json")
    def render_openpose_json(poses: Annotated[list[Any], Body()]) -> dict[str, Any]:
        if not 0 < len(poses) <= MOST_PICTURES:
            raise BadRequest(f"There are {len(poses)} poses; it must be a list of 1 to {MOST_PICTURES}, each OpenPose's JSON.")
        return drawn_answer(host, [read_poses(one) for one in poses])

    _ = render_openpose_json


def drawn_answer(host: Host, poses: Sequence[Poses]) -> dict[str, Any]:
    """Poses drawn, as A1111's routes answer."""
    return {"info": "Success", "images": [encoded(host.program.screened(Image.fromarray(drawn_poses(one)))) for one in poses]}


def opened(
    host: Host, pictures: Sequence[str], masks: Sequence[str], *, needs_masks: bool
) -> tuple[list[Image.Image], list[Image.Image | None]]:
    """The pictures that a client sends, each with its mask or None. Raises BadRequest."""
    if not pictures:
        raise BadRequest("controlnet_input_images is empty; it must hold at least one picture in base64.")
    if len(pictures) > MOST_PICTURES:
        raise BadRequest(f"controlnet_input_images holds {len(pictures)} pictures; it may hold {MOST_PICTURES}.")
    if needs_masks and len(masks) != len(pictures):
        raise BadRequest(f"controlnet_masks holds {len(masks)} masks; this preprocessor needs {len(pictures)}, one for each picture.")
    given: list[str | None] = [*masks[: len(pictures)], *[None] * (len(pictures) - len(masks))]
    images = [open_image(host.program.picture(one), name=f"Picture {number}") for number, one in enumerate(pictures, 1)]
    drawn = [open_image(host.program.picture(one), name=f"Mask {number}") if one else None for number, one in enumerate(given, 1)]
    return images, drawn
