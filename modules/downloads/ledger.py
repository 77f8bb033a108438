"""The list of downloads on disk, so that they go on after a restart or a crash."""

import json
import logging
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from modules.contract.files import write_whole
from modules.downloads.offers import Companions

log = logging.getLogger(__name__)
State = Literal["queued", "running", "waiting", "paused", "done", "failed", "cancelled"]
OPEN: frozenset[State] = frozenset({"queued", "running", "waiting", "paused", "failed"})
UNDER_WAY: frozenset[State] = frozenset({"queued", "running", "waiting"})
ENDED_KEPT = 100


@dataclass
class Download:
    """One file that is fetched. `path` is where it will lie; `waiting` means until the next try. Times are seconds since 1970."""

    url: str
    path: Path
    kind: str = ""
    site: str = ""
    title: str = ""
    page: str = ""
    size: int | None = None
    sha256: str | None = None
    announced: str | None = None
    etag: str = ""
    exact: int | None = None
    state: State = "queued"
    error: str = ""
    hint: str = ""
    notes: list[str] = field(default_factory=list[str])
    tries: int = 0
    added: float = 0.0
    ended: float | None = None
    companions: Companions = field(default_factory=Companions)
    id: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def part(self) -> Path:
        """Where its beginning lies."""
        return self.path.with_name(f"{self.path.name}.part")


class Ledger:
    """Reads and writes the list. A damaged list is put aside, and the parts on the disk stay where they are."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[Download]:
        """The downloads as they were; those under way are queued."""
        if not self.path.exists():
            return []
        try:
            return [download_from(row) for row in json.loads(self.path.read_text("utf8"))]
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("The list of downloads could not be read (%s); it is put aside.", error)
            self.path.replace(self.path.with_suffix(".unreadable.json"))
            return []

    def write(self, downloads: Sequence[Download]) -> None:
        """Keep all open ones and the last that have ended."""
        ended = [one for one in downloads if one.state not in OPEN]
        dropped = {one.id for one in ended[:-ENDED_KEPT]}
        rows = [{**asdict(one), "path": str(one.path)} for one in downloads if one.id not in dropped]
        write_whole(self.path, json.dumps(rows, indent=1, ensure_ascii=False).encode("utf8", "surrogateescape"))


def download_from(row: dict[str, Any]) -> Download:
    """A download of the list. Raises TypeError, KeyError for what is none; values of a newer version are passed over."""
    known = {one.name for one in fields(Download)}
    beside = {one.name for one in fields(Companions)}
    values = {name: value for name, value in row.items() if name in known}
    values["companions"] = Companions(**{name: value for name, value in row.get("companions", {}).items() if name in beside})
    download = Download(**{**values, "path": Path(row["path"])})
    if download.state in UNDER_WAY:
        download.state = "queued"
    return download
