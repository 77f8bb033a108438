"""One declaration of a value for page, REST and files: a pydantic field that knows its label, help and control."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    """Base of every declared group of values: immutable, validated, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)


def declared(default: Any, label: str, *, control: str, help: str = "", key: str | None = None, **more: Any) -> Any:
    """A field with its control. `key` is A1111's name for it where that differs from the field's.

    `more` may hold `choices` where the type does not list them, and `depends`, which says when the field is shown: {"on": another
    field, "choices": {its value: what there is to choose then, or the kind of a list}}, and "unless": a toggle with which texts are
    shown and lists are not.
    """
    limits = {name: more.pop(name) for name in ("ge", "le", "pattern") if name in more}
    extra = {"control": control, "key": key, **more}
    return Field(default, title=label, description=help, json_schema_extra=extra, **limits)


def Slider(default: float, least: float, most: float, label: str, *, step: float = 1, help: str = "", key: str | None = None) -> Any:
    """A number with bounds."""
    return declared(default, label, control="slider", help=help, key=key, ge=least, le=most, step=step)


def Number(default: float, label: str, *, help: str = "", key: str | None = None) -> Any:
    """A number without bounds."""
    return declared(default, label, control="number", help=help, key=key)


def Toggle(default: bool, label: str, *, help: str = "", key: str | None = None, local: bool = False) -> Any:
    """On or off. `local`: it opens or closes a door, and cannot be changed over the API."""
    return declared(default, label, control="toggle", help=help, key=key, local=local)


def Text(default: str, label: str, *, help: str = "", key: str | None = None, local: bool = False, **more: Any) -> Any:
    """A line of text. `local`: it says where files go, and cannot be changed over the API. `more` as in `declared`."""
    return declared(default, label, control="text", help=help, key=key, local=local, **more)


def Lines(default: str, label: str, *, help: str = "", key: str | None = None, local: bool = False) -> Any:
    """A text of several lines."""
    return declared(default, label, control="lines", help=help, key=key, local=local)


def Choice(default: str, label: str, *, help: str = "", key: str | None = None, local: bool = False) -> Any:
    """One of the values of the field's Literal type. `local` as with a text."""
    return declared(default, label, control="choice", help=help, key=key, local=local)


def Color(default: str, label: str, *, help: str = "", key: str | None = None) -> Any:
    """A colour as `#rrggbb`."""
    return declared(default, label, control="color", help=help, key=key, pattern="^#[0-9a-fA-F]{6}$")


def ModelChoice(kind: str, label: str, *, default: str = "", help: str = "", key: str | None = None) -> Any:
    """One of the models of a kind, by title."""
    return declared(default, label, control="model", help=help, key=key, kind=kind)


def ImageField(label: str, *, mask: str = "", help: str = "") -> Any:
    """A picture (type `Picture | None`), given by upload, drop or paste. `mask` names another such field, for what is drawn over it."""
    return declared(None, label, control="image", help=help, mask=mask)


def Units(label: str, *, most: int = 10, shown: int = 1, help: str = "") -> Any:
    """Some groups of options (type `tuple[UnitOptions, ...]`), each a tab of the panel; `shown` at first, `most` at all."""
    return declared((), label, control="units", help=help, most=most, shown=shown)
