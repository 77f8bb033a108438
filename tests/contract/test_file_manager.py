"""A file is shown by the desktop's file manager; where that knows nothing of files, by its folder."""

import stat
import sys
import time
from pathlib import Path

import pytest

from modules.contract.file_manager import open_folder, show_file

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the programs that are called have other names there")
PATIENCE = 10  # seconds for a program that was started to write its line


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, on a screen."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("DISPLAY", ":0")
    return programs


def program(folder: Path, name: str, status: int) -> Path:
    """A program that writes down its arguments; the file with them."""
    told = folder / f"{name}.told"
    path = folder / name
    path.write_text(f'#!/bin/sh\nfor each in "$@"; do echo "$each"; done > "{told}.part"\n/bin/mv "{told}.part" "{told}"\nexit {status}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return told


def told(file: Path) -> list[str]:
    end = time.monotonic() + PATIENCE
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.02)
    return file.read_text("utf8").splitlines()


def test_a_file_is_marked_where_the_file_manager_can_do_that(desktop: Path, tmp_path: Path) -> None:
    asked, opened = program(desktop, "dbus-send", 0), program(desktop, "xdg-open", 0)
    file = tmp_path / "a, b \u661f.txt"
    file.write_bytes(b"")
    assert show_file(file)
    lines = told(asked)
    assert lines[-1] == "string:" and lines[-3:-1] == ["org.freedesktop.FileManager1.ShowItems", f"array:string:{file.as_uri()}"]
    assert "," not in lines[-2] and not opened.exists()  # a comma would part two files


def test_else_its_folder_is_opened(desktop: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"")
    assert not show_file(file)  # neither program is there
    program(desktop, "dbus-send", 1)
    opened = program(desktop, "xdg-open", 0)
    assert show_file(file) and told(opened) == [str(tmp_path)]


def test_nothing_is_shown_without_a_screen_or_a_file(desktop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, opened = program(desktop, "dbus-send", 0), program(desktop, "xdg-open", 0)
    assert not show_file(tmp_path / "gone") and not open_folder(tmp_path / "gone")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert not show_file(desktop) and not open_folder(tmp_path)
    assert not asked.exists() and not opened.exists()
