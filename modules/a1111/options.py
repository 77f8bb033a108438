"""All of A1111's settings by their keys: ours act; those that belong to A1111 alone are kept, so that clients find what they wrote.

`options.json` beside this file has A1111's defaults. Under `refused` stand those that say where files go or what is fetched: whoever
reaches the API must not change them, so they are changed in `a1111-options.json` of the data folder.
"""

import json
import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.files import write_whole
from modules.contract.services import Models
from modules.settings.groups import Settings
from modules.settings.store import ENTRIES, SettingsStore, entries_of, flat, is_local

log = logging.getLogger(__name__)

CHECKPOINT, HASH = "sd_model_checkpoint", "sd_checkpoint_hash"
FILE = "a1111-options.json"
LONGEST = 10_000  # characters of a text, entries of a list


@dataclass(frozen=True)
class Overrides:
    """A request's `override_settings`: what acts on a job, and the checkpoint, which is a field of our request."""

    settings: dict[str, Any]
    checkpoint: str | None


class ApiOptions:
    """What `/sdapi/v1/options` and `override_settings` read and change. May be called from any thread."""

    def __init__(self, store: SettingsStore, models: Models) -> None:
        self.store = store
        self.models = models
        self.path = store.path.with_name(FILE)
        self.lock = threading.Lock()
        table: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("options.json").read_text("utf8"))
        self.refused = {*table["refused"], *(key for key in ENTRIES if is_local(key))}
        self.defaults = {key: value for part in table.values() for key, value in part.items() if key not in ENTRIES}
        self.kept = self.load()

    def load(self) -> dict[str, Any]:
        """The kept values that differ from their defaults. What cannot be read counts as not there; the log says so."""
        try:
            raw = json.loads(self.path.read_text("utf8"))
            return {key: fitting(key, value, self.defaults[key]) for key, value in raw.items() if key in self.defaults}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, BadRequest) as error:
            log.warning("%s could not be read (%s); the defaults are used.", self.path.name, error)
            return {}

    def all(self) -> dict[str, Any]:
        """Every setting by its key."""
        chosen = self.models.chosen()
        values = self.current()
        return values | {CHECKPOINT: chosen.title if chosen else values[CHECKPOINT], HASH: chosen.sha256 if chosen else None}

    def current(self) -> dict[str, Any]:
        """Every setting by its key, the checkpoint as it was chosen, whether it is there or not."""
        return {**self.defaults, **self.kept, **flat(self.store.current)}

    def value(self, key: str) -> Any:
        """One setting. Raises NotFound."""
        values = self.current()
        if key not in values:
            raise NotFound.among("setting", key, values)
        return values[key]

    def overrides(self, values: Mapping[str, Any] | None) -> Overrides:
        """A request's own settings, checked. Raises NotFound for an unknown key, NotSupported for a refused one, BadRequest."""
        own, _ = self.checked(values or {})
        checkpoint = own.pop(CHECKPOINT, None)
        self.store.snapshot(own)
        return Overrides(own, str(checkpoint) if checkpoint else None)

    def snapshot(self, overrides: Mapping[str, Any]) -> Settings:
        """The settings with a request's own on top."""
        return self.store.snapshot(dict(overrides))

    def change(self, values: Mapping[str, Any]) -> None:
        """Change settings, all or none. A checkpoint among them is loaded first: a bad one changes nothing. Raises as `overrides`."""
        own, kept = self.checked(values)
        checkpoint = own.pop(CHECKPOINT, None)
        self.store.snapshot(own)
        if checkpoint and checkpoint != self.all()[CHECKPOINT]:
            self.models.choose(str(checkpoint))
        with self.lock:
            before = self.kept
            self.keep({**before, **kept})
            try:
                self.store.update(own)
            except BaseException:
                self.keep(before)
                raise

    def keep(self, values: dict[str, Any]) -> None:
        different = {key: value for key, value in values.items() if value != self.defaults[key]}
        if different != self.kept:
            write_whole(self.path, json.dumps(different, indent=1, ensure_ascii=False).encode())
            self.kept = different

    def checked(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The values that act and those that are only kept. A refused one passes as it is: clients send back all that they got."""
        now, known = self.current(), entries_of(self.store.current)
        own: dict[str, Any] = {}
        kept: dict[str, Any] = {}
        for key, value in values.items():
            refused = key in self.refused or is_local(key, known)
            if key == HASH or (refused and value == now[key]):
                continue
            if key not in now:
                raise NotFound.among("setting", printable(key), now)
            if refused:
                raise NotSupported(f"The setting '{key}' cannot be changed over the API.", "Change it on the machine itself.")
            target = own if key in known else kept
            target[key] = fitting(key, value, now[key])
        return own, kept


def fitting(key: str, value: Any, default: Any) -> Any:
    """A value of the same kind as the default; whole and other numbers stand for each other. Raises BadRequest."""
    if isinstance(default, bool):
        wanted, fits = "true or false", isinstance(value, bool)
    elif isinstance(default, int | float):
        wanted, fits = "a number", isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    elif isinstance(default, list):
        wanted, fits = "a list of texts", isinstance(value, list) and len(value) <= LONGEST and all(map(is_text, value))
    else:
        wanted, fits = "a text", is_text(value) or (key == CHECKPOINT and value is None)
    if not fits:
        shown = printable(repr(value))
        raise BadRequest(f"The setting '{key}' is {shown}; it must be {wanted}.")
    if isinstance(default, int) and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def is_text(value: Any) -> bool:
    """Whether it is a text that can be written."""
    return isinstance(value, str) and len(value) <= LONGEST and printable(value, len(value)) == value


def printable(text: str, length: int = 80) -> str:
    """A text as an error may show it: not too long, and without half characters."""
    return text[:length].encode("utf8", "replace").decode()
