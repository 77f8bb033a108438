"""What the page asks of tag completion: the list, the names of what can be put into a prompt, and how often things were used."""

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from extensions.tag_completion.general import general_tags
from extensions.tag_completion.lists import Source, TagBook, payload
from extensions.tag_completion.usage import Bounds, Usage
from modules.contract.errors import BadRequest, NotFound
from modules.plugins import Host
from modules.prompts.vocabulary import vocabulary
from modules.prompts.vocabulary.characters import initials, simplified

HAN = range(0x4E00, 0xA000)
BUNDLED = "The list that comes along"
WILDCARD_SUFFIXES = (".txt", ".yaml", ".yml", ".json")
LONGER = {"发": "头发", "眼": "眼睛", "裙": "裙子", "帽": "帽子", "裤": "裤子", "鞋": "鞋子", "袜": "袜子"}
LANGUAGES = ("zh", "ja", "ko", "de", "fr", "es", "ru")


class Desk:
    """Lists are read again when a file, or a setting that they depend on, has changed."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.lock = threading.Lock()
        self.stamp = ""
        self.packed = b""
        self.sources: list[Source] = []
        self.tags = 0

    @property
    def folder(self) -> Path:
        """Where a person's own lists belong; made when first asked for."""
        folder = self.host.data / "tags"
        folder.mkdir(exist_ok=True)
        return folder

    @property
    def usage(self) -> Usage:
        settings = self.host.settings
        return Usage(self.host.data / "frequency.json", Bounds(settings.used_least, settings.used_days, settings.used_most))

    def files(self) -> list[Path]:
        """The lists that are to be read, in the order of their names."""
        wanted = {name.strip() for name in self.host.settings.files.split(",") if name.strip()}
        return [path for path in sorted(self.folder.glob("*.csv")) if not wanted or path.name in wanted]

    def current_stamp(self) -> str:
        """Changes when the list would."""
        settings = self.host.settings
        parts: list[Any] = [settings.bundled, settings.explicit, settings.language]
        for path in self.files():
            about = path.stat()
            parts += [path.name, about.st_size, about.st_mtime_ns]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def listed(self, known: str = "") -> tuple[str, bytes]:
        """The list's stamp and its text, packed by gzip; no text if the stamp is the one that is `known`."""
        with self.lock:
            stamp = self.current_stamp()
            if stamp == known:
                return stamp, b""
            if stamp != self.stamp:
                book = self.book()
                self.packed = gzip.compress(payload(book.sorted(), self.names, short).encode(), 5)
                self.sources, self.tags, self.stamp = book.sources, len(book.tags), stamp
            return stamp, self.packed

    def book(self) -> TagBook:
        """All tags of all lists."""
        settings = self.host.settings
        book = TagBook(explicit=settings.explicit)
        if settings.bundled:
            source = Source(BUNDLED)
            book.sources.append(source)
            for name, kind, count, aliases in general_tags():
                book.add(name, kind, count, aliases, source, counted=False)
        translations: list[tuple[Source, list[tuple[str, str]]]] = []
        for path in self.files():
            rows = book.read(path)
            if rows:
                translations.append((book.sources[-1], rows))
        for source, rows in translations:
            for name, text in rows:
                book.translate(name, text, source)
        return book

    def names(self, tag: str) -> list[str]:
        """What a tag is called in other languages, that of the settings first."""
        words, first = vocabulary(), self.host.settings.language
        languages = sorted(LANGUAGES, key=lambda language: language != first)
        if "(" in tag or len(tag) > 60:
            return []
        return list(dict.fromkeys(one for language in languages for name in words.names(tag, language) for one in (name, *variants(name))))

    @cached_property
    def pairs(self) -> str:
        """Traditional characters, each with its simplified one."""
        return "".join(sign + other for code in HAN if (other := simplified(sign := chr(code))) != sign and len(other) == 1)

    def state(self) -> dict[str, Any]:
        """What the page goes by: settings, what can be put into a prompt besides tags, how much more some tags count."""
        settings = self.host.settings
        return {
            "settings": settings.model_dump(mode="json"),
            "list": self.current_stamp(),
            "pairs": self.pairs,
            "wildcards": sorted(self.wildcards()) if settings.wildcards else [],
            "styles": [name for name in self.host.program.choices("style") if name != "None"] if settings.styles else [],
            "chants": self.chants() if settings.chants else [],
            "used": self.usage.weights() if settings.used_first else {},
        }

    def wildcard_folders(self) -> Iterator[Path]:
        """Where files of wildcards may lie: our places, and those of A1111's extensions."""
        data = self.host.program.folders.data
        yield data / "wildcards"
        yield from (data / "extensions").glob("*/wildcards")
        yield self.host.program.folders.models / "wildcards"

    def wildcards(self) -> dict[str, Path]:
        """The files of wildcards by the names that stand between `__`, folders parted by `/`."""
        found: dict[str, Path] = {}
        for folder in self.wildcard_folders():
            for path in folder.rglob("*") if folder.is_dir() else ():
                if path.suffix.lower() in WILDCARD_SUFFIXES and path.is_file():
                    found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
        return found

    def wildcard(self, name: str) -> str:
        """What a wildcard's file says. Raises NotFound."""
        known = self.wildcards()
        if name not in known:
            raise NotFound.among("wildcard", name, known)
        return known[name].read_text("utf8", "replace")

    def chants(self) -> list[dict[str, str]]:
        """Longer texts with a name: those that come along, and of each `*.json` in the folder of the lists, in the original's form."""
        found: list[dict[str, str]] = []
        for path in (self.host.folder / "tags" / "chants.json", *sorted(self.folder.glob("*.json"))):
            try:
                rows: Any = json.loads(path.read_text("utf-8-sig"))
            except (OSError, ValueError, RecursionError):
                continue  # the page of the lists says so; a broken one must not take the others away
            listed = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            whole = [row for row in listed if row.get("name") and row.get("content")]
            found += [{key: str(row.get(key, "")) for key in ("name", "terms", "content")} for row in whole]
        return found

    def overview(self) -> dict[str, Any]:
        """The lists with what is wrong with them, and the tags that are used often, the most used first."""
        self.listed()
        used = sorted(self.usage.read().items(), key=lambda item: -item[1]["uses"])
        broken = [Source(path.name, "chants", problem="It is not JSON.") for path in self.folder.glob("*.json") if not is_json(path)]
        return {
            "folder": str(self.folder),
            "tags": self.tags,
            "sources": [vars(source) for source in (*self.sources, *broken)],
            "used": [{"name": name, **line} for name, line in used],
        }

    def count(self, name: str, *, negative: bool) -> None:
        """Count one use. Raises BadRequest."""
        if not 0 < len(name) <= 300:
            raise BadRequest(f"The tag has {len(name)} signs; it must have 1 to 300.")
        if self.host.settings.used_first:
            self.usage.add(name, negative=negative)


def short(name: str) -> str:
    """The initials of a Chinese name's pinyin; empty for what is not all Chinese, or is longer than one types."""
    return initials(name) if len(name) <= 8 and all(ord(sign) in HAN for sign in name) else ""


def variants(name: str) -> list[str]:
    """Other ways in which people write a Chinese or Japanese name of a colour and a thing: 蓝发 as 蓝色头发 and 蓝色的头发."""
    found: list[str] = []
    for short, long in LONGER.items():
        stem = name.removesuffix(long) if name.endswith(long) else name.removesuffix(short)
        if stem != name and 0 < len(stem) <= 3:
            bare = stem.removesuffix("的").removesuffix("色")
            found += [f"{bare}色{long}", f"{bare}色的{long}", f"{bare}{short}", f"{bare}色{short}"]
            break
    else:
        if "色" in name[1:-1] and "的" not in name:
            found.append(name.replace("色", "色的", 1))
    return [one for one in dict.fromkeys(found) if one != name]


def is_json(path: Path) -> bool:
    """Whether a file can be read as JSON."""
    try:
        json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return False
    return True
