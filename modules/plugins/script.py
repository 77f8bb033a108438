"""How A1111's clients address an extension: by title, with values by position."""

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from modules.contract.declare import Options
from modules.contract.errors import BadRequest, ExtensionFailed, NotFound, WebuiError

Names = Mapping[str, Sequence[str]]  # lists known only while the program runs, by kind: "upscaler", "checkpoint", ...
BOUNDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "pattern": "of the form"}


@dataclass(frozen=True)
class Argument:
    """One of A1111's positional values. Without an `option` it is a text on the page, and what is given for it is ignored.

    Choices come from the option's type, from the lists of a kind (`names`), or from a function of the tab's name.
    """

    option: str = ""
    note: str = ""
    label: str = ""
    names: str = ""
    choices: Callable[[str], Sequence[str]] | None = None


@dataclass(frozen=True)
class Script:
    """An extension as a script of A1111. One that is `always_on` has a switch before its arguments.

    `parse` reads what clients send where that is more than values by position, such as units as JSON objects: it gets the whole
    list, a switch and all, and the tab, and answers with named options, or with None if they switch it off. Then `arguments` only
    describe.
    """

    title: str
    arguments: tuple[Argument, ...]
    tabs: tuple[str, ...] = ("txt2img", "img2img")
    always_on: bool = False
    parse: Callable[[Sequence[Any], str], Mapping[str, Any] | None] | None = None


def checked(kind: type[Options], values: Mapping[str, Any], title: str) -> Options:
    """An extension's options from named values. Raises BadRequest and NotFound with the option's label."""
    unknown = [name for name in values if name not in kind.model_fields]
    if unknown:
        raise NotFound.among(f"option of {title}", unknown[0], kind.model_fields)
    try:
        return kind(**values)
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(kind, problem, title) for problem in error.errors())) from None


def sentence(kind: type[Options], problem: Any, title: str) -> str:
    """One of pydantic's problems in words."""
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    if not problem["loc"]:
        return f"{title}: {problem['msg']}."
    field = kind.model_fields[str(problem["loc"][0])]
    shown, context = repr(problem["input"]), problem.get("ctx", {})
    start = f"{title}: {field.title} is {shown if len(shown) <= 60 else shown[:57] + '...'};"
    for key, words in BOUNDS.items():
        if key in context:
            return f"{start} it must be {words} {context[key]}."
    if "expected" in context:
        return f"{start} it must be {context['expected']}."
    return f"{start} {problem['msg'][0].lower()}{problem['msg'][1:]}."


def options_from(script: Script, kind: type[Options], args: Sequence[object], *, tab: str, names: Names) -> Options | None:
    """The options for a positional list; None for an always-on script that is switched off.

    What is missing at the end keeps its default, and what is too much is ignored, as in A1111. A choice may be given by
    its name or by its number from 0. Raises BadRequest and NotFound.
    """
    if script.parse:
        parsed = parsed_by(script.parse, args, tab, script.title)
        return None if parsed is None else checked(kind, parsed, script.title)
    if script.always_on:
        if not args or not args[0]:
            return None
        args = args[1:]
    values: dict[str, Any] = {}
    for argument, value in zip(script.arguments, args, strict=False):
        if argument.option and value is not None:
            label = argument.label or str(kind.model_fields[argument.option].title)
            values[argument.option] = chosen(value, choices_of(argument, kind, tab, names) or (), f"{script.title}: {label}")
    return checked(kind, values, script.title)


def parsed_by(
    parse: Callable[[Sequence[Any], str], Mapping[str, Any] | None], args: Sequence[object], tab: str, title: str
) -> Mapping[str, Any] | None:
    """What a script's own function makes of a list. Raises BadRequest for what it cannot read, and ExtensionFailed if it is to blame."""
    try:
        found: Any = parse(args, tab)
    except WebuiError:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise BadRequest(f"The arguments of {title} cannot be read: {type(error).__name__}: {error}.") from error
    except (Exception, SystemExit) as error:
        raise ExtensionFailed(f"{title} failed while it read its arguments: {type(error).__name__}: {error}") from error
    if found is not None and not isinstance(found, Mapping):
        what = type(found).__name__
        raise ExtensionFailed(f"{title} failed while it read its arguments: it answered with {what}, not with named options.")
    return cast("Mapping[str, Any] | None", found)


def chosen(value: Any, choices: Sequence[str], label: str) -> Any:
    """A value, or the choice that it numbers or spells in another case. Raises BadRequest."""
    if isinstance(value, list | tuple):
        return tuple(chosen(one, choices, label) for one in value)  # pyright: ignore[reportUnknownVariableType]
    if choices and isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(choices):
            raise BadRequest(f"{label} is number {value}; there are the numbers 0 to {len(choices) - 1}.")
        return choices[value]
    if isinstance(value, str):
        return next((choice for choice in choices if choice.lower() == value.lower()), value)
    return value


def described(script: Script, kind: type[Options], *, tab: str, names: Names) -> list[dict[str, Any]]:
    """A script's arguments as A1111's /sdapi/v1/script-info lists them."""
    switch = [row(script.title, False)] if script.always_on else []
    return switch + [described_argument(argument, kind, tab, names) for argument in script.arguments]


def described_argument(argument: Argument, kind: type[Options], tab: str, names: Names) -> dict[str, Any]:
    """One of them."""
    if not argument.option:
        return row(argument.label, argument.note)
    field = kind.model_fields[argument.option]
    extra: Any = field.json_schema_extra or {}
    limits = {name: getattr(limit, name) for limit in field.metadata for name in ("ge", "le") if hasattr(limit, name)}
    default: Any = field.default
    choices = choices_of(argument, kind, tab, names)
    return row(
        argument.label or str(field.title),
        (list(default) or None) if isinstance(default, tuple) else default,  # pyright: ignore[reportUnknownArgumentType]
        minimum=limits.get("ge"),
        maximum=limits.get("le"),
        step=extra.get("step"),
        choices=None if choices is None else list(choices),
    )


def row(
    label: str,
    value: Any,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    choices: list[str] | None = None,
) -> dict[str, Any]:
    """A1111's description of a control."""
    return {"label": label, "value": value, "minimum": minimum, "maximum": maximum, "step": step, "choices": choices}


def choices_of(argument: Argument, kind: type[Options], tab: str, names: Names) -> Sequence[str] | None:
    """What an argument may be; None where it is not one of a list."""
    if argument.choices:
        return argument.choices(tab)
    if argument.names:
        return names.get(argument.names, ())
    return literals(kind.model_fields[argument.option]) or None


def literals(field: FieldInfo) -> Sequence[str]:
    """The values of a field's Literal type, or of the Literal that it is a list of."""
    pending, found = [field.annotation], list[str]()
    while pending:
        kind = pending.pop()
        if get_origin(kind) is Literal:
            found += [str(value) for value in get_args(kind)]
        elif get_origin(kind) in (tuple, list, Union, types.UnionType):
            pending += get_args(kind)
    return found
