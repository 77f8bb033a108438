"""The settings file: read, checked, changed as a whole, written so that a crash leaves the old or the new one."""

import json
import logging
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from modules.contract.declare import Options
from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole
from modules.settings.groups import Settings

log = logging.getLogger(__name__)
EXTENSIONS = "extensions"


class Page(NamedTuple):
    """What an extension lets a person set once."""

    title: str
    kind: type[Options]


class Entry(NamedTuple):
    """One setting: its page, its field, the name that the API knows it by, and its declaration.

    The page of an extension is `extensions.<name>`.
    """

    page: str
    name: str
    key: str
    field: FieldInfo


def entries() -> Iterator[Entry]:
    """Every setting of the program, in the order of the pages."""
    for page, page_field in Settings.model_fields.items():
        if page != EXTENSIONS:
            yield from entries_on(page, page_field.annotation)  # type: ignore[arg-type]


def entries_on(page: str, kind: type[Options]) -> Iterator[Entry]:
    """The settings of a page. The keys of an extension's begin with its name, unless it says otherwise."""
    _, _, extension = page.partition(".")
    for name, field in kind.model_fields.items():
        extra = field.json_schema_extra
        key = extra.get("key") if isinstance(extra, dict) else None
        yield Entry(page, name, str(key or (f"{extension}_{name}" if extension else name)), field)


ENTRIES = {entry.key: entry for entry in entries()}


def entries_of(settings: Settings) -> Mapping[str, Entry]:
    """Every setting that there is at the moment, by its key: the program's, and those of the extensions in use."""
    further = [entry for name, options in settings.extensions.items() for entry in entries_on(f"{EXTENSIONS}.{name}", type(options))]
    return {**ENTRIES, **{entry.key: entry for entry in further}} if further else ENTRIES


def page_of(settings: Settings, page: str) -> Options:
    """A page's values."""
    first, _, extension = page.partition(".")
    return settings.extensions[extension] if extension else getattr(settings, first)


def flat(settings: Settings) -> dict[str, Any]:
    """All settings by their API keys, as JSON has them."""
    values = {key: getattr(page_of(settings, entry.page), entry.name) for key, entry in entries_of(settings).items()}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}


def defaults_of(settings: Settings) -> Settings:
    """Settings of the same pages, nothing in them changed."""
    return Settings(extensions={name: type(options)() for name, options in settings.extensions.items()})


def changed(settings: Settings, values: dict[str, Any]) -> Settings:
    """The settings with some values, given by API key, replaced.

    Raises NotFound for an unknown key, BadRequest with a sentence for each wrong value.
    """
    known = entries_of(settings)
    pages: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        if key not in known:
            raise NotFound.among("setting", key, known)
        pages.setdefault(known[key].page, {})[known[key].name] = value
    updated: dict[str, Any] = {}
    extensions = dict(settings.extensions)
    wrong: list[str] = []
    for page, new in pages.items():
        old = page_of(settings, page)
        first, _, extension = page.partition(".")
        (extensions if extension else updated)[extension or first] = with_values(old, new, wrong)
    if wrong:
        raise BadRequest(" ".join(wrong))
    return settings.model_copy(update={**updated, EXTENSIONS: extensions})


def with_values(page: Options, values: Mapping[str, Any], wrong: list[str]) -> Options:
    """A page with some values replaced; as it was, with a sentence for each value that cannot be added to `wrong`."""
    kind = type(page)
    try:
        return kind.model_validate({**page.model_dump(), **values})
    except ValidationError as error:
        fields = kind.model_fields
        wrong += [
            sentence(fields[str(problem["loc"][0])], problem) if problem["loc"] else plain(problem["msg"]) for problem in error.errors()
        ]
        return page


def plain(message: str) -> str:
    """What a validator of an extension's own said of several values at once, as a sentence."""
    return f"{message.removeprefix('Value error, ').rstrip('.')}."


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


def is_local(key: str, known: Mapping[str, Entry] = ENTRIES) -> bool:
    """Whether a setting says where files go: those are not changed over the API, which others may reach."""
    extra = known[key].field.json_schema_extra if key in known else None
    return isinstance(extra, dict) and bool(extra.get("local"))


def refuse_local(values: Mapping[str, Any]) -> None:
    """Raise BadRequest for settings that only somebody at this machine may change, in a request from wherever."""
    closed = [ENTRIES[key].field.title or key for key in values if is_local(key)]
    if closed:
        raise BadRequest(f"'{closed[0]}' cannot be set for a single request.", "It is set in the Settings tab, at this machine.")


class SettingsStore:
    """The settings of this installation. `snapshot` is what a job keeps; `update` is the only way to change them.

    `pages` are those of the extensions in use, by name. What was set on a page stays in the file while its extension is away.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.unknown: dict[str, Any] = {}
        self.pages: Mapping[str, Page] = {}
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
            if page == EXTENSIONS:
                self.unknown[page] = values if isinstance(values, dict) else {}
                continue
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
                pages = new.model_dump(mode="json")
                for page, kept in self.unknown.items():  # settings of another version: going back to it loses nothing
                    pages[page] = {**kept, **pages.get(page, {})}
                self.unknown[EXTENSIONS] = pages[EXTENSIONS]
                write_whole(self.path, json.dumps(pages, indent=4, ensure_ascii=False).encode())
                self.current = new
        return new

    def extend(self, pages: Mapping[str, Page]) -> None:
        """Have the pages of these extensions, by name, and of no others. A kept value that cannot be any more falls back to its default."""
        with self.lock:
            kept = {**self.unknown.get(EXTENSIONS, {}), **self.current.model_dump(mode="json")[EXTENSIONS]}
            found: dict[str, Options] = {}
            for name, (title, kind) in pages.items():
                values = kept.get(name, {})
                options, wrong = kind(), list[str]()
                for field, value in values.items() if isinstance(values, dict) else []:
                    if field in kind.model_fields:
                        options = with_values(options, {field: value}, wrong)
                for text in wrong:
                    log.warning("%s: %s Its default is used.", title, text)
                found[name] = options
            self.unknown[EXTENSIONS] = kept
            self.pages = dict(pages)
            self.current = self.current.model_copy(update={EXTENSIONS: found})
