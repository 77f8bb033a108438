"""The program as a server against the pictures and infotexts that A1111 1.10.1 gave for the same requests."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import golden_path, needs_golden
from tests.served import Served

NEEDED = 0.98
CHOSEN = Path("models/Stable-diffusion/tiny-sd1.safetensors")


def laid_out(golden: Path, data: Path) -> None:
    """The recorded models as a data folder; the two that derive from another are written by the recording's own script."""
    checkpoints = data / "models" / "Stable-diffusion"
    checkpoints.mkdir(parents=True)
    for path in golden.glob("models/tiny-*"):
        shutil.copy(path, checkpoints)
    subprocess.run([sys.executable, str(golden / "derive_models.py"), str(checkpoints)], check=True, capture_output=True)
    for kind in ("Lora", "VAE", "hypernetworks"):
        shutil.copytree(golden / "models" / kind, data / "models" / kind)
    shutil.copytree(golden / "models" / "embeddings", data / "embeddings")
    shutil.copy(golden / "models" / "styles.csv", data)


@needs_golden
@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_the_recorded_requests_give_a1111s_pictures_and_infotexts(tmp_path: Path) -> None:
    manifest = golden_path("manifest.json")
    assert manifest
    golden, rows_file = manifest.parent, tmp_path / "rows.json"
    laid_out(golden, tmp_path)
    with Served(tmp_path, "--no-half", "--precision", "full", "--nowebui", "--ckpt", str(tmp_path / CHOSEN)) as program:
        command = [sys.executable, str(golden / "replay.py"), program.url, "--need", str(NEEDED), "--json", str(rows_file)]
        replay = subprocess.run(command, check=False, capture_output=True, text=True)
    rows = json.loads(rows_file.read_text())
    bad = [row for row in rows if row["verdict"] not in ("exact", "close") or row["infotext"] != "agree"]
    print(replay.stdout.splitlines()[-1])
    assert len(rows) == len(json.loads(manifest.read_text()))
    assert len(bad) <= (1 - NEEDED) * len(rows), bad
