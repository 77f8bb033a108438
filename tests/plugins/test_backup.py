"""The set of extensions as a file, brought about again elsewhere."""

import json
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotFound
from modules.plugins.backup import read
from modules.plugins.desk import Desk
from modules.plugins.installation import Installation
from tests.plugins.repository import commit, git, needs_git, repository, set_version
from tests.plugins.writing import extension


def desk(folder: Path) -> Desk:
    return Desk(Installation.loaded(folder / "program", folder / "data"))


@needs_git
def test_a_set_is_brought_about_on_another_machine_at_its_commits(tmp_path: Path) -> None:
    source = extension(tmp_path / "theirs", "set_git")
    url = repository(source)
    first = git(source, "rev-parse", "HEAD")
    one = desk(tmp_path / "one")
    one.install_url(url, branch="", commit="", expected="", local=True)
    one.switch("set_git", True)
    one.install_folder(str(extension(tmp_path / "theirs", "set_folder")), link=False)
    set_version(source, "9.0")
    commit(source, "Nine")
    saved = one.saved_set(one.save_set("mine & yours")["file"])

    other = desk(tmp_path / "other")
    extension(other.installer.root, "set_surplus")
    other.rescan()
    assert other.restore_set(data=json.dumps(saved).encode(), local=True) == []
    rows = {row["name"]: row for row in other.overview()["rows"]}
    assert (rows["set_git"]["source"]["commit"], rows["set_git"]["version"], rows["set_git"]["on"]) == (first, "1.2", True)
    assert not rows["set_folder"]["on"] and not rows["set_surplus"]["on"]
    assert [one.automatic for one in other.backups.files()] == [True], "what was there before is saved by itself"


@needs_git
def test_one_that_went_on_goes_back_to_its_commit(tmp_path: Path) -> None:
    source = extension(tmp_path / "theirs", "set_moved")
    here = desk(tmp_path)
    here.install_url(repository(source), branch="", commit="", expected="", local=True)
    here.switch("set_moved", True)
    file = here.save_set("")["file"]
    set_version(source, "2.0")
    commit(source, "Two")
    here.prepare_update("set_moved", local=True)
    assert here.apply_update("set_moved")["version"] == "2.0"
    assert here.restore_set(file=file, local=True) == []
    assert here.installation.row("set_moved").version == "1.2"


def test_what_cannot_be_brought_about_is_said(tmp_path: Path) -> None:
    here = desk(tmp_path)
    data = json.dumps({"program": "Easel", "extensions": [{"name": "lost", "title": "Lost"}]}).encode()
    assert here.restore_set(data=data, local=True) == ["Lost: It is not here, and the set does not say where it came from."]
    data = json.dumps({"program": "Easel", "extensions": [{"name": "far", "source": {"kind": "folder", "url": "/x"}}]}).encode()
    assert "not an address that extensions come from" in here.restore_set(data=data, local=False)[0]


NO_SETS = [b"", b"[]", b"{}", b'{"program": "A1111"}', b'{"program": "Easel", "extensions": [{"name": "../x"}]}', b"[" * 100_000]


@pytest.mark.parametrize("data", NO_SETS)
def test_what_is_no_set_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequest, match="not a saved set"):
        read(data)


def test_sets_are_listed_and_deleted_by_name_only(tmp_path: Path) -> None:
    here = desk(tmp_path)
    (tmp_path / "data" / "secret.json").write_text('{"program": "Easel"}')
    (tmp_path / "data" / "config_states").mkdir()
    (tmp_path / "data" / "config_states" / "of_a1111.json").write_text('{"webui": {}}')
    for file in ("../secret.json", "of_a1111.json", "/etc/passwd"):
        with pytest.raises(NotFound):
            here.saved_set(file)
    file = here.save_set("../../up")["file"]
    assert [one["file"] for one in here.overview()["saved"]] == [file] and "/" not in file
    here.delete_set(file)
    assert here.overview()["saved"] == []
