"""A marker that stands on the disk while extensions are loaded: what kills the program then is known at the next start."""

import json
from pathlib import Path
from types import TracebackType

DEATHS_UNTIL_SAFE = 2
DEATHS_UNTIL_ALL_OFF = 4  # not even without the added ones did it start


class Startup:
    """One start's loading. `deaths` is how many starts in a row ended in it before, `culprit` what was being loaded in the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.deaths, self.culprit = 0, ""
        try:
            left = json.loads(path.read_text("utf8"))
            self.deaths, self.culprit = int(left["deaths"]) + 1, str(left["loading"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError):  # half a marker is one
            self.deaths = 1

    def loading(self, name: str) -> None:
        """Say what comes next."""
        beside = self.path.with_suffix(".new")
        beside.write_text(json.dumps({"deaths": self.deaths, "loading": name}), "utf8")
        beside.replace(self.path)

    def __enter__(self) -> "Startup":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.loading("")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.path.unlink(missing_ok=True)
