"""The browser that the tests get."""

import os
from pathlib import Path

import pytest

from modules import launcher
from modules.environment import Problem

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of programs; nothing in it yet, and no browser anywhere."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("EASEL_CHROMIUM", raising=False)
    monkeypatch.setattr(launcher, "BROWSERS", ("chromium", "google-chrome"))
    return tmp_path


def add(program: Path, script: str) -> str:
    """A program of a few shell commands; its path."""
    program.write_text(f"#!/bin/sh\n{script}\n", "utf8")
    program.chmod(0o755)
    return str(program)


def test_a_browser_that_is_there_is_taken(programs: Path) -> None:
    add(programs / "chromium", "exit 1")  # as Ubuntu's, which only says how to install the real one
    path = add(programs / "google-chrome", "exit 0")
    assert launcher.chromium() == path


def test_the_browser_that_the_variable_names_comes_first(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(programs / "chromium", "exit 0")
    path = add(programs / "mine", "exit 0")
    monkeypatch.setenv("EASEL_CHROMIUM", path)
    assert launcher.chromium() == path


def test_debian_installs_its_own(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    log, path = programs / "log", programs / "chromium"
    add(programs / "apt-get", f'echo "$@" >> {log}; printf "#!/bin/sh\\nexit 0" > {path}; /bin/chmod +x {path}')
    assert launcher.chromium() == str(path)
    assert log.read_text("utf8").splitlines()[1].endswith("chromium fonts-noto-cjk fonts-noto-color-emoji")


def test_where_that_fails_playwright_is_asked(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    add(programs / "apt-get", "exit 100")
    monkeypatch.setattr(launcher.sys, "executable", add(programs / "python", f'echo "$@" > {programs / "asked"}'))
    assert launcher.chromium() == ""
    assert (programs / "asked").read_text("utf8") == "-m playwright install chromium\n"


def test_no_browser_at_all_is_one_sentence(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(launcher.sys, "executable", add(programs / "python", "exit 1"))
    with pytest.raises(Problem, match="install one, or set EASEL_CHROMIUM"):
        launcher.chromium()
