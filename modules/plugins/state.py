"""The file extensions.json: which extensions are switched off, and where each added one came from."""

import json
import logging
import threading
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modules.contract.files import write_whole

log = logging.getLogger(__name__)
Mode = Literal["none", "extra", "all"]  # which extensions are off together, in A1111's words; "extra": all but the bundled ones


class Source(BaseModel):
    """Where an added extension came from, exactly enough to get the same one again.

    `commit` and `date` (Unix time) are git's; `sha256` is the archive's; `url` of a folder or a link is its path on this machine.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["folder", "link", "zip", "git"]
    url: str = ""
    branch: str = ""
    commit: str = ""
    date: int = 0
    sha256: str = ""


class Record(BaseModel):
    """What is remembered of an added extension. `reviewed`: somebody has seen what it is and switched it on."""

    model_config = ConfigDict(frozen=True)

    source: Source
    version: str = ""
    installed: float = 0.0
    reviewed: bool = False


class SafeMode(BaseModel):
    """That the program began without added extensions by itself: which one was being loaded when it was killed, and how often."""

    model_config = ConfigDict(frozen=True)

    culprit: str = ""
    deaths: int = 0


class State(BaseModel):
    """All of the file. `previous` has the record of the version that each updated extension had before."""

    model_config = ConfigDict(frozen=True)

    mode: Mode = "none"
    safe_mode: SafeMode | None = None
    disabled: tuple[str, ...] = ()
    index: str = ""
    records: dict[str, Record] = Field(default_factory=dict[str, Record])
    previous: dict[str, Record] = Field(default_factory=dict[str, Record])


class StateFile:
    """The state, kept in its file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self.current = self.read()

    def read(self) -> State:
        """What the file says. One that cannot be read is put aside, and everything is as at first."""
        if not self.path.exists():
            return State()
        try:
            return State.model_validate_json(self.path.read_bytes())
        except (OSError, ValidationError) as error:
            aside = self.path.with_suffix(".unreadable.json")
            log.warning("%s could not be read (%s); it was kept as %s.", self.path.name, error, aside.name)
            self.path.replace(aside)
            return State()

    def update(self, **changes: Any) -> State:
        """Change some of it, and write the file."""
        with self.lock:
            new = self.current.model_copy(update=changes)
            if new != self.current:
                write_whole(self.path, json.dumps(new.model_dump(mode="json"), indent=4, ensure_ascii=False).encode())
                self.current = new
            return self.current

    def record(self, name: str, record: Record | None) -> None:
        """Remember an added extension, or forget it."""
        with self.lock:
            others = {key: value for key, value in self.current.records.items() if key != name}
            self.update(records=others if record is None else {**others, name: record})

    def switch(self, name: str, on: bool) -> None:
        """Remember whether an extension is switched on."""
        with self.lock:
            others = [one for one in self.current.disabled if one != name]
            self.update(disabled=tuple(others if on else sorted([*others, name])))
