"""Packages of extensions: into an environment of its own, from a folder of wheels, and nothing that is there ever moves."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotSupported
from modules.plugins.requirements import Pip, explained, missing


def wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    """A package with nothing in it but its name."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + (f"Requires-Dist: {requires}\n" if requires else "")
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/__init__.py", f"VERSION = '{version}'\n")
        archive.writestr(f"{info}/METADATA", metadata)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", f"{name}/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Pip:
    """pip for an environment in which `wings` 1.0 is installed, and that can get others."""
    folder = tmp_path_factory.mktemp("pip")
    wheels, environment = folder / "wheels", folder / "environment"
    wheels.mkdir()
    wheel(wheels, "wings", "1.0")
    wheel(wheels, "wings", "2.0")
    wheel(wheels, "wax", "1.0")
    wheel(wheels, "flight", "1.0", "wings>=2")
    wheel(wheels, "sun", "1.0", "wax")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    found = Pip(python=str(environment / "bin" / "python"), arguments=["--no-index", "--find-links", str(wheels)])
    found.run(["install", "--no-index", "--find-links", str(wheels), "wings==1.0"], lambda line: None)
    return found


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the environment's Python lies elsewhere there")


def test_what_would_come_is_said_before_it_comes(pip: Pip) -> None:
    before = pip.installed()
    assert sorted((one.name, one.version) for one in pip.plan(["sun", "wings"])) == [("sun", "1.0"), ("wax", "1.0")]
    assert pip.installed() == before
    lines: list[str] = []
    pip.install(["sun", "none; sys_platform == 'nowhere'"], lines.append)
    assert pip.installed() == {**before, "sun": "1.0", "wax": "1.0"}
    assert any("Successfully installed" in line for line in lines)
    assert pip.plan(["sun"]) == []


@pytest.mark.parametrize(
    ("requires", "words"),
    [
        (["wings>=2"], "this program has wings 1.0, which stays as it is"),
        (["flight"], "Its packages ask for other versions of what this program has|goes with what is installed"),
        (["nowhere-at-all"], "no nowhere-at-all for this Python"),
    ],
)
def test_what_would_move_a_package_that_is_there_is_refused(pip: Pip, requires: list[str], words: str) -> None:
    before = pip.installed()
    with pytest.raises(NotSupported, match=words):
        pip.install(requires, lambda line: None)
    assert pip.installed() == before


def test_addresses_and_nonsense_are_refused() -> None:
    for text in ("a @ https://example.org/a.whl", "--find-links=https://example.org", "a b c"):
        with pytest.raises(BadRequest):
            missing([text])


def test_without_a_network_the_reason_is_said() -> None:
    error = explained("WARNING: Retrying ... NewConnectionError ...\nERROR: No matching distribution found for x", 1)
    assert str(error) == "The package index cannot be reached. Is this machine connected to the internet?"
