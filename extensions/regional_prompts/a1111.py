"""How regional prompts are spoken of from outside: A1111's arguments and infotext pairs, and what the panel asks."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from extensions.regional_prompts.regions import areas, divided
from modules.contract.errors import BadRequest, NotSupported
from modules.plugins import Argument

TABS = ("Matrix", "Mask", "Prompt")
ORIENTATIONS = {"horizontal": "Columns", "columns": "Columns", "vertical": "Rows", "rows": "Rows"}
LABELS = (
    "Debug", "Mode", "Matrix submode", "Mask submode", "Prompt submode", "Ratios", "Base ratios", "Use base", "Use common",
    "Use common negative", "Generation mode", "Options", "LoRA in negative text encoder", "LoRA in negative U-Net", "Threshold", "Mask",
)  # fmt: skip
ARGUMENTS = tuple(Argument(label=label) for label in LABELS)
PAIRS = {
    "calc": "RP Calc Mode",
    "ratios": "RP Ratios",
    "base_ratio": "RP Base Ratios",
    "use_base": "RP Use Base",
    "use_common": "RP Use Common",
    "use_common_negative": "RP Use Ncommon",
    "softness": "RP Softness",
    "alone": "RP Own canvas",
}


class Asked(BaseModel):
    """What the panel asks: where would the regions of this prompt lie?"""

    prompt: str = Field(max_length=100_000)
    divide: Literal["Columns", "Rows", "Mask"] = "Columns"
    ratios: str = Field(default="", max_length=1000)
    use_base: bool = False
    use_common: bool = False


def template(asked: Asked) -> dict[str, Any]:
    """Where the regions of a prompt lie, or the `problem` with it: what is typed is often not finished."""
    columns_first = asked.divide == "Rows"
    parts = divided(asked.prompt, columns_first=columns_first, use_base=asked.use_base, use_common=asked.use_common)
    known = {"common": parts.common, "base": parts.base, "regions": parts.regions, "groups": parts.groups}
    try:
        return {**known, "areas": areas(parts.groups, asked.ratios, columns_first=columns_first), "problem": ""}
    except BadRequest as error:
        return {**known, "areas": areas(parts.groups, "", columns_first=columns_first), "problem": str(error)}


def orientation(text: object) -> str:
    """Columns or Rows, by any of the names that they have had."""
    return ORIENTATIONS.get(str(text).lower(), "Columns")


def parsed(args: Sequence[Any], tab: str) -> Mapping[str, Any] | None:
    """Options from the list that the original's `process` has: active, debug, tab, submodes, ratios, ... None if it is off.

    Its third tab, regions found by words in the prompt, is not here: a request for it is refused.
    """
    if not args or not args[0] or str(args[0]).lower() == "false":
        return None
    given = [*args, *[None] * 17][:17]
    _, _, mode, matrix, _, _, ratios, base, use_base, use_common, use_negative, calc, _, _, _, _, mask = given
    if str(mode) == "Prompt":
        raise NotSupported("Regions that words of the prompt find are not offered.", "Use Matrix or Mask.")
    found: dict[str, Any] = {"divide": "Mask" if str(mode) == "Mask" else orientation(matrix)}
    given_options = {
        "ratios": plain(ratios), "base_ratio": base, "use_base": use_base, "use_common": use_common,
        "use_common_negative": use_negative, "calc": calc, "mask": mask or None,
    }  # fmt: skip
    return found | {name: value for name, value in given_options.items() if value is not None}


def plain(ratios: object) -> object:
    """Ratios; the original's default "1,1" stands for equal parts, however many regions there are."""
    return "" if isinstance(ratios, str) and set(ratios.replace(",", "").strip()) <= {"1"} and ";" not in ratios else ratios


def notes(options: Any) -> dict[str, object]:
    """The pairs that the original writes, where they mean something here."""
    mask = options.divide == "Mask"
    pairs: dict[str, object] = {"RP Active": True, "RP Divide mode": "Mask" if mask else "Matrix"}
    if not mask:
        pairs["RP Matrix submode"] = options.divide
    defaults = {"ratios": "", "softness": 0, "alone": 1.0 if options.calc == "Latent" else options.alone}
    return pairs | {pair: getattr(options, name) for name, pair in PAIRS.items() if getattr(options, name) != defaults.get(name)}


def options_from(notes: Mapping[str, str]) -> dict[str, Any] | None:
    """From those pairs."""
    if notes.get("RP Active") != "True":
        return None
    found: dict[str, Any] = {name: notes[pair] for name, pair in PAIRS.items() if pair in notes}
    found["ratios"] = plain(found.get("ratios", ""))
    found["divide"] = "Mask" if notes.get("RP Divide mode") == "Mask" else orientation(notes.get("RP Matrix submode", ""))
    return found
