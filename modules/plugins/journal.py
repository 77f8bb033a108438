"""The file extensions.log: a line for each thing that was done to the set of extensions, or refused, never changed afterwards."""

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
LINES_SHOWN = 200


class Journal:
    """Lines of JSON, the newest last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.Lock()

    def write(self, what: str, **facts: Any) -> None:
        """Add a line. `facts` are what it was done to, by whom, and from where."""
        line = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "what": what, **{key: value for key, value in facts.items() if value}}
        log.info("Extensions: %s", json.dumps(line, ensure_ascii=False))
        with self.lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def lines(self) -> list[dict[str, Any]]:
        """The last lines, the newest first."""
        try:
            text = self.path.read_text("utf8", "replace")
        except FileNotFoundError:
            return []
        found: list[dict[str, Any]] = []
        for line in text.splitlines()[-LINES_SHOWN:]:
            try:
                found.append(dict(json.loads(line)))
            except ValueError:  # the end of a line that a crash cut off
                continue
        return found[::-1]
