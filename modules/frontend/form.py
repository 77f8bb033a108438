"""Named controls and what a person put into them; no positions anywhere but in here."""

from collections.abc import Mapping, Sequence
from typing import Any

from modules.contract.declare import Options
from modules.frontend.controls import control
from modules.frontend.fields import element_id
from modules.frontend.toolkit import Component


class Form:
    """The controls of one tab by name. Handlers take and give values by name; Gradio's own order stays in here.

    `kind` declares the fields, `start` has the values that they begin with.
    """

    def __init__(self, tab: str, kind: type[Options], start: Mapping[str, Any]) -> None:
        self.tab = tab
        self.kind = kind
        self.start = start
        self.controls: dict[str, Component] = {}

    def add(self, name: str, **look: Any) -> Component:
        """The control of a field. `look` is what the page alone decides; see `controls.control`."""
        field = self.kind.model_fields[name]
        declared = field.json_schema_extra
        assert isinstance(declared, dict)
        value = self.start.get(name, field.default)
        self.controls[name] = made = control(field, element_id(self.tab, str(declared["key"])), value=value, **look)
        return made

    def __getitem__(self, name: str) -> Component:
        return self.controls[name]

    @property
    def names(self) -> list[str]:
        """The fields, in the order of their controls."""
        return list(self.controls)

    def components(self) -> list[Component]:
        return list(self.controls.values())

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """What a handler was given for `components()`, by name."""
        return dict(zip(self.names, values, strict=True))

    def updates(self, values: Mapping[str, Any]) -> dict[Component, Any]:
        """What a handler gives back to change the controls of these names and no others."""
        return {self.controls[name]: value for name, value in values.items() if name in self.controls}

    def memory(self) -> list[dict[str, Any]]:
        """What the browser needs to keep the fields over a reload: names, what they begin with, the choices of those that have any."""
        return [
            {
                "name": name,
                "start": self.start.get(name, self.kind.model_fields[name].default),
                "choices": [value for _, value in getattr(made, "choices", None) or []],
            }
            for name, made in self.controls.items()
        ]
