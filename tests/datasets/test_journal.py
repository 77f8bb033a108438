"""Changes to a data set can be taken back, also after a killed program."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest
from modules.datasets.journal import Change, Journal


def state(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file() and ".removed" not in path.parts
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "sub" / "b.txt").write_text("two")
    return tmp_path


def test_changes_are_taken_back_and_made_again_by_another_program(root: Path) -> None:
    first = state(root)
    Journal(root).edit("change", [("a.txt", b"1"), ("sub/b.txt", None), ("new/c.txt", b"3")])
    second = state(root)
    assert second == {"a.txt": b"1", "new/c.txt": b"3"}
    Journal(root).edit("more", [("a.txt", b"11")])
    third = state(root)
    Journal(root).undo()
    assert state(root) == second
    Journal(root).undo()
    assert state(root) == first
    Journal(root).redo()
    assert state(root) == second
    Journal(root).redo()
    assert state(root) == third
    with pytest.raises(BadRequest, match="no change to make again"):
        Journal(root).redo()


def test_a_change_after_taking_back_forgets_the_other_way(root: Path) -> None:
    journal = Journal(root)
    journal.edit("one", [("a.txt", b"1")])
    journal.undo()
    journal.edit("two", [("a.txt", b"2")])
    assert journal.redoable() is None
    assert [edit.what for edit in journal.edits()] == ["two"]


def test_a_file_that_something_else_changed_is_not_overwritten(root: Path) -> None:
    journal = Journal(root)
    journal.edit("one", [("a.txt", b"1")])
    (root / "a.txt").write_text("by hand")
    with pytest.raises(BadRequest, match=r"a\.txt was changed by something else"):
        journal.undo()
    assert (root / "a.txt").read_text() == "by hand"


def test_what_changes_nothing_is_no_change(root: Path) -> None:
    journal = Journal(root)
    assert journal.edit("nothing", [("a.txt", b"one"), ("missing.txt", None)]) is None
    assert journal.edits() == []


def test_a_failure_in_the_middle_takes_all_back(root: Path) -> None:
    before = state(root)

    def changes() -> Iterator[Change]:
        yield "a.txt", b"1"
        yield "c.txt", b"3"
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        Journal(root).edit("fails", changes())
    assert state(root) == before
    assert Journal(root).edits() == []


KILLED = """
import os, sys
from pathlib import Path
from modules.datasets.journal import Journal
root, left, undo = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "undo"
def step(event, arguments):
    global left
    if event in ("os.rename", "os.mkdir", "open") and root.name in str(arguments[0]):
        left -= 1
        if left < 0:
            os._exit(9)
sys.addaudithook(step)
journal = Journal(root)
if undo:
    journal.undo()
else:
    journal.edit("killed", [("a.txt", b"1"), ("sub/b.txt", None), ("d.txt", b"4")])
"""


@pytest.mark.parametrize("way", ["edit", "undo"])
def test_a_program_killed_at_any_moment_of_a_change_leaves_one_side_of_it(tmp_path: Path, way: str) -> None:
    seen: set[str] = set()
    for moment in range(0, 60, 3):
        root = tmp_path / f"{way}-{moment}"
        (root / "sub").mkdir(parents=True)
        (root / "a.txt").write_text("one")
        (root / "sub" / "b.txt").write_text("two")
        before = state(root)
        if way == "undo":
            Journal(root).edit("change", [("a.txt", b"1"), ("sub/b.txt", None), ("d.txt", b"4")])
        code = subprocess.run([sys.executable, "-c", KILLED, str(root), str(moment), way], check=False).returncode
        Journal(root)
        now = state(root)
        assert now in (before, {"a.txt": b"1", "d.txt": b"4"}), moment
        seen.add("before" if now == before else "behind")
        if code == 0:
            break
    assert code == 0 and seen == {"before", "behind"}


def test_names_that_lead_out_of_the_folder_are_refused(root: Path) -> None:
    (root / "link").symlink_to(root.parent)
    for name in ("../x.txt", "/etc/x", ".removed/x", "link/x.txt", "", "sub/../../x"):
        with pytest.raises(BadRequest):
            Journal(root).edit("out", [(name, b"x")])


def test_a_link_is_put_aside_itself_and_not_what_it_leads_to(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    target = tmp_path_factory.mktemp("elsewhere") / "secret.png"
    target.write_bytes(b"secret")
    (root / "link.png").symlink_to(target)
    journal = Journal(root)
    journal.edit("put aside", [("link.png", None)])
    assert not (root / "link.png").is_symlink()
    assert target.read_bytes() == b"secret"
    journal.undo()
    assert (root / "link.png").is_symlink()


def test_forgetting_frees_what_is_kept(root: Path) -> None:
    journal = Journal(root)
    journal.edit("one", [("a.txt", None)])
    assert journal.forget() > 3
    assert not (root / ".removed").exists()
    assert journal.edits() == []
