"""A declared field (`contract.declare`) as a Gradio component."""

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from modules.frontend.toolkit import Component, gr


def control(field: FieldInfo, elem_id: str, *, value: Any = None, choices: Sequence[str] | None = None, **look: Any) -> Component:
    """The component for a field. `value` stands in for the field's own default; `choices` are needed where its type does not list them.

    `look` is what the page alone decides: Gradio's own arguments for size, placeholder and visibility; `radio=True` shows a choice's
    values side by side.
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
        case "choice" if common.pop("radio", False):
            return gr.Radio(literals(field.annotation), **common)
        case "choice":
            return gr.Dropdown(list(choices or literals(field.annotation)), **{"filterable": False, **common})
        case "choices":
            return gr.CheckboxGroup(literals(field.annotation), **{**common, "value": list(common["value"])})
        case "names":
            return gr.Dropdown(list(choices or ()), multiselect=True, **{**common, "value": list(common["value"])})
        case "toggle":
            return gr.Checkbox(**common)
        case "text":
            return gr.Textbox(**{"buttons": [], **common})
        case other:
            raise ValueError(f"The page has no control of the kind '{other}'.")


def literals(annotation: Any) -> list[str]:
    """The values of a Literal, or of the Literal that a tuple is made of."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return next((found for inner in get_args(annotation) if (found := literals(inner))), [])


def limits(field: FieldInfo) -> tuple[float, float]:
    """The least and the greatest value of a field that declares both."""
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    return bounds["ge"], bounds["le"]
