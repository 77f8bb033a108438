"""What an infotext leaves unsaid, and what older versions said differently."""

import math
import re
from collections.abc import Mapping

# What a missing label means. The texts are A1111's.
DEFAULTS = {
    "Clip skip": "1",
    "Hires resize-1": "0",
    "Hires resize-2": "0",
    "Hires sampler": "Use same sampler",
    "Hires schedule type": "Use same scheduler",
    "Hires checkpoint": "Use same checkpoint",
    "Hires prompt": "",
    "Hires negative prompt": "",
    "Mask mode": "Inpaint masked",
    "Masked content": "original",
    "Inpaint area": "Whole picture",
    "Masked area padding": "32",
    "RNG": "GPU",
    "Schedule type": "Automatic",
    "Schedule max sigma": "0",
    "Schedule min sigma": "0",
    "Schedule rho": "0",
    "VAE Encoder": "Full",
    "VAE Decoder": "Full",
    "FP8 weight": "Disable",
    "Refiner switch by sampling steps": "False",
}
EMPHASIS = re.compile(r"(?:[^\\(\[]|\\.)*[(\[]", re.DOTALL)  # a bracket without a backslash
VERSION = re.compile(r"v?([0-9]{1,9}(?:\.[0-9]{1,9}){0,3})(?:-(rc[0-9]{0,9}|[0-9]{1,9}))?(?:-.*)?", re.IGNORECASE | re.DOTALL)
OLD_PIXELS = 512 * 512
OLD_STEP = 64


def completed(values: Mapping[str, str], *, backcompat: bool = True, old_hires_size: bool = False) -> dict[str, str]:
    """The values with those that a missing label stands for, and with the older ways of saying things said anew.

    `backcompat` turns on what pictures of the infotext's version need. `old_hires_size`: the size under a picture with
    Hires. fix is the final one, as before A1111 1.0.
    """
    result = {**DEFAULTS, **values}
    if "Hypernet" in values:
        result["Prompt"] = result.get("Prompt", "") + f"<hypernet:{values['Hypernet']}:{values.get('Hypernet strength', '1.0')}>"
    if result["FP8 weight"] != "Disable":
        result.setdefault("Cache FP16 weight for LoRA", "False")
    if "Emphasis" not in result and any(EMPHASIS.match(result.get(label, "")) for label in ("Prompt", "Negative prompt")):
        result["Emphasis"] = "Original"
    result.update(sizes(result, old_hires_size=old_hires_size))
    if backcompat:
        result.update(needed_by(version(values.get("Version", "")), result))
    return result


def sizes(values: Mapping[str, str], *, old_hires_size: bool) -> dict[str, str]:
    """The sizes of both passes where the infotext says them the old way: the size is the final one, and 'First pass size'."""
    wide, high = pair(values, "Hires resize")
    if old_hires_size and wide and high:
        return {"Size-1": str(wide), "Size-2": str(high)}
    if "First pass size-1" not in values:
        return {}
    width, height = pair(values, "Size")
    width, height = width or 512, height or 512
    first = pair(values, "First pass size")
    if not all(first):
        first = old_first_pass(width, height)
    return {"Size-1": str(first[0]), "Size-2": str(first[1]), "Hires resize-1": str(width), "Hires resize-2": str(height)}


def pair(values: Mapping[str, str], label: str) -> tuple[int, int]:
    """Width and height under a label; 0 for what is missing or no number."""
    texts = (values.get(f"{label}-{index}", "0") for index in (1, 2))
    width, height = (int(text) if text.isdecimal() and len(text) < 10 else 0 for text in texts)
    return width, height


def old_first_pass(width: int, height: int) -> tuple[int, int]:
    """The first pass of the first Hires. fix: as many pixels as 512x512, each side rounded up to 64. Sizes are positive."""
    scale = math.sqrt(OLD_PIXELS / (width * height))
    return math.ceil(scale * width / OLD_STEP) * OLD_STEP, math.ceil(scale * height / OLD_STEP) * OLD_STEP


def version(text: str) -> tuple[int, ...] | None:
    """An A1111 version as numbers to compare: v1.7.0-225-gabc is (1, 7, 0, 0, 225). None for what is none, as our own."""
    match = VERSION.fullmatch(text.strip())
    if match is None:
        return None
    numbers = [int(number) for number in match.group(1).split(".")]
    later = match.group(2) or "0"
    return (*numbers, *[0] * (4 - len(numbers)), -1 if later[0] in "rR" else int(later))


def needed_by(version: tuple[int, ...] | None, values: Mapping[str, str]) -> dict[str, str]:
    """The settings that give a picture of that version again."""
    if version is None:
        return {}
    conditions = {
        "Old prompt editing timelines": version < (1, 6) and "[" in values.get("Prompt", ""),
        "Pad conds v0": version < (1, 6) and values.get("Sampler", "") in ("DDIM", "PLMS"),
        "Downcast alphas_cumprod": version < (1, 7, 0, 0, 225),
        "Refiner switch by sampling steps": version < (1, 8) and bool(values.get("Refiner")),
    }
    return {label: "True" for label, needed in conditions.items() if needed}
