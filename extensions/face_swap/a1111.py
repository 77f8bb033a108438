"""roop as A1111's clients call it: by position, the source picture first, and its labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from modules.contract.errors import BadRequest
from modules.plugins.script import Argument

RESTORERS = ("None", "GFPGAN", "CodeFormer")
ARGUMENTS = (
    Argument("source", label="Source image"),
    Argument(label="Enable"),
    Argument("target_faces", label="Comma separated face number(s)"),
    Argument("model", label="Model"),
    Argument("restorer", label="Restore Face"),
    Argument("restorer_visibility", label="Restore visibility"),
    Argument(label="Upscaler"),
    Argument(label="Upscaler scale"),
    Argument(label="Upscaler visibility (if scale = 1)"),
    Argument("swap_in_source", label="Swap in source image"),
    Argument("swap_in_generated", label="Swap in generated image"),
)


def parsed(args: Sequence[Any], tab: str) -> Mapping[str, Any] | None:
    """Options for roop's list: picture, switch, face numbers, model, restorer and visibility, three of an upscaler, where to swap.

    Its upscaler is left to Extras: one that is asked for raises BadRequest.
    """
    given = dict(zip((argument.option or argument.label for argument in ARGUMENTS), args, strict=False))
    if not given.get("Enable"):
        return None
    if given.get("Upscaler") not in (None, "", "None"):
        raise BadRequest(f"roop: Upscaler is '{given['Upscaler']}'; face swap does not enlarge.", "Enlarge in Extras or with Hires. fix.")
    options = {name: given[name] for name in ("source", "swap_in_source", "swap_in_generated") if given.get(name) is not None}
    faces = given.get("target_faces")
    if faces not in (None, ""):
        options["target_faces"] = ",".join(map(str, faces)) if isinstance(faces, list | tuple) else str(faces)
        count = len(options["target_faces"].split(","))
        options["source_faces"] = ",".join(["0"] * count)  # one source face goes to all of them
    if given.get("restorer") in RESTORERS:
        options["restorer"] = given["restorer"]
    if isinstance(given.get("restorer_visibility"), int | float):
        options["restorer_visibility"] = given["restorer_visibility"]
    options["model"] = "inswapper" if "inswapper" in str(given.get("model", "")).lower() else "mesh"
    return options
