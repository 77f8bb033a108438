"""Named controls, what a person typed into them, and the request that this makes; no positions anywhere."""

from collections.abc import Iterable, Mapping
from typing import Any

from modules.contract.declare import Options, Slider, Text
from modules.contract.declare import declared as field
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, request_from
from modules.frontend.toolkit import Block, Component


class TextToImage(Options):
    """The fields of the txt2img tab, with A1111's ranges; `key` is the end of the control's id on the page."""

    prompt: str = Text("", "Prompt", key="prompt")
    negative_prompt: str = Text("", "Negative prompt", key="neg_prompt")
    sampler: str = field("", "Sampling method", control="choice", key="sampling")
    schedule: str = field("", "Schedule type", control="choice", key="scheduler")
    steps: int = Slider(20, 1, 150, "Sampling steps", key="steps")
    width: int = Slider(512, 64, 2048, "Width", step=8, key="width")
    height: int = Slider(512, 64, 2048, "Height", step=8, key="height")
    batch_count: int = Slider(1, 1, 100, "Batch count", key="batch_count")
    batch_size: int = Slider(1, 1, 8, "Batch size", key="batch_size")
    guidance: float = Slider(7.0, 1.0, 30.0, "CFG Scale", step=0.5, key="cfg_scale")
    seed: str = Text("-1", "Seed", key="seed")


class Form:
    """The controls of one tab by name. Handlers take and give values by name; Gradio's own order stays in here."""

    def __init__(self) -> None:
        self.controls: dict[str, Component] = {}

    def add(self, name: str, control: Component) -> Component:
        self.controls[name] = control
        return control

    def __getitem__(self, name: str) -> Component:
        return self.controls[name]

    def inputs(self, *more: Component) -> set[Block]:
        """What an event that reads the form takes: a set, so that its handler is given values by component."""
        return {*self.controls.values(), *more}

    def outputs(self) -> list[Component]:
        return list(self.controls.values())

    def values(self, data: Mapping[Component, Any]) -> dict[str, Any]:
        """What a handler was given, by name."""
        return {name: data[control] for name, control in self.controls.items()}

    def updates(self, values: Mapping[str, Any]) -> dict[Component, Any]:
        """What a handler gives back to change the controls of these names and no others."""
        return {self.controls[name]: value for name, value in values.items()}

    def memory(self) -> list[dict[str, Any]]:
        """What the browser needs to keep the fields over a reload: their names, and the choices of those that have any."""
        return [{"name": name, "choices": [value for _, value in getattr(control, "choices", None) or []]}
                for name, control in self.controls.items()]


def request(values: Mapping[str, Any]) -> GenerationRequest:
    """The request that the fields of TextToImage make. Raises BadRequest with a sentence for each wrong one."""
    fields = dict(values)
    size = (whole("Width", fields.pop("width")), whole("Height", fields.pop("height")))
    return request_from({**fields, "size": size, "seed": whole("Seed", fields["seed"], "; -1 draws one")})


def whole(label: str, value: Any, more: str = "") -> int:
    """A number as typed, exactly. The seed is a text on the page, since a browser's numbers end at 2**53."""
    text = "" if value is None else str(value).strip()
    try:
        return int(text or "-1") if label == "Seed" else int(float(text))
    except ValueError:
        raise BadRequest(f"{label} is {text!r}; it must be a whole number{more}.") from None


def values_of(request: GenerationRequest, names: Iterable[str]) -> dict[str, Any]:
    """A request as the fields of TextToImage show it."""
    shown = {**dict(request), "width": request.size.width, "height": request.size.height, "seed": str(request.seed)}
    return {name: shown[name] for name in names}


# Infotext label -> field.
LABELS = {
    "Prompt": "prompt",
    "Negative prompt": "negative_prompt",
    "Sampler": "sampler",
    "Schedule type": "schedule",
    "Steps": "steps",
    "CFG scale": "guidance",
    "Seed": "seed",
    "Size-1": "width",
    "Size-2": "height",
    "Batch size": "batch_size",
    "Batch count": "batch_count",
}
NUMBERS = {"steps": int, "guidance": float, "batch_size": int, "batch_count": int, "width": int, "height": int}


def values_from_infotext(labels: Mapping[str, str]) -> dict[str, Any]:
    """The fields that an infotext, read into label -> value, says something about. Values that are no numbers are left out."""
    texts = {name: labels[label] for label, name in LABELS.items() if label in labels}
    numbers = {name: number for name in NUMBERS if (number := number_of(texts.pop(name, ""))) is not None}
    return {**texts, **{name: NUMBERS[name](number) for name, number in numbers.items()}}


def number_of(text: str) -> float | None:
    """None for what is no number."""
    try:
        return float(text)
    except ValueError:
        return None
