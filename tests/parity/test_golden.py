"""The program as a server against the pictures that A1111 1.10.1 gave for the same requests."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import golden_path, needs_golden
from tests.served import Served

FIRST_CASES = "^0(0[1-9]|1[0-9]|2[01])-"


@needs_golden
@pytest.mark.slow
def test_the_first_cases_give_a1111s_pictures_and_infotexts(tmp_path: Path) -> None:
    manifest = golden_path("manifest.json")
    assert manifest
    golden = manifest.parent
    models = tmp_path / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    for name in ("tiny-sd1.safetensors", "tiny-sd1.yaml"):
        shutil.copy(golden / "models" / name, models)
    with Served(tmp_path, "--no-half", "--precision", "full", "--nowebui") as program:
        command = [
            sys.executable,
            str(golden / "replay.py"),
            program.url,
            "--only",
            FIRST_CASES,
            "--need",
            "1",
            "--json",
            str(tmp_path / "rows.json"),
        ]
        subprocess.run(command, check=False, capture_output=True)
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert len(rows) == 15
    assert [row for row in rows if row["verdict"] not in ("exact", "close") or row["infotext"] != "agree"] == []
