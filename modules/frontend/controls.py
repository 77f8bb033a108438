"""A declared field (`contract.declare`) as a Gradio component."""

from typing import Any

from pydantic.fields import FieldInfo

from modules.frontend.toolkit import Component, gr


def control(field: FieldInfo, elem_id: str, *, value: Any = None, choices: list[str] | None = None, **look: Any) -> Component:
    """The component for a field. `value` stands in for the field's own default; `choices` are needed where its type does not list them.

    `look` is what the page alone decides: Gradio's own arguments for size, placeholder and visibility.
    """
    declared = field.json_schema_extra
    assert isinstance(declared, dict)
    common = {"label": field.title, "elem_id": elem_id, "interactive": True, "value": field.default if value is None else value, **look}
    if field.description:
        common["info"] = field.description
    match declared["control"]:
        case "slider":
            least, most = limits(field)
            return gr.Slider(least, most, step=float(str(declared["step"])), buttons=[], **common)
        case "choice":
            return gr.Dropdown(choices, filterable=False, **common)
        case "text":
            return gr.Textbox(**{"buttons": [], **common})
        case other:
            raise ValueError(f"The page has no control of the kind '{other}'.")


def limits(field: FieldInfo) -> tuple[float, float]:
    """The least and the greatest value of a field that declares both."""
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    return bounds["ge"], bounds["le"]
