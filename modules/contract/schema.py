"""A declared group of options as values that JSON can hold, for whatever draws its controls."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from modules.contract.declare import Options

CONTROLS = ("slider", "number", "toggle", "text", "lines", "choice", "choices", "names", "color", "model", "image", "units", "hidden")
NO_CHOICES: Mapping[str, Sequence[str]] = {}


def schema(kind: type[Options], *, choices: Mapping[str, Sequence[str]] = NO_CHOICES, tab: str = "") -> list[dict[str, Any]]:
    """The fields of `kind` in order, each as {name, key, label, help, control, value, local} and what its control needs.

    `value` is the default. Numbers add `least`, `most` (None without a bound), `step` and `whole`; "choice", "choices" and "names" add
    `choices`, which `choices` gives by field name where the type does not list them; "model" adds `kind`. A declaration's
    `depends` is handed on: {"on": a field's name, "choices": {its value: a list, or the kind of a list}}.
    `tab` is told to a declaration whose choices are a function of the tab. A field without a declaration is "hidden".
    Raises ValueError for a control that does not exist.
    """
    return [described(name, field, choices.get(name), tab) for name, field in kind.model_fields.items()]


def described(name: str, field: FieldInfo, choices: Sequence[str] | None = None, tab: str = "") -> dict[str, Any]:
    """One field of `schema`."""
    extra = declaration(field)
    control = str(extra.get("control") or "hidden")
    if control not in CONTROLS:
        raise ValueError(f"The option '{name}' wants a control of the kind '{control}'; there are {', '.join(CONTROLS)}.")
    known: dict[str, Any] = {
        "name": name,
        "key": str(extra.get("key") or name),
        "label": field.title or name,
        "help": field.description or "",
        "control": control,
        "value": TypeAdapter(Any).dump_python(field.get_default(call_default_factory=True), mode="json"),
        "local": bool(extra.get("local")),
    }
    if control in ("slider", "number"):
        known |= numbers(field, extra)
    elif control in ("choice", "choices", "names"):
        known["choices"] = list(choices if choices is not None else own_choices(field, extra, tab))
    elif control == "model":
        known["kind"] = extra["kind"]
    elif control == "image":
        known["mask"] = extra["mask"]
    elif control == "units":
        known |= {"most": extra["most"], "shown": extra["shown"], "fields": schema(unit_of(field))}
    if "depends" in extra:
        known["depends"] = extra["depends"]
    return known


def unit_of(field: FieldInfo) -> type[Options]:
    """The kind of options that a field of units is made of. Raises ValueError for another type."""
    kind = next((one for one in get_args(field.annotation) if isinstance(one, type) and issubclass(one, Options)), None)
    if kind is None:
        raise ValueError(f"Units are a tuple of Options; '{field.title}' is {field.annotation}.")
    return kind


def declaration(field: FieldInfo) -> dict[str, Any]:
    """What `declare.declared` noted about a field."""
    extra = field.json_schema_extra
    return {**extra} if isinstance(extra, dict) else {}


def numbers(field: FieldInfo, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Bounds and step of a number; both bounds count as allowed."""
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    whole = field.annotation is int
    return {"least": bounds.get("ge"), "most": bounds.get("le"), "step": extra.get("step", 1 if whole else None), "whole": whole}


def own_choices(field: FieldInfo, extra: Mapping[str, Any], tab: str) -> Sequence[str]:
    """The choices that a field's declaration lists, or its type."""
    listed: Sequence[str] | Callable[[str], Sequence[str]] | None = extra.get("choices")
    if callable(listed):
        return listed(tab)
    return literals(field.annotation) if listed is None else listed


def literals(annotation: Any) -> list[str]:
    """All values of the Literals in a type: `Literal["a", "b"]`, `tuple[Literal["a"], ...]`, unions of these."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [value for part in get_args(annotation) for value in literals(part)]
