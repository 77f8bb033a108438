"""Imports point downwards, as the contracts in pyproject.toml say."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guards.sources import ROOT


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports_command as command; command()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_the_contracts_are_kept() -> None:
    answer = lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("place", "line", "contract"),
    [
        ("modules/contract/errors.py", "import modules.settings.store", "layers point downwards"),
        ("modules/settings/store.py", "import torch", "faces and values need no torch"),
        ("modules/contract/errors.py", "import gradio", "gradio only at the front"),
    ],
)
def test_a_planted_import_breaks_its_contract(place: str, line: str, contract: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "modules", tmp_path / "modules", ignore=lambda folder, names: [n for n in names if n.endswith(".json")])
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / place).open("a", encoding="utf8") as file:
        file.write(f"\n{line}\n")
    answer = lint_imports(tmp_path)
    assert answer.returncode != 0
    assert f"{contract} BROKEN" in answer.stdout
