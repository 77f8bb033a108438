"""What the forms of txt2img and img2img ask for, with A1111's labels, ranges and defaults; `key` is the end of a control's id."""

from typing import Literal

from modules.contract.declare import Choice, Options, Slider, Text, Toggle
from modules.contract.declare import declared as field

SAME_CHECKPOINT, SAME_SAMPLER, SAME_SCHEDULE = "Use same checkpoint", "Use same sampler", "Use same scheduler"
LATENT = "Latent"
Mode = Literal["img2img", "sketch", "inpaint", "inpaint sketch", "inpaint upload", "batch"]
MODES: tuple[Mode, ...] = ("img2img", "sketch", "inpaint", "inpaint sketch", "inpaint upload", "batch")
RESIZES = ("Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)")


def names(label: str, key: str, help: str = "") -> object:
    """Several names of a list that is known only while the program runs."""
    return field((), label, control="names", key=key, help=help)


def name(default: str, label: str, key: str) -> object:
    """One name of a list that is known only while the program runs."""
    return field(default, label, control="choice", key=key)


class Generation(Options):
    """The fields that both forms have."""

    prompt: str = Text("", "Prompt", key="prompt")
    negative_prompt: str = Text("", "Negative prompt", key="neg_prompt")
    styles: tuple[str, ...] = names("Styles", "styles")  # type: ignore[assignment]
    sampler: str = name("", "Sampling method", "sampling")  # type: ignore[assignment]
    schedule: str = name("", "Schedule type", "scheduler")  # type: ignore[assignment]
    steps: int = Slider(20, 1, 150, "Sampling steps", key="steps")
    refiner: bool = Toggle(False, "Refiner", key="enable-checkbox")
    refiner_checkpoint: str = name("", "Checkpoint", "checkpoint")  # type: ignore[assignment]
    refiner_switch_at: float = Slider(0.8, 0.01, 1.0, "Switch at", step=0.01, key="switch_at")
    width: int = Slider(512, 64, 2048, "Width", step=8, key="width")
    height: int = Slider(512, 64, 2048, "Height", step=8, key="height")
    batch_count: int = Slider(1, 1, 100, "Batch count", key="batch_count")
    batch_size: int = Slider(1, 1, 8, "Batch size", key="batch_size")
    guidance: float = Slider(7.0, 1.0, 30.0, "CFG Scale", step=0.5, key="cfg_scale")
    seed: str = Text("-1", "Seed", key="seed")
    variation: bool = Toggle(False, "Extra", key="subseed_show")
    variation_seed: str = Text("-1", "Variation seed", key="subseed")
    variation_strength: float = Slider(0.0, 0, 1, "Variation strength", step=0.01, key="subseed_strength")
    resize_seed_width: int = Slider(0, 0, 2048, "Resize seed from width", step=8, key="seed_resize_from_w")
    resize_seed_height: int = Slider(0, 0, 2048, "Resize seed from height", step=8, key="seed_resize_from_h")
    overrides: tuple[str, ...] = names("Override settings", "override_settings")  # type: ignore[assignment]


class TextToImage(Generation):
    """The fields of the txt2img form."""

    hires: bool = Toggle(False, "Hires. fix", key="hr-checkbox")
    hires_upscaler: str = name(LATENT, "Upscaler", "hr_upscaler")  # type: ignore[assignment]
    hires_steps: int = Slider(0, 0, 150, "Hires steps", key="hires_steps")
    strength: float = Slider(0.7, 0.0, 1.0, "Denoising strength", step=0.01, key="denoising_strength")
    hires_scale: float = Slider(2.0, 1.0, 4.0, "Upscale by", step=0.05, key="hr_scale")
    hires_width: int = Slider(0, 0, 2048, "Resize width to", step=8, key="hr_resize_x")
    hires_height: int = Slider(0, 0, 2048, "Resize height to", step=8, key="hr_resize_y")
    hires_checkpoint: str = name(SAME_CHECKPOINT, "Hires checkpoint", "#hr_checkpoint")  # type: ignore[assignment]
    hires_sampler: str = name(SAME_SAMPLER, "Hires sampling method", "#hr_sampler")  # type: ignore[assignment]
    hires_schedule: str = name(SAME_SCHEDULE, "Hires schedule type", "#hr_scheduler")  # type: ignore[assignment]
    hires_prompt: str = Text("", "Hires prompt", key="#hires_prompt")
    hires_negative_prompt: str = Text("", "Hires negative prompt", key="#hires_neg_prompt")


class ImageToImage(Generation):
    """The fields of the img2img form, which inpaints too."""

    mode: Mode = Choice("img2img", "What is done with the picture", key="mode")
    resize: Literal["Just resize", "Crop and resize", "Resize and fill", "Just resize (latent upscale)"] = Choice(
        "Just resize", "Resize mode", key="#resize_mode"
    )
    mask_blur: int = Slider(4, 0, 64, "Mask blur", key="mask_blur")
    mask_transparency: int = Slider(0, 0, 100, "Mask transparency", key="mask_alpha")
    mask_mode: Literal["Inpaint masked", "Inpaint not masked"] = Choice("Inpaint masked", "Mask mode", key="mask_mode")
    content: Literal["fill", "original", "latent noise", "latent nothing"] = Choice("original", "Masked content", key="inpainting_fill")
    area: Literal["Whole picture", "Only masked"] = Choice("Whole picture", "Inpaint area", key="inpaint_full_res")
    padding: int = Slider(32, 0, 256, "Only masked padding, pixels", step=4, key="inpaint_full_res_padding")
    resize_by: Literal["Resize to", "Resize by"] = Choice("Resize to", "The new size", key="resize_by")
    scale: float = Slider(1.0, 0.05, 4.0, "Scale", step=0.05, key="scale")
    image_guidance: float = Slider(
        1.5, 0, 3.0, "Image CFG Scale", step=0.05, key="image_cfg_scale", help="Acts with instruct-pix2pix models only."
    )
    strength: float = Slider(0.75, 0.0, 1.0, "Denoising strength", step=0.01, key="denoising_strength")
    batch_input: str = Text("", "Input directory", key="batch_input_dir", help="A folder on the machine that the program runs on.")
    batch_output: str = Text("", "Output directory", key="batch_output_dir", help="Empty: where the settings say.")
    batch_masks: str = Text(
        "", "Inpaint batch mask directory", key="batch_inpaint_mask_dir", help="Masks by the pictures' names, or one for all."
    )
    batch_infotext: bool = Toggle(False, "Append png info to prompts", key="batch_use_png_info")
    batch_infotext_folder: str = Text(
        "", "PNG info directory", key="batch_png_info_dir", help="Empty: the pictures' own infotexts are read."
    )
    batch_infotext_fields: tuple[Literal["Prompt", "Negative prompt", "Seed", "CFG scale", "Sampler", "Steps", "Model hash"], ...] = field(
        (), "Parameters to take from png info", control="choices", key="batch_png_info_props"
    )


def element_id(tab: str, key: str) -> str:
    """A control's id on the page: the key behind the tab's name, but for those that A1111 names without the tab ("#")."""
    return key[1:] if key.startswith("#") else f"{tab}_{key}"
