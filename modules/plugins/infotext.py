"""An extension's options as pairs of an infotext, and back."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from modules.contract.declare import Options
from modules.infotext.read import pairs, unquoted
from modules.infotext.write import quoted

if TYPE_CHECKING:
    from modules.plugins.extension import Extension
    from modules.plugins.loader import Loaded

log = logging.getLogger(__name__)
NOT_IN_LABELS = re.compile(r"[^\w \-/]+")  # what `infotext.read` takes for the end of a label


def label_of(title: str) -> str:
    """A title as an infotext can have it before a colon."""
    return " ".join(NOT_IN_LABELS.sub(" ", title).split())


def labels(kind: type[Options]) -> dict[str, str]:
    """The names of the options that an infotext can hold, by label. Pictures it cannot."""
    fields = {name: field for name, field in kind.model_fields.items() if control_of(field.json_schema_extra) != "image"}
    return {label_of(field.title or name): name for name, field in fields.items()}


def control_of(extra: object) -> str:
    """The control that a field was declared with."""
    return str(cast("dict[str, Any]", extra).get("control")) if isinstance(extra, dict) else ""


def changed(options: Options) -> dict[str, Any]:
    """The options that differ from their defaults, as JSON has them, without pictures."""
    kind = type(options)
    defaults, values = kind(), options.model_dump(mode="json")
    found = {name: values[name] for name in labels(kind).values() if getattr(options, name) != getattr(defaults, name)}
    for name in found:
        value = getattr(options, name)
        if isinstance(value, tuple) and value and all(isinstance(one, Options) for one in cast("tuple[object, ...]", value)):
            found[name] = [changed(one) for one in cast("tuple[Options, ...]", value)]
    return found


def notes_of(options: Options, title: str) -> dict[str, object]:
    """One pair `Title: "Label: value, ..."` of what was changed; `Title: True` where that is nothing."""
    values = changed(options)
    parts = [f"{label}: {quoted(text_of(values[name]))}" for label, name in labels(type(options)).items() if name in values]
    return {label_of(title): ", ".join(parts) or True}


def text_of(value: Any) -> str:
    """An option's value in words: lists and groups as JSON."""
    return str(value) if isinstance(value, str | int | float) else json.dumps(value, ensure_ascii=False)


def options_in(kind: type[Options], notes: Mapping[str, str], title: str) -> dict[str, Any] | None:
    """What `notes_of` wrote; None if there is no such pair."""
    text = notes.get(label_of(title))
    if text is None:
        return None
    named = labels(kind)
    found: dict[str, Any] = {}
    for label, raw in pairs(text):
        if label in named and (value := possible(kind, named[label], unquoted(raw))) is not None:
            found[named[label]] = value
    return found


def possible(kind: type[Options], name: str, text: str) -> Any:
    """A text as the value of an option, which it may be as it stands or as JSON; None if it cannot be either."""
    for read in (str, json.loads):
        try:
            return kind(**{name: read(text)}).model_dump(mode="json")[name]
        except (ValidationError, ValueError, RecursionError):
            continue
    return None


def read_extensions(rows: "Sequence[Loaded]", notes: Mapping[str, str], tab: str = "") -> tuple[dict[str, dict[str, Any]], set[str]]:
    """The options of the extensions that an infotext's pairs tell of, by name, as checked JSON values; and the labels that they took.

    `tab` leaves out the scripts of other tabs. Raises nothing: an extension that fails here reads nothing.
    """
    found: dict[str, dict[str, Any]] = {}
    used = set[str]()
    for row in rows:
        kind = row.extension
        if kind is None or (tab and kind.script and tab not in kind.script.tabs):
            continue
        try:
            read = read_one(kind, notes, row.title)
        except (Exception, SystemExit):  # its own options_from, or its own validators
            log.exception("%s failed while an infotext was read.", row.title)
            continue
        if read is not None:
            found[row.name], labels_used = read
            used |= labels_used
    return found, used & notes.keys()


def read_one(kind: "type[Extension]", notes: Mapping[str, str], title: str) -> tuple[dict[str, Any], set[str]] | None:
    """An extension's options and the labels that they stood under. Raises whatever it raises."""
    values = kind.options_from(notes, title)
    if values is None:
        return None
    options = kind.Options(**{name: value for name, value in values.items() if name in kind.Options.model_fields})
    plain = options.model_dump(mode="json")
    return {name: plain[name] for name in values if name in plain}, {label_of(title), *map(str, kind.notes(options, title))}
