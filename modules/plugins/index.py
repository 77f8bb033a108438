"""A list of extensions that somebody keeps at an address, in the form of A1111's index with a few keys more."""

import json
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from packaging.version import InvalidVersion, Version

from modules.contract.errors import BadRequest, Unavailable
from modules.contract.files import write_whole
from modules.plugins.addresses import fetched
from modules.plugins.manifest import API

MOST_BYTES = 16 * 2**20
MOST_ENTRIES = 20_000


@dataclass(frozen=True)
class Entry:
    """An extension in an index. Without an `api` it is one of A1111's own. Times are Unix time, 0 where the index has none."""

    name: str
    title: str
    url: str
    description: str = ""
    tags: tuple[str, ...] = ()
    version: str = ""
    api: int | None = None
    branch: str = ""
    commit: str = ""
    sha256: str = ""
    added: int = 0
    created: int = 0
    updated: int = 0
    stars: int = 0

    @property
    def runs_here(self) -> bool:
        return self.api == API


@dataclass(frozen=True)
class Catalogue:
    """What an index holds. `tags` says what each means; `when` is when it was fetched; `stale` why that is not now."""

    url: str
    entries: tuple[Entry, ...]
    tags: dict[str, str]
    when: float
    stale: str = ""


class Index:
    """Fetches an index and keeps the last one on the disk, for when there is no network."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, url: str, *, local: bool) -> Catalogue:
        """The index at an address; the last one that was fetched from there where it cannot be reached. Raises BadRequest, Unavailable."""
        if not url.strip():
            raise BadRequest("There is no address of an index yet.", "Type the address of one that you trust, or install from a URL.")
        try:
            found = understood(fetched(url, local=local, most=MOST_BYTES), url.strip(), time.time())
        except Unavailable as error:
            kept = self.kept(url.strip())
            if kept is None:
                raise
            return Catalogue(kept.url, kept.entries, kept.tags, kept.when, str(error))
        write_whole(self.path, json.dumps(asdict(found)).encode())
        return found

    def kept(self, url: str = "") -> Catalogue | None:
        """The last one, if it is from an address; None if there is none."""
        try:
            values = json.loads(self.path.read_text("utf8"))
            if url and values["url"] != url:
                return None
            entries = tuple(Entry(**kept) for one in values["entries"] for kept in [dict[str, Any](one, tags=tuple(one["tags"]))])
            return Catalogue(values["url"], entries, values["tags"], values["when"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def understood(data: bytes, url: str, when: float) -> Catalogue:
    """An index file. An entry that makes no sense is left out. Raises BadRequest for what is no index at all."""
    try:
        values = json.loads(data)
        listed: list[Any] = list(values["extensions"])[:MOST_ENTRIES]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadRequest(f"What stands at {url} is not an index of extensions.", "It is JSON with a list named 'extensions'.") from None
    entries = tuple(entry for one in listed if isinstance(one, dict) and (entry := entry_of(cast("dict[str, Any]", one))))
    tags: Any = values.get("tags")
    known = {str(key)[:60]: str(value)[:300] for key, value in tags.items()} if isinstance(tags, dict) else {}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return Catalogue(url, entries, known, when)


def entry_of(values: dict[str, Any]) -> Entry | None:
    """One entry; None without a name and an address."""
    title, url = str(values.get("title") or values.get("name") or "")[:200], str(values.get("url") or "")
    if not title or not re.match(r"(https?|file)://", url):
        return None
    api = values.get("api")
    raw: Any = values.get("tags")
    tags = cast("list[Any]", raw) if isinstance(raw, list) else []
    return Entry(
        name=str(values.get("name") or "")[:200],
        title=title,
        url=url[:500],
        description=str(values.get("description") or "")[:2000],
        tags=tuple(str(tag)[:60] for tag in tags[:20]),
        version=str(values.get("version") or "")[:40],
        api=api if isinstance(api, int) else None,
        branch=str(values.get("branch") or "")[:200],
        commit=str(values.get("commit") or "")[:64],
        sha256=str(values.get("sha256") or "")[:64],
        added=moment(values.get("added")),
        created=moment(values.get("created") or values.get("created_at")),
        updated=moment(values.get("updated") or values.get("commit_time") or values.get("pushed_at")),
        stars=values["stars"] if isinstance(values.get("stars"), int) else 0,
    )


def moment(value: object) -> int:
    """A date, as `2024-01-31`, `2024-01-31T10:20:30Z` or Unix time; 0 for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    found = re.match(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d))?", value) if isinstance(value, str) else None
    try:
        return int(time.mktime(time.strptime(f"{found[1]} {found[2] or '00:00:00'}", "%Y-%m-%d %H:%M:%S"))) if found else 0
    except (ValueError, OverflowError):
        return 0


def same_address(one: str, other: str) -> bool:
    """Whether two addresses name one repository."""
    return plain(one) == plain(other) != ""


def plain(url: str) -> str:
    """An address without what makes no difference."""
    return url.strip().rstrip("/").removesuffix(".git").lower()


def is_newer(version: str, than: str) -> bool:
    """Whether a version comes after another one; no if either is none."""
    try:
        return Version(version) > Version(than)
    except InvalidVersion:
        return False
