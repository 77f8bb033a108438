"""Settings out of a file: our own export, or A1111's config.json, which both hold values by A1111's keys."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modules.contract.errors import BadRequest, NotFound
from modules.settings.groups import Settings
from modules.settings.store import Entry, changed, entries_of, flat

LONGEST = 10_000  # characters of a text, entries of a list
HASH = re.compile(r"\s*\[[0-9a-f]+\]$")
NO_NAMES: Mapping[str, Sequence[str]] = {}


@dataclass
class Imported:
    """What a file's values come to. `taken` holds those that would change something, by key; `wrong` a sentence by key.

    `same` counts those that are set so already; `without_effect` are keys of A1111's that mean nothing here, `unknown` all others.
    """

    taken: dict[str, Any] = field(default_factory=dict[str, Any])
    wrong: dict[str, str] = field(default_factory=dict[str, str])
    same: int = 0
    without_effect: list[str] = field(default_factory=list[str])
    unknown: list[str] = field(default_factory=list[str])


def imported(
    values: Mapping[str, Any],
    settings: Settings,
    *,
    others: Collection[str] = (),
    names: Mapping[str, Sequence[str]] = NO_NAMES,
) -> Imported:
    """What a file's values come to over the present settings; nothing is changed.

    `others` are the keys that A1111 has beside ours. `names` are the models that are there, by kind; of a kind that is missing in it,
    any name is taken.
    """
    now, known, found = flat(settings), entries_of(settings), Imported()
    for key, raw in renamed(values).items():
        if key not in known:
            (found.without_effect if key in others else found.unknown).append(key)
            continue
        value = now[key] if raw is None else raw  # A1111 writes null where nothing was chosen
        problem = plain_problem(value)
        try:
            if problem:
                raise BadRequest(f"The setting '{known[key].field.title}' {problem}")
            new = flat(changed(settings, {key: present(known[key], value, now[key], names)}))[key]
        except (BadRequest, NotFound) as error:
            found.wrong[key] = error.message
            continue
        if new == now[key]:
            found.same += 1
        else:
            found.taken[key] = new
    return found


def renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values under the names that A1111 gives them today."""
    found = dict(values)
    if "sd_vae_as_default" in found:
        found.setdefault("sd_vae_overrides_per_model_preferences", not found.pop("sd_vae_as_default"))
    for old, new in (("quicksettings", "quicksettings_list"), ("ui_reorder", "ui_reorder_list")):
        if isinstance(found.get(old), str):
            found.setdefault(new, [part.strip() for part in found.pop(old).split(",") if part.strip()])
    if found.get("gradio_theme") == "Default":  # its own name for the look that follows the browser
        found["gradio_theme"] = "browser"
    return found


def present(entry: Entry, value: Any, now: Any, names: Mapping[str, Sequence[str]]) -> Any:
    """The value, a model's name as the lists have it: with or without its hash, in any case. Raises NotFound for one that is not there."""
    extra = entry.field.json_schema_extra
    kind = extra.get("kind") if isinstance(extra, dict) else None
    if not isinstance(value, str) or not isinstance(kind, str) or kind not in names or value in ("", now):
        return value
    known = {HASH.sub("", name).casefold(): name for name in names[kind]}
    found = known.get(HASH.sub("", value).casefold())
    if found is None:
        raise NotFound(f"The setting '{entry.field.title}' is {value[:80]!r}, which is not here.")
    return found


def plain_problem(value: Any) -> str:
    """Why a value cannot be kept whatever its setting is, as the end of a sentence; empty if it can."""
    texts = value if isinstance(value, list) else [value]
    if len(texts) > LONGEST or any(isinstance(text, str) and len(text) > LONGEST for text in texts):
        return f"is too long; {LONGEST} is the most."
    if any(isinstance(text, str) and text.encode("utf8", "ignore").decode() != text for text in texts):
        return "holds half characters."
    if any(isinstance(number, float) and not math.isfinite(number) for number in texts):
        return "is no finite number."
    return ""
