"""First start, second start, and the starts that something is done to, in a scratch repository with real environments and pip."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.launcher.scratch import Repository, make_wheel, make_wheels

pytestmark = pytest.mark.skipif(os.name == "nt", reason="starts are killed with POSIX signals")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels") / "wheels"
    make_wheels(folder)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> tuple[Repository, subprocess.CompletedProcess[str]]:
    """A repository after its first start, and what that start said."""
    repository = Repository(tmp_path_factory.mktemp("installed") / "easel", wheels)
    return repository, repository.start("--torch", "cpu", "--xformers")


@pytest.fixture
def ready(tmp_path: Path, wheels: Path, installed: tuple[Repository, object]) -> Repository:
    """A copy of that repository."""
    repository = Repository(tmp_path / "easel", wheels)
    shutil.copytree(installed[0].root / ".venv", repository.root / ".venv", symlinks=True)
    return repository


@pytest.fixture
def empty(ready: Repository) -> Repository:
    """A repository whose environment has been made, but with nothing in it yet."""
    for stamp in ("program.json", "install.log"):
        (ready.root / ".venv" / stamp).unlink()
    for package in ready.packages().iterdir():
        if not package.name.startswith(("pip", "setuptools")) or package.name.startswith("pillow"):
            shutil.rmtree(package) if package.is_dir() else package.unlink()
    return ready


def stamp(repository: Repository) -> dict[str, object]:
    """What its environment is said to hold."""
    return json.loads((repository.root / ".venv" / "program.json").read_text("utf8"))


def test_the_first_start_installs_and_starts(installed: tuple[Repository, subprocess.CompletedProcess[str]]) -> None:
    repository, first = installed
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0].startswith("First start: making an environment for Python")
    assert "  gradio-1.0" in lines
    assert "xformers is left out: it works with NVIDIA cards only." in lines
    assert lines[-1] == f"app: 7860 {repository.root / '.venv'} 2.0 1 None"
    assert first.stderr == ""
    assert stamp(repository)["torch"] == "cpu"


def test_a_package_that_is_only_read_comes_without_what_it_asks_for(installed: tuple[Repository, subprocess.CompletedProcess[str]]) -> None:
    repository, first = installed
    assert "  carrier-1.0" in first.stdout.splitlines()
    assert (repository.packages() / "carrier-1.0.dist-info").exists()
    assert (repository.packages() / "pillow-2.0.dist-info").exists()


@pytest.mark.parametrize(
    ("pin", "said"),
    [
        ("carrier==9.0", "carrier could not be installed ("),
        ("carrier==1.0; python_version < '3.4'", "carrier is left out: there is none for Python "),
    ],
)
def test_without_a_package_that_is_only_read_the_program_starts_and_says_so(empty: Repository, pin: str, said: str) -> None:
    pyproject = empty.root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text("utf8").replace("carrier==1.0; python_version >= '3.4'", pin), "utf8")
    answer = empty.start()
    assert (answer.returncode, answer.stderr) == (0, "")
    (line,) = [line for line in answer.stdout.splitlines() if line.startswith(said)]
    assert "faces and hands are found by your own detectors only" in line
    assert not (empty.packages() / "carrier-1.0.dist-info").exists()
    assert stamp(empty)["packages"]  # and it is not tried again at each start
    assert empty.start().stdout.count("\n") == 1


def test_a_second_start_installs_nothing(installed: tuple[Repository, subprocess.CompletedProcess[str]]) -> None:
    repository, _ = installed
    log = repository.log()
    for pip in repository.packages().glob("pip*"):
        pip.rename(pip.with_name(f"away-{pip.name}"))
    try:
        for arguments in ((), ("--torch", "cpu"), ("--xformers", "--port", "8000")):
            second = repository.start(*arguments)
            assert second.stdout.startswith("app: ") and second.stdout.count("\n") == 1
            assert (second.stderr, second.returncode) == ("", 0)
    finally:
        for pip in repository.packages().glob("away-*"):
            pip.rename(pip.with_name(pip.name.removeprefix("away-")))
    assert repository.log() == log


def test_a_second_start_is_fast(installed: tuple[Repository, subprocess.CompletedProcess[str]]) -> None:
    import resource  # Windows has none

    repository, _ = installed

    def seconds() -> float:
        """Of the processor: what else the machine does counts for little."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        repository.start()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.5  # 0.13 s where it was measured


def test_flags_are_checked_before_anything_is_made(tmp_path: Path, wheels: Path) -> None:
    repository = Repository(tmp_path / "easel", wheels)
    answer = repository.start("--prot", "1")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert not (repository.root / ".venv").exists()


