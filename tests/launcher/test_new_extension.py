"""`--new-extension` writes an extension that loads, works and passes its own test."""

import subprocess
import sys
from pathlib import Path

import pytest

from modules.new_extension import NAME, TAKEN, Unwanted, write_extension
from modules.plugins import manifest
from modules.plugins.loader import load
from tests.guards.sources import ROOT


class Counted:
    """A plugin of pytest that counts the tests that passed."""

    passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed


def test_its_own_test_passes(tmp_path: Path) -> None:
    done = [sys.executable, "webui.py", "--new-extension", "my_colour", "--data-dir", str(tmp_path)]
    said = subprocess.run(done, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    folder = tmp_path / "extensions" / "my_colour"
    assert str(folder) in said
    again = subprocess.run(done, cwd=ROOT, capture_output=True, text=True)
    assert again.returncode == 1 and "There is an extension 'my_colour' already" in again.stderr
    counted = Counted()
    assert pytest.main(["-q", "-p", "no:cacheprovider", str(folder)], plugins=[counted]) == 0
    assert counted.passed == 2


@pytest.mark.parametrize("name", ["extension", "slider", "a", "x1_2_y", "class"])
def test_every_name_that_is_allowed_loads(tmp_path: Path, name: str) -> None:
    row = load(write_extension(name, tmp_path / f"new_{name}", tmp_path))
    assert row.problem is None and row.extension and row.extension.Settings.model_fields, row.problem


@pytest.mark.parametrize("name", ["", "My tool", "../x", "1x", "_x", "x-y", "x" * 65, "details", "名"])
def test_other_names_are_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unwanted, match="cannot be called"):
        write_extension(name, tmp_path, tmp_path)
    assert not [*tmp_path.iterdir()]


def test_the_rules_for_names_are_the_manifest_s() -> None:
    pattern = next(one.pattern for one in manifest.Manifest.model_fields["name"].metadata if hasattr(one, "pattern"))
    assert pattern.strip("^$").removesuffix("*") == NAME.pattern.partition("{")[0] and manifest.TAKEN == TAKEN
