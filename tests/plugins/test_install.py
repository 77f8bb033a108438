"""From a folder, an archive or an address to the other extensions: examined first, switched off, and out again."""

import io
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, NotSupported, Unavailable
from modules.plugins.addresses import checked
from modules.plugins.git import Git
from modules.plugins.install import STAGING, Installer
from modules.plugins.installation import Installation
from tests.plugins.repository import commit, git, needs_git, repository, set_version
from tests.plugins.writing import CODE, extension


@pytest.fixture
def installer(tmp_path: Path) -> Iterator[Installer]:
    found = Installer(Installation.loaded(tmp_path / "program", tmp_path / "data"))
    yield found
    staging = found.root / STAGING
    assert not staging.exists() or list(staging.iterdir()) == [], "something was left behind"


REQUIRES = 'name = "req"\ntitle = "x"\nversion = "1"\napi = 1\nrequires = '


def zipped(files: dict[str, str | bytes], *, links: dict[str, str] | None = None) -> bytes:
    """An archive of files, and of links to what stands behind them."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name, target in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return data.getvalue()


def parts(name: str, **more: str | bytes) -> dict[str, str | bytes]:
    """The files of an extension, in a folder as GitHub makes one."""
    files = {"extension.toml": f'name = "{name}"\ntitle = "{name}"\nversion = "1.0"\napi = 1\n', "__init__.py": CODE, **more}
    return {f"{name}-main/{path}": content for path, content in files.items()}


def test_a_folder_is_copied_and_stays_off_until_somebody_switches_it_on(installer: Installer, tmp_path: Path) -> None:
    source = extension(tmp_path / "mine", "from_folder")
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "x.pyc").write_bytes(b"x")
    row = installer.install(installer.stage_folder(source))
    assert (row.enabled, row.extension, row.origin) == (False, None, "added")
    record = installer.installation.record_of("from_folder")
    assert record and (record.source.kind, record.source.url, record.reviewed) == ("folder", str(source), False)
    assert sorted(path.name for path in (installer.root / "from_folder").iterdir()) == ["__init__.py", "extension.toml"]
    assert installer.installation.switch("from_folder", True).extension
    record = installer.installation.record_of("from_folder")
    assert record and record.reviewed


def test_nothing_in_it_runs_before_it_is_switched_on(installer: Installer, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    code = f"open({str(trace)!r}, 'w').close()\n" + CODE
    source = extension(tmp_path / "mine", "runs_late", code)
    (source / "install.py").write_text(f"open({str(trace)!r}, 'w').close()\n")
    staged = installer.stage_folder(source)
    assert staged.examined.signs == ("install.py",)
    installer.install(staged)
    assert not trace.exists()
    installer.installation.switch("runs_late", True)
    assert trace.exists()


def test_a_link_uses_the_folder_where_it_lies(installer: Installer, tmp_path: Path) -> None:
    source = extension(tmp_path / "mine", "from_link")
    installer.link(source)
    assert installer.installation.switch("from_link", True).extension
    installer.remove("from_link")
    assert (source / "__init__.py").exists()


def test_an_archive_is_unpacked_without_the_folder_at_its_top(installer: Installer) -> None:
    row = installer.install(installer.stage_zip(zipped(parts("from_zip"))))
    assert row.folder and (row.folder / "__init__.py").is_file()
    assert installer.installation.switch("from_zip", True).extension


@pytest.mark.parametrize(
    "name",
    ["../out.py", "/etc/out.py", "a/../../out.py", "..\\out.py", "C:\\out.py", "C:out.py", "a:stream", "x/con.py", "aux", "x./y", "x /y",
     "\u0000x", "n" * 300],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(installer: Installer, tmp_path: Path, name: str) -> None:
    data = zipped({**parts("slips"), "slips-main/PLACE": "x"})
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed := io.BytesIO(), "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            written = zipfile.ZipInfo(entry.filename)
            if entry.filename.endswith("PLACE"):
                written.filename = name  # as a hostile program writes it: the constructor would cut it at a NUL
            new.writestr(written, content)
    with pytest.raises(BadRequest, match=r"The archive has a file whose name|cannot be read"):
        installer.stage_zip(changed.getvalue())
    assert not list(tmp_path.rglob("out.py")) and not (tmp_path / "data" / "extensions" / "slips").exists()


def test_a_link_in_an_archive_is_refused(installer: Installer) -> None:
    with pytest.raises(BadRequest, match="has a link in it"):
        installer.stage_zip(zipped(parts("has_link"), links={"has_link-main/secret": "/etc/passwd"}))


def test_a_link_out_of_a_folder_is_refused(installer: Installer, tmp_path: Path) -> None:
    source = extension(tmp_path / "mine", "leads_out")
    (source / "secret").symlink_to("/etc")
    with pytest.raises(BadRequest, match="'secret' in it is a link to somewhere else"):
        installer.stage_folder(source)


def test_a_huge_archive_is_refused_by_what_comes_out_of_it(installer: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modules.plugins.archives.MOST_BYTES", 10_000)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb-main/zeros.py", bytes(1_000_000))
    with pytest.raises(BadRequest, match="unpacks to more than"):
        installer.stage_zip(data.getvalue())


def test_an_archive_of_too_many_files_is_refused(installer: Installer) -> None:
    with pytest.raises(BadRequest, match="5001 files"):
        installer.stage_zip(zipped({f"a/{number}": "" for number in range(5001)}))


@pytest.mark.parametrize("data", [b"", b"no archive", zipped(parts("cut_off"))[:-40]])
def test_what_is_no_archive_is_refused(installer: Installer, data: bytes) -> None:
    with pytest.raises(BadRequest, match="cannot be read"):
        installer.stage_zip(data)


def test_an_archive_other_than_the_index_names_is_refused(installer: Installer) -> None:
    with pytest.raises(BadRequest, match="SHA-256 is another"):
        installer.stage_zip(zipped(parts("pinned")), expected="0" * 64)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"scripts/old.py": "import modules.scripts"}, "AUTOMATIC1111's web UI, which does not run here: it needs its native twin"),
        ({"README.md": "x"}, "It has no extension.toml"),
        ({"extension.toml": 'name = "api_nine"\ntitle = "x"\nversion = "1"\napi = 9'}, "version 9 of the extension interface"),
        ({"extension.toml": 'name = "../up"\ntitle = "x"\nversion = "1"\napi = 1'}, "name: String should match pattern"),
        ({"extension.toml": 'name = "no_code"\ntitle = "x"\nversion = "1"\napi = 1'}, "It has no __init__.py"),
        ({"extension.toml": f'{REQUIRES}["a @ https://x.org/a.whl"]', "__init__.py": ""}, "names an address"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_a_sentence(installer: Installer, files: dict[str, str | bytes], words: str) -> None:
    with pytest.raises(NotSupported, match=words):
        installer.install(installer.stage_zip(zipped(files)))


def test_a_name_that_is_taken_is_refused(installer: Installer, tmp_path: Path) -> None:
    installer.install(installer.stage_zip(zipped(parts("taken"))))
    with pytest.raises(NotSupported, match="'taken' already"):
        installer.install(installer.stage_zip(zipped(parts("taken"))))
    with pytest.raises(NotSupported, match="'taken' already"):
        installer.link(extension(tmp_path / "mine", "taken"))


def test_what_is_removed_can_be_brought_back_as_it_was(installer: Installer) -> None:
    installer.install(installer.stage_zip(zipped(parts("comes_back"))))
    installer.installation.switch("comes_back", True)
    before = installer.installation.record_of("comes_back")
    removed = installer.remove("comes_back")
    assert not (installer.root / "comes_back").exists() and installer.removed() and installer.installation.rows() == []
    row = installer.bring_back(removed.id)
    assert row.extension and installer.installation.record_of("comes_back") == before
    removed = installer.remove("comes_back")
    assert installer.empty_trash() == 1 and installer.removed() == []


def test_a_folder_that_is_not_there_or_is_one_of_ours_is_refused(installer: Installer, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="There is no folder"):
        installer.stage_folder(tmp_path / "nowhere")
    with pytest.raises(BadRequest, match="There is no folder"):
        installer.stage_folder(Path("relative"))
    inside = extension(installer.root, "inside")
    with pytest.raises(BadRequest, match="among the extensions already"):
        installer.stage_folder(inside)


# By git


@needs_git
def test_a_repository_is_cloned_and_its_commit_remembered(installer: Installer, tmp_path: Path) -> None:
    source = extension(tmp_path / "theirs", "from_git")
    url = repository(source)
    row = installer.install(installer.stage_url(url, local=True))
    record = installer.installation.record_of("from_git")
    assert record and record.source.commit == git(source, "rev-parse", "HEAD") and record.source.date > 0
    assert row.folder and not (row.folder / ".git").exists()
    assert installer.installation.facts()[0]["commit_hash"] == record.source.commit


@needs_git
def test_a_branch_and_a_commit_can_be_named(installer: Installer, tmp_path: Path) -> None:
    source = extension(tmp_path / "theirs", "by_branch")
    url = repository(source)
    first = git(source, "rev-parse", "HEAD")
    git(source, "checkout", "-q", "-b", "next")
    set_version(source, "2.0")
    commit(source, "More")
    assert installer.stage_url(url, local=True, branch="next").examined.version == "2.0"
    older = installer.stage_url(url, local=True, branch="next", commit=first)
    assert (older.examined.version, older.source.commit) == ("1.2", first)
    with pytest.raises(BadRequest, match="no such repository or branch"):
        installer.stage_url(url, local=True, branch="nowhere")
    for bad in ("--upload-pack=x", "a..b", "x y"):
        with pytest.raises(BadRequest, match="not the name of a branch"):
            installer.stage_url(url, local=True, branch=bad)
    for staged in (installer.root / STAGING).iterdir():
        installer.drop(type(older)(staged / "extension", older.examined, older.source))


@needs_git
def test_hooks_links_and_submodules_of_a_repository_do_nothing(installer: Installer, tmp_path: Path) -> None:
    trace, inner = tmp_path / "ran", extension(tmp_path / "theirs", "inner_module")
    repository(inner)
    source = extension(tmp_path / "theirs", "with_tricks")
    (source / "secret").symlink_to("/etc/passwd")
    repository(source)
    git(source, "-c", "protocol.file.allow=always", "submodule", "add", "-q", inner.as_uri(), "sub")
    (source / ".gitattributes").write_text("* filter=evil\n")
    commit(source, "Tricks")
    hook = source / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {trace}\n")
    hook.chmod(0o755)
    staged = installer.stage_url(source.as_uri(), local=True)
    assert not trace.exists() and not (staged.folder / "secret").is_symlink()
    assert not (staged.folder / "sub" / "__init__.py").exists()
    installer.drop(staged)


@pytest.mark.parametrize(
    "url",
    ["http://example.org/x", "ssh://a@b/c", "git@github.com:a/b", "ext::sh -c id", "file:///tmp/x",
     "https://name:secret@example.org/x", "--help", "https://example.org/x\nhttps://b", "https://example.org", "http://127.0.0.1:1/x", ""],
)  # fmt: skip
def test_other_addresses_than_https_are_refused_from_elsewhere(url: str) -> None:
    with pytest.raises(BadRequest):
        checked(url, local=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/x.zip", "http://localhost/x", "http://[::1]:8/x", "file:///x", " https://a.org/b"])
def test_this_machine_may_name_itself(url: str) -> None:
    assert checked(url, local=True) == url.strip()


@pytest.mark.parametrize("url", ["file://elsewhere/x", "http://127.0.0.1.example.org/x", "http://10.0.0.1/x"])
def test_this_machine_may_not_name_others_without_https(url: str) -> None:
    with pytest.raises(BadRequest):
        checked(url, local=True)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/extension.git", "http://127.0.0.1:9/extension.zip"])
def test_without_an_answer_there_is_a_clear_sentence(installer: Installer, url: str) -> None:
    if url.endswith(".git") and Git().program is None:
        pytest.skip("this machine has no git")
    with pytest.raises(Unavailable, match=r"cannot be reached.* Is this machine connected to the internet"):
        installer.stage_url(url, local=True)


def test_without_git_the_way_out_is_said(installer: Installer) -> None:
    without = Git(local=True)
    without.program = None
    installer.git = lambda local: without
    with pytest.raises(NotSupported, match=r"no git\. Install git, or give the address of a zip file"):
        installer.stage_url("https://example.org/extension", local=False)


def test_a_start_puts_back_what_a_crash_in_an_update_moved(installer: Installer) -> None:
    installer.install(installer.stage_zip(zipped(parts("was_moved"))))
    kept = installer.root / ".previous" / "was_moved" / "was_moved"
    kept.parent.mkdir(parents=True)
    (installer.root / "was_moved").rename(kept)
    again = Installer(Installation.loaded(installer.installation.bundled, installer.installation.data))
    assert again.installation.row("was_moved").folder == installer.root / "was_moved"