def test_other_pins_are_installed_over_the_old_ones(ready: Repository, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    newer.mkdir()
    make_wheel(newer, "diffusers", "1.1")
    pyproject = ready.root / "pyproject.toml"
    pyproject.write_text(pyproject.read_text("utf8").replace("diffusers==1.0", "diffusers==1.1"), "utf8")
    answer = ready.start(PIP_FIND_LINKS=f"{ready.environment['PIP_FIND_LINKS']} {newer}")
    assert answer.stdout.startswith("Completing the environment in .venv.\n")
    assert (ready.packages() / "diffusers-1.1.dist-info").exists()
    assert (ready.packages() / "pillow-2.0.dist-info").exists()


def test_a_start_killed_in_the_middle_is_made_good_by_the_next(empty: Repository) -> None:
    first = empty.begin()
    torch = empty.packages() / "torch-1.0.dist-info"
    until = time.monotonic() + 60
    while not torch.exists() and time.monotonic() < until:
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert stamp(empty) == {"torch": None}
    next_start = empty.start()
    assert next_start.returncode == 0, next_start.stderr
    assert next_start.stdout.splitlines()[-1].startswith("app: ")


def test_a_package_that_was_half_unpacked_is_installed_again(ready: Repository) -> None:
    (ready.root / ".venv" / "program.json").write_text("{}", "utf8")
    (ready.packages() / "diffusers-1.0.dist-info" / "INSTALLER").unlink()
    (ready.packages() / "diffusers.py").unlink()
    (ready.packages() / "~iffusers").mkdir()
    assert ready.start().returncode == 0
    assert (ready.packages() / "diffusers.py").exists()
    assert not (ready.packages() / "~iffusers").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(ready: Repository) -> None:
    for python in (ready.root / ".venv" / "bin").glob("python*"):
        python.unlink()
    answer = ready.start("--torch", "torch==99")  # which ends it soon
    assert answer.stdout.startswith("First start: making an environment")
    assert answer.stderr.startswith("There is no torch==99")


def test_of_two_starts_one_installs_and_the_other_waits(empty: Repository) -> None:
    said = [start.communicate()[0] for start in [empty.begin(), empty.begin()]]
    assert all(text.splitlines()[-1].startswith("app: ") for text in said)
    assert sum("Another start is installing; this one waits for it." in text for text in said) == 1
    assert empty.log().count("pip install --no-user --no-input --progress-bar off torch==1.0") == 1


def test_no_network_is_one_sentence(empty: Repository) -> None:
    closed = "http://127.0.0.1:9/simple"
    answer = empty.start(PIP_NO_INDEX="", PIP_FIND_LINKS="", PIP_INDEX_URL=closed, PIP_RETRIES="1", HTTPS_PROXY="http://127.0.0.1:9")
    assert answer.returncode == 1
    assert answer.stderr.startswith("The package index cannot be reached, and not all that Easel needs is installed yet: connect")
    assert answer.stderr.count("\n") == 1
    assert "Traceback" not in answer.stdout + answer.stderr


def test_a_package_for_another_python_is_one_sentence(empty: Repository) -> None:
    answer = empty.start("--torch", "torch==99")
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert answer.stderr.startswith("There is no torch==99 for Python")
    assert stamp(empty) == {"torch": None}  # a choice that failed is not kept


def test_packages_that_cannot_be_imported_are_not_taken_for_installed(empty: Repository, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    make_wheel(broken, "torch", "1.0.post1")
    with zipfile.ZipFile(broken / "torch-1.0.post1-py3-none-any.whl", "a") as wheel:
        wheel.writestr("torch/__init__.py", "raise ImportError('libcuda is missing')")
    answer = empty.start("--torch", str(broken / "torch-1.0.post1-py3-none-any.whl"))
    assert answer.returncode == 1
    assert answer.stderr.startswith("Installing failed (ImportError: libcuda is missing): ")


def test_the_environment_one_is_in_is_used_and_what_it_lacks_is_named(tmp_path: Path, wheels: Path) -> None:
    repository = Repository(tmp_path / "easel", wheels)
    pyproject = repository.root / "pyproject.toml"
    pyproject.write_text('[project]\ndependencies = [\n    "no-such-package==1.0",\n    "pip==1.0",\n]\n', "utf8")
    answer = repository.start("--no-venv")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("This environment lacks no-such-package: add them with `")
    assert "pip install no-such-package==1.0`" in answer.stderr
    pyproject.write_text('[project]\ndependencies = [\n    "pip==1.0",\n]\n', "utf8")
    (repository.root / "modules" / "app.py").write_text("def main(options):\n    print('app')\n", "utf8")
    assert repository.start("--no-venv").stdout == "app\n"
    assert not (repository.root / ".venv").exists()


def test_the_self_test_hands_pytest_its_arguments_and_gives_back_its_status(tmp_path: Path, wheels: Path) -> None:
    repository = Repository(tmp_path / "easel", wheels)
    (repository.root / "pyproject.toml").write_text('[project]\ndependencies = [\n    "pip==1.0",\n]\n', "utf8")
    (repository.root / "test_it.py").write_text("import os\ndef test_it():\n    assert os.environ['OMP_NUM_THREADS']\n", "utf8")
    browser = tmp_path / "browser"
    browser.write_text("#!/bin/sh\nexit 0\n", "utf8")
    browser.chmod(0o755)
    options = ("--no-venv", "--self-test", "-q", "-p", "no:cacheprovider")
    passed = repository.start(*options, "test_it.py", EASEL_CHROMIUM=str(browser))
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert passed.stdout.splitlines()[-1].startswith("1 passed")
    assert "ruff" not in passed.stdout
    assert repository.start(*options, "nowhere.py", EASEL_CHROMIUM=str(browser)).returncode == 4


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 14, 0), (2, 7, 18)])
def test_another_python_is_refused_in_one_sentence(version: tuple[int, ...], tmp_path: Path, wheels: Path) -> None:
    repository = Repository(tmp_path / "easel", wheels)
    pretend = f"import runpy, sys; sys.version_info = {version}; runpy.run_path({str(repository.root / 'webui.py')!r})"
    answer = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stderr == f"Easel runs on Python 3.10 to 3.13, and this is {version[0]}.{version[1]}: start webui.py with one of those.\n"
