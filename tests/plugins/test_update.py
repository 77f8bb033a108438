"""New versions: what they change, in place and back, and what happens to one that does not work."""

from pathlib import Path

import pytest

from modules.contract.errors import NotFound, NotSupported
from modules.contract.request import GenerationRequest
from modules.plugins.install import Installer
from modules.plugins.installation import Installation
from modules.plugins.update import Updates
from tests.plugins.repository import commit, git, needs_git, repository, set_version
from tests.plugins.writing import CODE, extension


@pytest.fixture
def updates(tmp_path: Path) -> Updates:
    return Updates(Installer(Installation.loaded(tmp_path / "program", tmp_path / "data")))


def installed(updates: Updates, source: Path, *, by_git: bool = False) -> None:
    """Install a folder, or its repository, and switch it on."""
    installer = updates.installer
    staged = installer.stage_url(repository(source), local=True) if by_git else installer.stage_folder(source)
    assert updates.installation.switch(installer.install(staged).name, True).extension


def sign(updates: Updates, name: str) -> str:
    request = GenerationRequest(extensions={name: {}})
    return updates.installation.registry.instances(request).request(request).prompt


@needs_git
def test_an_update_says_what_it_changes_before_anything_changes(updates: Updates, tmp_path: Path) -> None:
    source = extension(tmp_path, "up_git")
    installed(updates, source, by_git=True)
    assert updates.check("up_git", local=True) == ""
    old = git(source, "rev-parse", "HEAD")
    set_version(source, "1.3")
    commit(source, "Say another letter")
    (source / "__init__.py").write_text(CODE.replace("self.name[-1]", "'z'"))
    (source / "more.txt").write_text("x")
    new = commit(source, "And one more file")
    assert updates.check("up_git", local=True) == f"commit {new[:8]}"
    changes = updates.prepare("up_git", local=True)
    assert (changes.old_version, changes.new_version, changes.old_commit, changes.new_commit) == ("1.2", "1.3", old, new)
    assert changes.commits == ["And one more file", "Say another letter"]
    assert changes.files == ["~ __init__.py", "~ extension.toml", "+ more.txt"] and not changes.problem
    assert sign(updates, "up_git") == "t0.5"
    assert updates.apply("up_git").version == "1.3"
    assert sign(updates, "up_git") == "z0.5"
    record = updates.installation.record_of("up_git")
    assert record and record.source.commit == new
    assert updates.check("up_git", local=True) == ""


@needs_git
def test_one_can_go_back_and_forth(updates: Updates, tmp_path: Path) -> None:
    source = extension(tmp_path, "up_back")
    installed(updates, source, by_git=True)
    first = git(source, "rev-parse", "HEAD")
    (source / "__init__.py").write_text(CODE.replace("self.name[-1]", "'z'"))
    set_version(source, "2.0")
    commit(source, "Z")
    updates.prepare("up_back", local=True)
    updates.apply("up_back")
    assert updates.go_back("up_back").version == "1.2" and sign(updates, "up_back") == "k0.5"
    record = updates.installation.record_of("up_back")
    assert record and record.source.commit == first
    assert updates.go_back("up_back").version == "2.0" and sign(updates, "up_back") == "z0.5"


@needs_git
def test_a_new_version_that_cannot_be_loaded_goes_back_by_itself_and_says_so(updates: Updates, tmp_path: Path) -> None:
    source = extension(tmp_path, "up_broken")
    installed(updates, source, by_git=True)
    (source / "__init__.py").write_text("1 / 0")
    set_version(source, "1.3")
    commit(source, "Broken")
    updates.prepare("up_broken", local=True)
    done = updates.apply("up_broken")
    assert done.version == "1.2" and "ZeroDivisionError" in done.problem
    assert sign(updates, "up_broken") == "n0.5"


def test_one_from_a_folder_is_updated_from_that_folder(updates: Updates, tmp_path: Path) -> None:
    source = extension(tmp_path, "up_folder")
    installed(updates, source)
    assert updates.check("up_folder", local=True) == ""
    set_version(source, "1.4")
    assert updates.check_all(local=True) == {"up_folder": "version 1.4"}
    updates.prepare("up_folder", local=True)
    assert updates.apply("up_folder").version == "1.4"


def test_one_that_is_off_stays_off(updates: Updates, tmp_path: Path) -> None:
    source = extension(tmp_path, "up_off")
    installed(updates, source)
    updates.installation.switch("up_off", False)
    (source / "__init__.py").write_text("1 / 0")
    updates.prepare("up_off", local=True)
    assert updates.apply("up_off").problem == ""
    assert not updates.installation.row("up_off").enabled


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('name = "up_other"', 'name = "another_name"'), "calls itself 'another_name'"),
        (("api = 1", "api = 2"), "version 2 of the extension interface"),
        (("api = 1", 'api = 1\nrequires = ["no-such-package"]'), "needs no-such-package, which is not installed"),
    ],
)
def test_a_new_version_that_cannot_be_is_not_put_in_place(updates: Updates, tmp_path: Path, change: tuple[str, str], words: str) -> None:
    source = extension(tmp_path, "up_other")
    installed(updates, source)
    manifest = source / "extension.toml"
    manifest.write_text(manifest.read_text().replace(*change))
    updates.prepare("up_other", local=True)
    with pytest.raises(NotSupported, match=words):
        updates.apply("up_other")
    assert updates.installation.row("up_other").version == "1.2"


@needs_git
def test_a_clone_that_somebody_put_there_is_known_and_updated(updates: Updates, tmp_path: Path) -> None:
    source = extension(tmp_path / "theirs", "up_clone")
    url = repository(source)
    updates.installer.root.mkdir(parents=True, exist_ok=True)
    git(updates.installer.root, "clone", "-q", url, "up_clone")
    updates.installation.refresh()
    assert updates.check("up_clone", local=True) == ""
    set_version(source, "3.0")
    commit(source, "Three")
    assert updates.check("up_clone", local=True)
    updates.prepare("up_clone", local=True)
    assert updates.apply("up_clone").version == "3.0"


def test_what_came_from_nowhere_cannot_be_updated(updates: Updates, tmp_path: Path) -> None:
    extension(updates.installer.root, "up_dropped")
    updates.installer.link(extension(tmp_path, "up_link"))
    updates.installation.refresh()
    with pytest.raises(NotSupported, match="did not come from an address"):
        updates.check("up_dropped", local=True)
    with pytest.raises(NotSupported, match="is used where it lies"):
        updates.check("up_link", local=True)
    with pytest.raises(NotFound, match="no earlier version"):
        updates.go_back("up_dropped")
    with pytest.raises(NotFound, match="Nothing waits"):
        updates.apply("up_dropped")
