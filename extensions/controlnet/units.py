"""What a person may set for one unit: the fields of A1111's API, under its names, its labels and its numbers."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from modules.contract.declare import declared
from modules.contract.request import Picture
from modules.plugins import Choice, ImageField, ModelChoice, Options, Slider, Text, Toggle

ResizeMode = Literal["Just Resize", "Crop and Resize", "Resize and Fill"]
ControlMode = Literal["Balanced", "My prompt is more important", "ControlNet is more important"]
HiresOption = Literal["Both", "Low res only", "High res only"]
WeightType = Literal["normal", "style", "composition", "style and composition"]
RESIZE_MODES: tuple[ResizeMode, ...] = ("Just Resize", "Crop and Resize", "Resize and Fill")
CONTROL_MODES: tuple[ControlMode, ...] = ("Balanced", "My prompt is more important", "ControlNet is more important")
HIRES_OPTIONS: tuple[HiresOption, ...] = ("Both", "Low res only", "High res only")
UNION_TYPES = ("Unknown", "OpenPose", "Depth", "Soft Edge", "Lineart", "Normal Map", "Segmentation", "Tile", "Inpaint")
ALIASES = {"input_image": "image", "preprocessor": "module", "guidance": "guidance_end", "lowvram": "low_vram", "mask_image": "mask",
           "ip_adapter_weight_type": "weight_type"}  # fmt: skip
# What A1111's clients send along and what has no meaning here: parts of its page, and of methods that are not here.
IGNORED = frozenset({
    "is_ui", "input_mode", "batch_images", "batch_image_dir", "batch_modifiers", "output_dir", "use_preview_as_input",
    "generated_image", "mask_image_fg", "image_fg", "pulid_mode", "animatediff_batch", "batch_keyframe_idx", "ipadapter_input",
    "batch_mask_dir", "batch_input_gallery", "batch_mask_gallery", "multi_inputs_gallery", "resize_mode_text", "batch_image_files",
})  # fmt: skip
OLD_NAMES = {
    "scale to fit (inner fit)": "Crop and Resize",
    "inner fit (scale to fit)": "Crop and Resize",
    "envelope (outer fit)": "Resize and Fill",
    "outer fit (shrink to fit)": "Resize and Fill",
}


class Unit(Options):
    """One picture, what is read from it, and how strongly it is followed. -1 in a number means the preprocessor's own."""

    enabled: bool = Toggle(True, "Enable")
    image: Picture | None = ImageField("Image", mask="mask", help="Without one, img2img's own picture is used")
    mask: Picture | None = ImageField("Mask", help="What is to be painted, for the preprocessors of inpainting")
    effective_region_mask: Picture | None = ImageField("Effective region mask", help="The unit acts where this is white")
    module: str = Text("none", "Preprocessor")
    model: str = ModelChoice("controlnet", "Model", default="None")
    weight: float = Slider(1.0, 0, 2, "Control Weight", step=0.05)
    guidance_start: float = Slider(0.0, 0, 1, "Starting Control Step", step=0.01)
    guidance_end: float = Slider(1.0, 0, 1, "Ending Control Step", step=0.01)
    resize_mode: ResizeMode = Choice("Crop and Resize", "Resize Mode")
    control_mode: ControlMode = Choice("Balanced", "Control Mode")
    pixel_perfect: bool = Toggle(False, "Pixel Perfect", help="The preprocessor works at the resolution of the picture to be made")
    processor_res: int = Slider(-1, -1, 4096, "Resolution", step=1)
    threshold_a: float = Slider(-1, -1, 4096, "Threshold A", step=0.01)
    threshold_b: float = Slider(-1, -1, 4096, "Threshold B", step=0.01)
    hr_option: HiresOption = Choice("Both", "Hires-Fix Option")
    low_vram: bool = Toggle(False, "Low VRAM", help="The control network leaves the graphics card while the U-Net computes")
    inpaint_crop_input_image: bool = Toggle(True, "Crop input image based on img2img's mask")
    union_control_type: str = declared("Unknown", "Union control type", control="choice", choices=list(UNION_TYPES))
    weight_type: WeightType = Choice("normal", "Weight type", help="Of IP-Adapters for SDXL: which layers heed the picture")
    composition_weight: float = Slider(1.0, 0, 2, "Composition weight", step=0.05)
    save_detected_map: bool = Toggle(True, "Save detected map")
    advanced_weighting: tuple[float, ...] | None = Field(
        default=None, title="Advanced weighting", description="One number for each layer", max_length=32
    )
    images: tuple[Picture, ...] = Field(
        default=(), title="More pictures", description="Each adds its hint, and all share the weight; IP-Adapters heed all", max_length=16
    )
    batch_folder: str = Text(
        "", "Batch folder", help="Each of its pictures in turn gets a generation of its own; in img2img's batch they are found by name."
    )
    mask_folder: str = Text(
        "", "Mask folder", help="Masks for the pictures of the batch folder: by their names, or in order where no name is the same."
    )
    loopback: bool = Toggle(False, "Loopback", help="The last result is the picture of the next generation")

    @model_validator(mode="before")
    @classmethod
    def as_clients_say_it(cls, values: Any) -> Any:
        """A1111's other names, numbers for choices, and pictures with their masks in one."""
        return plain(values) if isinstance(values, Mapping) else values  # pyright: ignore[reportUnknownArgumentType]

    @field_validator("guidance_end")
    @classmethod
    def end_is_behind_start(cls, end: float, info: Any) -> float:
        start = info.data.get("guidance_start", 0.0)
        if end < start:
            raise ValueError(f"ControlNet: Ending Control Step is {end}; it must not be before the start, {start}.")
        return end

    @field_validator("union_control_type")
    @classmethod
    def union_type_is_known(cls, name: str) -> str:
        found = next((one for one in UNION_TYPES if one.lower() == name.lower()), None)
        if found is None:
            raise ValueError(f"ControlNet: Union control type is '{name[:40]}'; it must be one of {', '.join(UNION_TYPES)}.")
        return found

    @property
    def acts(self) -> bool:
        """Whether it is on and could change anything."""
        return self.enabled and self.weight > 0

    @property
    def takes_turns(self) -> bool:
        """Whether its picture changes from one generation to the next."""
        return bool(self.batch_folder) or self.loopback


def plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """A unit's values under their own names, as this program has them."""
    values: dict[str, Any] = {}
    if "batch" in str(given.get("input_mode", "")).lower() and given.get("batch_image_dir"):
        values["batch_folder"] = given["batch_image_dir"]
        values["mask_folder"] = given.get("batch_mask_dir") or ""
    for name, value in given.items():
        own = ALIASES.get(name, name)
        if own in IGNORED or (value is None and own not in ("image", "mask")):
            continue
        values.setdefault(own, value)
    if values.pop("guessmode", False):
        values.setdefault("control_mode", "ControlNet is more important")
    image = values.get("image")
    if isinstance(image, Mapping):
        values["image"] = image.get("image")  # pyright: ignore[reportUnknownMemberType]
        if values.get("mask") is None:
            values["mask"] = image.get("mask")  # pyright: ignore[reportUnknownMemberType]
    elif isinstance(image, list | tuple):
        first, *more = [one.get("image") if isinstance(one, Mapping) else one for one in image] or [None]  # pyright: ignore
        values["image"], values["images"] = first, tuple(more)
    for name in ("image", "mask", "effective_region_mask"):
        if values.get(name) in ("", "None"):
            values[name] = None
    if values.get("images") and not values.get("image"):
        values["image"], *more = values["images"]
        values["images"] = tuple(more)
    for name, choices in (("resize_mode", RESIZE_MODES), ("control_mode", CONTROL_MODES), ("hr_option", HIRES_OPTIONS)):
        if name in values:
            values[name] = named(values[name], choices)
    for name, read in READ.items():
        if name in values:
            values[name] = read(values[name])
    return values


def named(value: Any, choices: tuple[str, ...]) -> Any:
    """A choice given by its number, in another case, by an older name, or as Python prints its enum; anything else as it is."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(choices):
        return choices[value]
    if not isinstance(value, str):
        return value
    text = value.rpartition(".")[2].replace("_", " ").lower() if value.isidentifier() or "." in value else value.lower()
    text = {"prompt": choices[1], "control": choices[-1], "resize": choices[0], "inner fit": choices[1], "outer fit": choices[-1],
            "low res only": choices[1], "high res only": choices[-1]}.get(text, text).lower()  # fmt: skip
    return OLD_NAMES.get(text) or next((one for one in choices if one.lower() == text), value)


def whole(value: Any) -> Any:
    """A number of pixels that came with a fraction."""
    return round(value) if isinstance(value, float) else value


def weight_type(value: Any) -> Any:
    """A1111's name of a weight type without its further words: `style transfer (SDXL)` is style."""
    return re.sub(r" \(sdxl\)| transfer", "", value.lower()) if isinstance(value, str) else value


READ: Mapping[str, Callable[[Any], Any]] = {"processor_res": whole, "weight_type": weight_type}
