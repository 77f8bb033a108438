"""What may be set for each pass of the detailer. 0 and empty mean: as the picture."""

from typing import Literal

from modules.contract.declare import declared
from modules.perception.detectors import Detectors
from modules.plugins import Choice, Lines, Options, Slider, Text, Toggle

Method = Literal["Area", "Confidence"]
Merge = Literal["None", "Merge", "Merge and Invert"]
PADDING_HELP = "For a model made for pictures smaller than 512 pixels, in proportion less"
PROMPT_HELP = "Empty: the picture's. [SEP] between the texts for the found things, [PROMPT] is the picture's, [SKIP] leaves a thing out."


def built_in(tab: str) -> list[str]:
    """The detectors that need no file, for either tab; the panel adds those in models/adetailer."""
    return Detectors().names()


class Detail(Options):
    """One pass: what is looked for, where the mask lies, how it is painted."""

    enabled: bool = Toggle(True, "Enable this tab")
    detector: str = declared("mediapipe_face_full", "Detector", control="choice", choices=built_in)
    classes: str = Text("", "Detector classes", help="The kinds that count, with commas, if it tells several apart. Empty: all")
    prompt: str = Lines("", "Detailer prompt", help=PROMPT_HELP)
    negative_prompt: str = Lines("", "Detailer negative prompt")
    confidence: float = Slider(0.3, 0, 1, "Detection confidence threshold", step=0.01)
    method: Method = Choice("Area", "Method to filter by", help="Which stay if only some are to: the largest, or the surest")
    most: int = Slider(0, 0, 10, "Mask only the top k", help="0: all")
    least_share: float = Slider(0.0, 0, 1, "Mask min area ratio", step=0.001)
    largest_share: float = Slider(1.0, 0, 1, "Mask max area ratio", step=0.001)
    x_offset: int = Slider(0, -200, 200, "Mask x offset", help="Pixels to the right")
    y_offset: int = Slider(0, -200, 200, "Mask y offset", help="Pixels up")
    dilate: int = Slider(4, -128, 128, "Mask erosion (-) / dilation (+)", step=4)
    merge: Merge = Choice("None", "Mask merge mode", help="None: each thing is painted by itself")
    blur: int = Slider(4, 0, 64, "Inpaint mask blur")
    strength: float = Slider(0.4, 0, 1, "Inpaint denoising strength", step=0.01)
    only_masked: bool = Toggle(True, "Inpaint only masked", help="The surroundings are enlarged to the working size, and pasted back")
    padding: int = Slider(32, 0, 256, "Inpaint only masked padding, pixels", step=4, help=PADDING_HELP)
    width: int = Slider(0, 0, 2048, "Inpaint width", step=8, help="0: the picture's")
    height: int = Slider(0, 0, 2048, "Inpaint height", step=8, help="0: the picture's")
    steps: int = Slider(0, 0, 150, "Detailer steps", help="0: the picture's")
    guidance: float = Slider(0, 0, 30, "Detailer CFG scale", step=0.5, help="0: the picture's")
    checkpoint: str = declared("", "Detailer checkpoint", control="model", kind="checkpoint")
    vae: str = declared("", "Detailer VAE", control="model", kind="vae")
    sampler: str = declared("", "Detailer sampler", control="model", kind="sampler")
    schedule: str = declared("", "Detailer schedule type", control="model", kind="schedule")
    noise_multiplier: float = Slider(0, 0, 1.5, "Noise multiplier for detailing", step=0.01, help="0: the setting")
    clip_skip: int = Slider(0, 0, 12, "Detailer CLIP skip", help="0: the setting")
    restore_faces: bool = Toggle(False, "Restore faces after detailing")
    control_model: str = declared("", "ControlNet model", control="model", kind="controlnet", help="Keeps the shapes that are there")
    control_module: str = Text("", "ControlNet preprocessor", help="Empty: none")
    control_weight: float = Slider(1.0, 0, 1, "ControlNet weight", step=0.01)
    control_start: float = Slider(0.0, 0, 1, "ControlNet guidance start", step=0.01)
    control_end: float = Slider(1.0, 0, 1, "ControlNet guidance end", step=0.01)
