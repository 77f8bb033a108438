"""How often a person took which tag: a small file, kept within bounds."""

import json
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from modules.contract.files import write_whole

DAY = 86400
WRITING = threading.Lock()  # one file, several threads


@dataclass(frozen=True)
class Bounds:
    """From how many `least` uses on a tag counts, after how many `days` it is forgotten (0: never), and the `most` tags that are kept."""

    least: int = 3
    days: int = 30
    most: int = 1000


class Usage:
    """The file `frequency.json`: {"tag": {"uses", "negative", "last"}}; `last` in seconds since 1970, `negative` for negative prompts."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self.path = path
        self.bounds = bounds

    def read(self) -> dict[str, dict[str, float]]:
        """What is known. A file that cannot be read counts as empty: it only orders a list."""
        try:
            found: Any = json.loads(self.path.read_text("utf8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(found, Mapping):
            return {}
        lines = {name: line_of(line) for name, line in cast("Mapping[str, Any]", found).items() if isinstance(line, Mapping)}
        oldest = time.time() - self.bounds.days * DAY if self.bounds.days else 0
        return {name: line for name, line in lines.items() if line["last"] >= oldest}

    def add(self, name: str, *, negative: bool) -> None:
        """Count one use."""
        with WRITING:
            lines = self.read()
            line = lines.setdefault(name, {"uses": 0, "negative": 0, "last": 0})
            line["uses"] += 1
            line["negative"] += negative
            line["last"] = time.time()
            kept = sorted(lines.items(), key=lambda item: -item[1]["last"])[: self.bounds.most]
            self.write(dict(kept))

    def forget(self, name: str | None) -> None:
        """Forget one tag, or all."""
        with WRITING:
            lines = {} if name is None else self.read()
            lines.pop(name or "", None)
            self.write(lines)

    def weights(self) -> dict[str, float]:
        """How much more each tag counts that is used often: 1 is not at all."""
        return {name: 1 + 10 * line["uses"] for name, line in self.read().items() if line["uses"] >= self.bounds.least}

    def write(self, lines: Mapping[str, Mapping[str, float]]) -> None:
        write_whole(self.path, json.dumps(lines, ensure_ascii=False, indent=1).encode())


def line_of(line: Mapping[Any, Any]) -> dict[str, float]:
    """A tag's numbers, 0 for what is missing or no number."""
    values = {key: line.get(key, 0) for key in ("uses", "negative", "last")}
    return {key: float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0 for key, value in values.items()}
