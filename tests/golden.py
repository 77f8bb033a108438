"""The pictures and values recorded from A1111 1.10.1, where they are at hand.

They are kept beside the repository (`../shared/golden`) or where EASEL_GOLDEN says. The few that the tests cannot do
without lie in `tests/golden_data`; tests that need the others are skipped without them, and say so.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
FOLDERS = [Path(os.environ["EASEL_GOLDEN"])] if "EASEL_GOLDEN" in os.environ else [HERE.parents[1] / "shared" / "golden"]
KEPT = HERE / "golden_data"


def golden_path(name: str) -> Path | None:
    """The recorded file of that name; None where it is not at hand."""
    return next((folder / name for folder in (*FOLDERS, KEPT) if (folder / name).exists()), None)


def golden_json(name: str) -> Any:
    """The recorded JSON file's content; an empty list where it is not at hand, so that parametrised tests are skipped."""
    path = golden_path(name)
    return json.loads(path.read_text("utf8")) if path else []


needs_golden = pytest.mark.skipif(golden_path("manifest.json") is None, reason="the recorded A1111 data are not at hand (EASEL_GOLDEN)")
