"""What an axis may change in a request: A1111's axes, in its order, and behind them those of ControlNet and the detailer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, RefinerPass, SeedVariation, Size

from .values import Kind, Value

Apply = Callable[[GenerationRequest, Any, Sequence[Any]], GenerationRequest]
TXT2IMG, IMG2IMG = ("txt2img",), ("img2img",)
CONTROL_MODES = ("Balanced", "My prompt is more important", "ControlNet is more important")
FACES = {"codeformer": "CodeFormer", "gfpgan": "GFPGAN"}


def named(axis: "Axis", value: Value) -> str:
    """`CFG Scale: 7.0`"""
    return f"{axis.label}: {round(value, 8) if isinstance(value, float) else value}"


def alone(axis: "Axis", value: Value) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def file_name(axis: "Axis", value: Value) -> str:
    return str(value).replace("\\", "/").rpartition("/")[2]


@dataclass(frozen=True)
class Axis:
    """One of them. The costlier a change, the less often it is made; one that is `listed` is chosen from a
    list on the page: the values themselves, or the kind of those that are known only while the program runs."""

    label: str
    kind: Kind
    apply: Apply
    tabs: tuple[str, ...] = TXT2IMG + IMG2IMG
    shown: Callable[["Axis", Value], str] = named
    cost: float = 0.0
    listed: str | tuple[str, ...] = ()


def field(name: str) -> Apply:
    """A field of the request."""
    return lambda request, value, _: request.replace(**{name: value})


def setting(key: str) -> Apply:
    """A setting, for this request."""
    return lambda request, value, _: request.replace(settings={**request.settings, key: value})


def switch(key: str) -> Apply:
    """A setting that is on or off."""

    def apply(request: GenerationRequest, value: str, values: Sequence[str]) -> GenerationRequest:
        if value.lower() not in ("true", "false"):
            raise BadRequest(f"'{value}' is neither True nor False.")
        return setting(key)(request, value.lower() == "true", values)

    return apply


def part(name: str, key: str) -> Apply:
    """A value in a part of the request, such as Hires. fix; where there is none of it, nothing changes."""

    def apply(request: GenerationRequest, value: Any, _: Sequence[Any]) -> GenerationRequest:
        old = getattr(request, name)
        return request if old is None else request.replace(**{name: {**dict(old), key: value}})

    return apply


def variation(key: str) -> Apply:
    """A value of the seed variation, which is made for it."""
    return lambda request, value, _: request.replace(variation={**dict(request.variation or SeedVariation()), key: value})


def strength(request: GenerationRequest, value: float, values: Sequence[float]) -> GenerationRequest:
    return part("source" if request.source else "hires", "strength")(request, value, values)


def search_and_replace(request: GenerationRequest, value: str, values: Sequence[str]) -> GenerationRequest:
    """The first of the values, wherever it stands in the prompts, becomes this one."""
    sought = values[0]
    if sought not in request.prompt and sought not in request.negative_prompt:
        raise BadRequest(f"Prompt S/R did not find '{sought}' in the prompt or the negative prompt.")
    return request.replace(prompt=request.prompt.replace(sought, value), negative_prompt=request.negative_prompt.replace(sought, value))


def reordered(request: GenerationRequest, value: Sequence[str], _: Sequence[Any]) -> GenerationRequest:
    """The parts of the prompt that are listed, in another order, in the same places."""
    missing = [text for text in value if text not in request.prompt]
    if missing:
        raise BadRequest(f"Prompt order did not find '{missing[0]}' in the prompt.")
    rest, pieces = request.prompt, list[str]()
    for text in sorted(value, key=request.prompt.find):
        before, _, rest = rest.partition(text)
        pieces.append(before)
    return request.replace(prompt="".join(piece + text for piece, text in zip(pieces, value, strict=True)) + rest)


def styles(request: GenerationRequest, value: str, _: Sequence[str]) -> GenerationRequest:
    return request.replace(styles=(*request.styles, *value.split(",")))


def vae(request: GenerationRequest, value: str, values: Sequence[str]) -> GenerationRequest:
    return setting("sd_vae")(request, {"auto": "Automatic", "automatic": "Automatic", "none": "None"}.get(value.lower(), value), values)


def unipc_order(request: GenerationRequest, value: int, values: Sequence[int]) -> GenerationRequest:
    return setting("uni_pc_order")(request, min(value, request.steps - 1), values)


def faces(request: GenerationRequest, value: str, values: Sequence[str]) -> GenerationRequest:
    """The name of a model, or whether the one of the settings is used."""
    model = FACES.get(value.lower())
    if model:
        request = setting("face_restoration_model")(request, model, values)
    return request.replace(restore_faces=bool(model) or value.lower() in ("true", "yes", "y", "1"))


def refiner(request: GenerationRequest, value: str, _: Sequence[str]) -> GenerationRequest:
    if value.lower() == "none":
        return request.replace(refiner=None)
    return request.replace(refiner={**dict(request.refiner or RefinerPass(checkpoint=value)), "checkpoint": value})


def size(request: GenerationRequest, value: str, _: Sequence[str]) -> GenerationRequest:
    width, _, height = value.lower().partition("x")
    if not (width.strip().isdecimal() and height.strip().isdecimal()):
        raise BadRequest(f"'{value}' is not a size; write it as 512x768.")
    return request.replace(size=Size(int(width), int(height)))


def control(name: str) -> Apply:
    """A value of ControlNet's first unit that is on. Raises BadRequest where there is none."""
    return first_on("controlnet", name, "No unit of ControlNet")


