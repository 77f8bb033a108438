"""The settings file: read, checked, changed as a whole, written so that a crash leaves the old or the new one."""

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.settings.groups import Settings

log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """One setting: its page, its field, the name that the API knows it by, and its declaration."""

    page: str
    name: str
    key: str
    field: FieldInfo


def entries() -> Iterator[Entry]:
    """Every setting of the program, in the order of the pages."""
    for page, page_field in Settings.model_fields.items():
        for name, field in page_field.annotation.model_fields.items():  # type: ignore[union-attr]
            extra = field.json_schema_extra
            key = extra.get("key") if isinstance(extra, dict) else None
            yield Entry(page, name, str(key or name), field)


ENTRIES = {entry.key: entry for entry in entries()}


def flat(settings: Settings) -> dict[str, Any]:
    """All settings by their API keys, as JSON has them."""
    values = {key: getattr(getattr(settings, entry.page), entry.name) for key, entry in ENTRIES.items()}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def changed(settings: Settings, values: dict[str, Any]) -> Settings:
    """The settings with some values, given by API key, replaced.

    Raises NotFound for an unknown key, BadRequest with a sentence for each wrong value.
    """
    pages: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        if key not in ENTRIES:
            raise NotFound.among("setting", key, ENTRIES)
        entry = ENTRIES[key]
        pages.setdefault(entry.page, {})[entry.name] = value
    updated: dict[str, Any] = {}
    wrong: list[str] = []
    for page, new in pages.items():
        old = getattr(settings, page)
        try:
            updated[page] = type(old).model_validate({**old.model_dump(), **new})
        except ValidationError as error:
            wrong += [sentence(type(old).model_fields[str(problem["loc"][0])], problem) for problem in error.errors()]
    if wrong:
        raise BadRequest(" ".join(wrong))
    return settings.model_copy(update=updated)


def sentence(field: FieldInfo, problem: Any) -> str:
    """One of pydantic's problems with a setting, in words."""
    start = f"The setting '{field.title}' is {shown(problem['input'])}"
    bounds = {name: getattr(rule, name) for rule in field.metadata for name in ("ge", "le") if hasattr(rule, name)}
    match problem["type"]:
        case "greater_than_equal" | "less_than_equal" if len(bounds) == 2:
            return f"{start}; it must be between {bounds['ge']:g} and {bounds['le']:g}."
        case "greater_than_equal" | "less_than_equal":
            return f"{start}; it must be at {'least' if 'ge' in bounds else 'most'} {next(iter(bounds.values())):g}."
        case "literal_error":
            return f"{start}; it must be {problem['ctx']['expected']}."
        case "string_pattern_mismatch":
            return f"{start}; a colour is written as #rrggbb."
        case "int_parsing" | "int_type" | "int_from_float":
            return f"{start}; it must be a whole number."
        case "float_parsing" | "float_type":
            return f"{start}; it must be a number."
        case "bool_parsing" | "bool_type":
            return f"{start}; it must be true or false."
        case "string_type":
            return f"{start}; it must be a text."
        case "tuple_type":
            return f"{start}; it must be a list."
        case _:
            return f"{start}. {problem['msg']}."


def shown(value: Any) -> str:
    """A value as a sentence may quote it."""
    text = repr(value).encode("utf8", "replace").decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_local(key: str) -> bool:
    """Whether a setting says where files go: those are not changed over the API, which others may reach."""
    extra = ENTRIES[key].field.json_schema_extra if key in ENTRIES else None
    return isinstance(extra, dict) and bool(extra.get("local"))


class SettingsStore:
    """The settings of this installation. `snapshot` is what a job keeps; `update` is the only way to change them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.unknown: dict[str, Any] = {}
        self.problem: str | None = None
        self.current = self.load()

    def load(self) -> Settings:
        """The file's settings. A file that cannot be read is put aside, a wrong value falls back to its default; `problem` says so."""
        if not self.path.exists():
            return Settings()
        try:
            raw = json.loads(self.path.read_text("utf8"))
            if not isinstance(raw, dict):
                raise ValueError("it does not hold an object")  # noqa: TRY004 - the file is wrong, not a type
        except (OSError, ValueError) as error:
            aside = self.path.with_suffix(".unreadable.json")
            self.problem = f"{self.path.name} could not be read ({error}); it was kept as {aside.name}, and the defaults are used."
            log.warning(self.problem)
            self.path.replace(aside)
            return Settings()
        settings = Settings()
        for page, values in raw.items():
            for name, value in values.items() if isinstance(values, dict) else []:
                entry = next((e for e in ENTRIES.values() if (e.page, e.name) == (page, name)), None)
                if entry is None:
                    self.unknown.setdefault(page, {})[name] = value
                    continue
                try:
                    settings = changed(settings, {entry.key: value})
                except BadRequest as error:
                    self.problem = f"{error.message} Its default is used."
                    log.warning(self.problem)
        return settings

    def snapshot(self, overrides: dict[str, Any] | None = None) -> Settings:
        """The settings as they are now, with a request's own on top. Raises as `changed` does."""
        return changed(self.current, overrides) if overrides else self.current

    def update(self, values: dict[str, Any]) -> Settings:
        """Change settings by API key and write the file. All or none. Raises as `changed` does."""
        with self.lock:
            new = changed(self.current, values)
            if new != self.current:
                pages = new.model_dump()
                for page, kept in self.unknown.items():  # settings of another version: going back to it loses nothing
                    pages[page] = {**kept, **pages.get(page, {})}
                write_whole(self.path, json.dumps(pages, indent=4, ensure_ascii=False).encode())
                self.current = new
        return new
