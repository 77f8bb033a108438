"""Units in a picture's infotext, as A1111's extension writes and reads them: `ControlNet 0: "Module: canny, Model: x [hash], ..."`."""

import re
from collections.abc import Mapping
from typing import Any

from modules.contract.errors import NotFound

from .preprocessors import RESOLUTION, find
from .units import HIRES_OPTIONS, UNION_TYPES, Unit

UNUSED = 0.5
KEY = re.compile(r"ControlNet (\d)$")
# A1111's labels with our fields, in its order. Those behind the mode are written only where they differ from the default.
LABELS = {
    "Module": "module",
    "Model": "model",
    "Weight": "weight",
    "Resize Mode": "resize_mode",
    "Low Vram": "low_vram",
    "Processor Res": "processor_res",
    "Threshold A": "threshold_a",
    "Threshold B": "threshold_b",
    "Guidance Start": "guidance_start",
    "Guidance End": "guidance_end",
    "Pixel Perfect": "pixel_perfect",
    "Control Mode": "control_mode",
    "Hr Option": "hr_option",
    "Union Control Type": "union_control_type",
    "Weight Type": "weight_type",
    "Composition Weight": "composition_weight",
}
ALWAYS = ("module", "model", "weight", "resize_mode", "processor_res", "threshold_a", "threshold_b", "guidance_start", "guidance_end",
          "pixel_perfect", "control_mode")  # fmt: skip
FLOATS = ("weight", "threshold_a", "threshold_b", "guidance_start", "guidance_end", "composition_weight")


def written(unit: Unit) -> str:
    """A unit as text."""
    plain = Unit.model_validate({})
    values = {label: getattr(unit, field) for label, field in LABELS.items()} | settled(unit)
    named = {label: value for label, value in values.items() if LABELS[label] in ALWAYS or value != getattr(plain, LABELS[label])}
    return ", ".join(f"{label}: {float(value) if LABELS[label] in FLOATS else value}" for label, value in named.items())


def settled(unit: Unit) -> dict[str, Any]:
    """The numbers that a unit left open, as its preprocessor takes them; A1111's 512 and 0.5 where it takes none."""
    try:
        preprocessor = find(unit.module)
    except NotFound:  # an IP-Adapter's, for which they mean nothing
        return {}
    found: dict[str, Any] = {"Processor Res": unit.processor_res if unit.processor_res > 0 else RESOLUTION}
    for label, slider, value in (
        ("Threshold A", preprocessor.slider_1, unit.threshold_a),
        ("Threshold B", preprocessor.slider_2, unit.threshold_b),
    ):
        found[label] = slider.taken(value) if slider else UNUSED if value < 0 else value
    return found


def read(notes: Mapping[str, str]) -> list[dict[str, Any]]:
    """The units of an infotext's pairs at their places, what is between them off. What cannot be read is left out."""
    texts = {int(match[1]): text for key, text in notes.items() if (match := KEY.match(key))}
    found = {number: unit for number, text in texts.items() if (unit := unit_from(text))}
    return [found.get(number, {"enabled": False}) for number in range(max(found, default=-1) + 1)]


def unit_from(text: str) -> dict[str, Any]:
    """One unit's values. Older texts call a field "preprocessor" or "starting/ending: (0, 1)"; those are read too."""
    text = re.sub(r"starting/ending: \(([\d.]+), ?([\d.]+)\)", r"Guidance Start: \1, Guidance End: \2", text)
    labels = {label.lower(): field for label, field in LABELS.items()} | {"preprocessor": "module"}
    values: dict[str, Any] = {}
    for part in re.split(r", (?=[A-Za-z /_]+: )", text):
        label, _, value = part.partition(": ")
        field = labels.get(label.strip().lower())
        if field is not None:
            values[field] = value.strip()
    try:
        unit = Unit.model_validate({name: typed(name, value) for name, value in values.items()})
        return unit.model_dump(mode="json", include=set(values))
    except ValueError:
        return {}


def typed(field: str, value: str) -> Any:
    """A text as the value of a field."""
    if field in ("low_vram", "pixel_perfect"):
        return value.lower() == "true"
    if field in FLOATS or field == "processor_res":
        return float(value)
    known = {"hr_option": HIRES_OPTIONS, "union_control_type": UNION_TYPES}.get(field, ())
    return next((one for one in known if one.lower() == value.lower()), value)