def detail(name: str) -> Apply:
    """A value of the detailer's first pass that is on. Raises BadRequest where there is none."""
    return first_on("detailer", name, "No pass of the Detailer")


def first_on(extension: str, name: str, none: str) -> Apply:
    """A value of the first of an extension's units that is on; `none` begins the sentence where none is."""

    def apply(request: GenerationRequest, value: Any, _: Sequence[Any]) -> GenerationRequest:
        options = request.extensions.get(extension, {})
        units = [dict(unit) for unit in options.get("units", ())]
        first = next((unit for unit in units if unit.get("enabled", True)), None)
        if first is None:
            raise BadRequest(f"{none} is on, which the axis could change.", "Switch one on, or choose another axis.")
        first[name] = value
        return request.replace(extensions={**request.extensions, extension: {**options, "units": units}})

    return apply


def nothing(request: GenerationRequest, value: Any, _: Sequence[Any]) -> GenerationRequest:
    return request


NOTHING = Axis("Nothing", "text", nothing, shown=lambda axis, value: "")
IN_ORDER = (
    NOTHING,
    Axis("Seed", "whole", field("seed")),
    Axis("Var. seed", "whole", variation("seed")),
    Axis("Var. strength", "decimal", variation("strength")),
    Axis("Steps", "whole", field("steps")),
    Axis("Hires steps", "whole", part("hires", "steps"), TXT2IMG),
    Axis("CFG Scale", "decimal", field("guidance")),
    Axis("Image CFG Scale", "decimal", part("source", "image_guidance"), IMG2IMG),
    Axis("Prompt S/R", "text", search_and_replace, shown=alone),
    Axis("Prompt order", "order", reordered, shown=alone),
    Axis("Sampler", "text", field("sampler"), shown=alone, listed="sampler"),
    Axis("Hires sampler", "text", part("hires", "sampler"), TXT2IMG, listed="sampler"),
    Axis("Checkpoint name", "text", field("checkpoint"), shown=file_name, cost=1.0, listed="checkpoint"),
    Axis("Negative Guidance minimum sigma", "decimal", part("sampler_options", "s_min_uncond")),
    Axis("Sigma Churn", "decimal", part("sampler_options", "s_churn")),
    Axis("Sigma min", "decimal", part("sampler_options", "s_tmin")),
    Axis("Sigma max", "decimal", part("sampler_options", "s_tmax")),
    Axis("Sigma noise", "decimal", part("sampler_options", "s_noise")),
    Axis("Schedule type", "text", field("schedule"), listed="schedule"),
    Axis("Schedule min sigma", "decimal", setting("sigma_min")),
    Axis("Schedule max sigma", "decimal", setting("sigma_max")),
    Axis("Schedule rho", "decimal", setting("rho")),
    Axis("Beta schedule alpha", "decimal", setting("beta_dist_alpha")),
    Axis("Beta schedule beta", "decimal", setting("beta_dist_beta")),
    Axis("Eta", "decimal", part("sampler_options", "eta")),
    Axis("Clip skip", "whole", setting("CLIP_stop_at_last_layers")),
    Axis("Denoising", "decimal", strength),
    Axis("Initial noise multiplier", "decimal", part("source", "noise_multiplier")),
    Axis("Extra noise", "decimal", setting("img2img_extra_noise")),
    Axis("Hires upscaler", "text", part("hires", "upscaler"), TXT2IMG, listed="upscaler"),
    Axis("Cond. Image Mask Weight", "decimal", setting("inpainting_mask_weight"), IMG2IMG),
    Axis("VAE", "text", vae, cost=0.7, listed="vae"),
    Axis("Styles", "text", styles, listed="style"),
    Axis("UniPC Order", "whole", unipc_order, cost=0.5),
    Axis("Face restore", "text", faces),
    Axis("Token merging ratio", "decimal", setting("token_merging_ratio")),
    Axis("Token merging ratio high-res", "decimal", setting("token_merging_ratio_hr")),
    Axis("Always discard next-to-last sigma", "text", switch("always_discard_next_to_last_sigma"), listed=("True", "False")),
    Axis("SGM noise multiplier", "text", switch("sgm_noise_multiplier"), listed=("True", "False")),
    Axis("Refiner checkpoint", "text", refiner, shown=file_name, cost=1.0, listed="checkpoint"),
    Axis("Refiner switch at", "decimal", part("refiner", "switch_at")),
    Axis("RNG source", "text", setting("randn_source"), listed=("GPU", "CPU", "NV")),
    Axis("FP8 mode", "text", setting("fp8_storage"), cost=0.9, listed=("Disable", "Enable for SDXL", "Enable")),
    Axis("Size", "text", size),
    # Behind A1111's own, as its extension puts them there, under that one's labels.
    Axis("[ControlNet] Model", "text", control("model"), shown=alone, cost=0.6, listed="controlnet"),
    Axis("[ControlNet] Weight", "decimal", control("weight")),
    Axis("[ControlNet] Guidance Start", "decimal", control("guidance_start")),
    Axis("[ControlNet] Guidance End", "decimal", control("guidance_end")),
    Axis("[ControlNet] Resize Mode", "text", control("resize_mode"), listed=("Just Resize", "Crop and Resize", "Resize and Fill")),
    Axis("[ControlNet] Control Mode", "text", control("control_mode"), listed=CONTROL_MODES),
    Axis("[ControlNet] Preprocessor", "text", control("module"), shown=alone),
    Axis("[ControlNet] Pre Resolution", "whole", control("processor_res")),
    Axis("[ControlNet] Pre Threshold A", "decimal", control("threshold_a")),
    Axis("[ControlNet] Pre Threshold B", "decimal", control("threshold_b")),
    Axis("[Detailer] Detector", "text", detail("detector"), shown=alone),
    Axis("[Detailer] Prompt", "text", detail("prompt"), shown=alone),
    Axis("[Detailer] Negative prompt", "text", detail("negative_prompt"), shown=alone),
    Axis("[Detailer] Detection confidence", "decimal", detail("confidence")),
    Axis("[Detailer] Mask min area ratio", "decimal", detail("least_share")),
    Axis("[Detailer] Mask max area ratio", "decimal", detail("largest_share")),
    Axis("[Detailer] Mask x offset", "whole", detail("x_offset")),
    Axis("[Detailer] Mask y offset", "whole", detail("y_offset")),
    Axis("[Detailer] Mask erosion (-) / dilation (+)", "whole", detail("dilate")),
    Axis("[Detailer] Mask merge mode", "text", detail("merge"), listed=("None", "Merge", "Merge and Invert")),
    Axis("[Detailer] Mask blur", "whole", detail("blur")),
    Axis("[Detailer] Denoising strength", "decimal", detail("strength")),
    Axis("[Detailer] Only masked padding", "whole", detail("padding")),
    Axis("[Detailer] Inpaint width", "whole", detail("width")),
    Axis("[Detailer] Inpaint height", "whole", detail("height")),
    Axis("[Detailer] ControlNet model", "text", detail("control_model"), shown=alone, cost=0.6, listed="controlnet"),
    Axis("[Detailer] ControlNet weight", "decimal", detail("control_weight")),
)
AXES: Mapping[str, Axis] = {axis.label: axis for axis in IN_ORDER}


def labels(tab: str) -> Sequence[str]:
    """The names of a tab's axes, in A1111's order: by their number its clients know them."""
    return [axis.label for axis in IN_ORDER if tab in axis.tabs]
