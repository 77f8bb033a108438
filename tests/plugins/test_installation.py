"""Bundled and added extensions, switched on and off while the program runs. Names are used once: what is imported stays imported."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.contract.request import GenerationRequest
from modules.plugins.installation import BUNDLED_LIST, Installation, bundled_names
from tests.guards.sources import ROOT
from tests.plugins.writing import CODE, extension


class Folders:
    """A program's folder and a person's."""

    def __init__(self, folder: Path) -> None:
        self.bundled, self.data = folder / "program", folder / "data"
        self.added = self.data / "extensions"
        self.bundled.mkdir()
        self.data.mkdir()

    def bundle(self, name: str, code: str = CODE) -> None:
        """An extension that comes with the program."""
        extension(self.bundled, name, code)
        with (self.bundled / BUNDLED_LIST).open("a") as file:
            file.write(f"{name}\n")

    def loaded(self, **how: Any) -> Installation:
        """What a start finds."""
        return Installation.loaded(self.bundled, self.data, **how)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def signs(installation: Installation, name: str) -> str:
    """What an extension makes of an empty prompt."""
    request = GenerationRequest(extensions={name: {}})
    return installation.registry.instances(request).request(request).prompt


def test_bundled_and_added_ones_are_loaded_and_told_apart(folders: Folders) -> None:
    folders.bundle("inst_a")
    extension(folders.added, "inst_b")
    found = {row.name: row.origin for row in folders.loaded().rows()}
    assert found == {"inst_a": "bundled", "inst_b": "added"}


def test_in_one_folder_the_list_tells_which_came_along(tmp_path: Path) -> None:
    root = tmp_path / "extensions"
    extension(root, "inst_one_a")
    extension(root, "inst_one_b")
    (root / BUNDLED_LIST).write_text("inst_one_a\n")
    found = {row.name: row.origin for row in Installation.loaded(root, tmp_path).rows()}
    assert found == {"inst_one_a": "bundled", "inst_one_b": "added"}


def test_the_list_names_the_extensions_of_the_repository() -> None:
    answer = subprocess.run(["git", "ls-files", "extensions/*/extension.toml"], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode != 0 or not answer.stdout:
        pytest.skip("not a git repository")
    assert bundled_names(ROOT / "extensions") == {Path(line).parent.name for line in answer.stdout.splitlines()}


def test_a_name_that_is_taken_is_a_row_with_its_reason(folders: Folders) -> None:
    folders.bundle("inst_twin")
    extension(folders.added, "inst_twin", "1 / 0")
    first, second = folders.loaded().rows()
    assert (first.origin, first.problem) == ("bundled", None)
    assert second.origin == "added" and "Another extension has the name 'inst_twin', which comes with the program" in str(second.problem)


def test_one_switched_off_takes_no_part_and_is_not_imported_at_the_next_start(folders: Folders) -> None:
    extension(folders.added, "inst_off", CODE)
    installation = folders.loaded()
    assert signs(installation, "inst_off") == "f0.5"
    installation.switch("inst_off", False)
    with pytest.raises(NotSupported, match="It is switched off"):
        signs(installation, "inst_off")
    (folders.added / "inst_off" / "__init__.py").write_text("raise RuntimeError('imported')")
    again = folders.loaded()
    assert again.row("inst_off").problem == "It is switched off." and not again.row("inst_off").enabled
    assert "RuntimeError: imported" in str(again.switch("inst_off", True).problem)


def test_a_run_keeps_the_extensions_that_it_began_with(folders: Folders) -> None:
    extension(folders.added, "inst_run")
    installation = folders.loaded()
    request = GenerationRequest(extensions={"inst_run": {}})
    running = installation.registry.instances(request)
    installation.switch("inst_run", False)
    assert running.request(request).prompt == "n0.5"


def test_a_folder_put_there_is_found_without_a_restart_and_changed_files_are_read_again(folders: Folders) -> None:
    installation = folders.loaded()
    folder = extension(folders.added, "inst_new", "from .part import SIGN\n" + CODE.replace("self.name[-1]", "SIGN"))
    (folder / "part.py").write_text("SIGN = 'first'\n")
    installation.refresh()
    assert signs(installation, "inst_new") == "first0.5"
    (folder / "part.py").write_text("SIGN = 'other'\n")
    installation.refresh()
    assert signs(installation, "inst_new") == "first0.5"
    installation.retry("inst_new")
    assert signs(installation, "inst_new") == "other0.5"


@pytest.mark.parametrize(("forced", "on"), [("none", {"mode_a_none", "mode_b_none"}), ("extra", {"mode_a_extra"}), ("all", set[str]())])
def test_the_command_line_switches_off_together(folders: Folders, forced: Any, on: set[str]) -> None:
    folders.bundle(f"mode_a_{forced}")
    extension(folders.added, f"mode_b_{forced}")
    installation = folders.loaded(forced=forced)
    assert {row.name for row in installation.rows() if row.extension} == on
    if forced != "none":
        with pytest.raises(NotSupported, match="--disable-"):
            installation.set_mode("none")


def test_the_page_switches_off_together_and_on_again(folders: Folders) -> None:
    folders.bundle("together_a")
    extension(folders.added, "together_b")
    installation = folders.loaded()
    installation.set_mode("extra")
    assert {row.name for row in folders.loaded().rows() if row.extension} == {"together_a"}
    installation.set_mode("none")
    assert {row.name for row in installation.rows() if row.extension} == {"together_a", "together_b"}


def test_a_bundled_one_is_neither_removed_nor_replaced(folders: Folders) -> None:
    folders.bundle("inst_mine")
    installation = folders.loaded()
    with pytest.raises(BadRequest, match="comes with the program"):
        installation.folder_of("inst_mine")
    with pytest.raises(NotFound, match="inst_mine"):
        installation.row("inst_mind")


def test_one_in_the_programs_own_folder_is_not_taken_away_from_a_data_folder(folders: Folders) -> None:
    extension(folders.bundled, "inst_stray")
    installation = folders.loaded()
    assert installation.row("inst_stray").origin == "added"
    with pytest.raises(BadRequest, match="lies in the program's own folder"):
        installation.folder_of("inst_stray")


def test_an_unreadable_state_is_put_aside(folders: Folders) -> None:
    (folders.data / "extensions.json").write_text("{")
    extension(folders.added, "inst_state")
    assert folders.loaded().row("inst_state").extension
    assert (folders.data / "extensions.unreadable.json").exists()


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "def f(): f()\nf()"])
def test_whatever_an_import_does_the_others_load(folders: Folders, code: str) -> None:
    name = f"inst_import_{abs(hash(code))}"
    extension(folders.added, name, code)
    extension(folders.added, f"{name}_good")
    rows = {row.name: row for row in folders.loaded().rows()}
    assert rows[f"{name}_good"].extension and "could not be imported" in str(rows[name].problem)
    assert "Traceback" in rows[name].traceback


START = """
import sys
from pathlib import Path
from modules.plugins.installation import Installation
found = Installation.loaded(Path(sys.argv[1]), Path(sys.argv[2]))
print([row.name for row in found.rows() if row.extension], found.state.current.safe_mode)
"""


@pytest.mark.slow
def test_what_kills_the_program_twice_while_it_loads_is_left_out_and_named(folders: Folders) -> None:
    folders.bundle("kill_bundled")
    extension(folders.added, "kill_first", "import os; os._exit(9)")
    extension(folders.added, "kill_other")
    command = [sys.executable, "-c", START, str(folders.bundled), str(folders.data)]
    starts = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True) for _ in range(3)]
    assert [start.returncode for start in starts] == [9, 9, 0]
    assert starts[2].stdout.strip() == "['kill_bundled'] culprit='kill_first' deaths=2"
    installation = folders.loaded()
    assert {row.name for row in installation.rows() if row.extension} == {"kill_bundled"}
    installation.leave_safe_mode(without_culprit=True)
    assert {row.name for row in installation.rows() if row.extension} == {"kill_bundled", "kill_other"}
    assert installation.state.current.safe_mode is None
