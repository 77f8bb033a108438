"""Named values of a form's fields: presets, and what a checkpoint begins with. Kept in one JSON file of the data folder."""

import json
import logging
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from modules.contract.errors import BadRequest, NotFound
from modules.contract.files import write_whole

log = logging.getLogger(__name__)
MOST = 500
LARGEST = 200_000  # bytes of one preset's values


@dataclass(frozen=True)
class Preset:
    """Values by field name for a tab. With a `checkpoint` they are put into the fields whenever that one is chosen (its file name)."""

    name: str
    tab: str
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    checkpoint: str = ""


class Presets:
    """The presets of this installation. A file that cannot be read is put aside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()
        self.found = self.load()

    def load(self) -> list[Preset]:
        """What the file has."""
        if not self.path.exists():
            return []
        try:
            return [Preset(**row) for row in json.loads(self.path.read_text("utf8"))]
        except (OSError, ValueError, TypeError) as error:
            aside = self.path.with_suffix(".unreadable.json")
            log.warning("%s could not be read (%s); it was kept as %s.", self.path.name, error, aside.name)
            self.path.replace(aside)
            return []

    def all(self) -> list[Preset]:
        """All presets, by name."""
        return sorted(self.found, key=lambda preset: preset.name.lower())

    def keep(self, preset: Preset) -> list[Preset]:
        """Add a preset, in place of the one of the same name and tab, and of the one that its checkpoint had. Raises BadRequest."""
        if len(json.dumps(preset.values)) > LARGEST:
            raise BadRequest(f"The preset '{preset.name}' holds more than {LARGEST} characters.")
        with self.lock:
            others = [
                one
                for one in self.found
                if (one.tab, one.name) != (preset.tab, preset.name)
                and not (preset.checkpoint and (one.tab, one.checkpoint) == (preset.tab, preset.checkpoint))
            ]
            if len(others) >= MOST:
                raise BadRequest(f"There are {MOST} presets already, which is the limit.", "Take some away.")
            self.write([*others, preset])
        return self.all()

    def remove(self, tab: str, name: str) -> list[Preset]:
        """Take a preset away. Raises NotFound."""
        with self.lock:
            others = [one for one in self.found if (one.tab, one.name) != (tab, name)]
            if len(others) == len(self.found):
                raise NotFound.among("preset", name, [one.name for one in self.found if one.tab == tab])
            self.write(others)
        return self.all()

    def write(self, presets: list[Preset]) -> None:
        write_whole(self.path, json.dumps([asdict(one) for one in presets], indent=4, ensure_ascii=False).encode())
        self.found = presets
