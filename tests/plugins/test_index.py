"""An index: A1111's form with a few keys more, from a server on this machine, kept for when there is none."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from modules.contract.errors import BadRequest, Unavailable
from modules.plugins.addresses import fetched
from modules.plugins.desk import Desk
from modules.plugins.index import Index, is_newer, moment, same_address
from modules.plugins.installation import Installation
from tests.plugins.writing import extension

ENTRIES = [
    {"name": "listed", "title": "Listed", "url": "https://example.org/listed.git", "description": "<b>x</b>", "tags": ["script"],
     "version": "1.10", "api": 1, "added": "2024-03-01", "stars": 3, "commit": "a" * 40},
    {"name": "sd-theirs", "url": "https://example.org/theirs", "description": "of A1111", "tags": ["ads"],
     "commit_time": "2023-05-06T07:08:09Z"},
    {"name": "no address"}, "not an entry", {"url": "javascript:alert(1)", "name": "x"},
]  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, redirects /away/... elsewhere, and says nothing."""

    def do_GET(self) -> None:
        if self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("Location", "http://10.255.255.1/index.json")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a server with an index."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.json").write_text(json.dumps({"tags": {"script": "a script"}, "extensions": ENTRIES}))
    (folder / "page.html").write_text("<html>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_entries_are_read_and_what_makes_no_sense_is_left_out(site: str, tmp_path: Path) -> None:
    found = Index(tmp_path / "kept.json").load(f"{site}/index.json", local=True)
    assert [(entry.title, entry.runs_here) for entry in found.entries] == [("Listed", True), ("sd-theirs", False)]
    assert found.entries[0].commit == "a" * 40 and found.tags == {"script": "a script"} and found.entries[1].updated > 0


def test_the_last_one_is_kept_for_when_there_is_no_network(site: str, tmp_path: Path) -> None:
    index, url = Index(tmp_path / "kept.json"), "http://127.0.0.1:9/index.json"
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be reached.*connected to the internet"):
        index.load(url, local=True)
    index.load(f"{site}/index.json", local=True)
    kept = json.loads((tmp_path / "kept.json").read_text())
    (tmp_path / "kept.json").write_text(json.dumps({**kept, "url": url}))
    stale = index.load(url, local=True)
    assert len(stale.entries) == 2 and "cannot be reached" in stale.stale


@pytest.mark.parametrize("path", ["page.html", "nothing.json", "away/index.json"])
def test_what_is_no_index_is_refused(site: str, tmp_path: Path, path: str) -> None:
    with pytest.raises(BadRequest):
        Index(tmp_path / "kept.json").load(f"{site}/{path}", local=True)


def test_too_much_is_not_read(site: str) -> None:
    with pytest.raises(BadRequest, match="is larger than"):
        fetched(f"{site}/index.json", local=True, most=100)


def test_without_an_address_the_way_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no address of an index yet"):
        Index(tmp_path / "kept.json").load(" ", local=True)


def test_what_is_here_is_marked_with_whether_it_is_older(site: str, tmp_path: Path) -> None:
    extension(tmp_path / "data" / "extensions", "listed", manifest='name = "listed"\ntitle = "Listed"\nversion = "1.9"\napi = 1\n')
    desk = Desk(Installation.loaded(tmp_path / "program", tmp_path / "data"))
    entries = desk.load_index(f"{site}/index.json", local=True)["entries"]
    assert [(entry["installed"], entry["newer"]) for entry in entries] == [("listed", True), ("", False)]
    assert desk.overview()["index"] == f"{site}/index.json"
    kept = desk.kept_index()
    assert kept and kept["entries"] == entries


def test_addresses_and_versions_are_compared_by_what_they_mean() -> None:
    assert same_address("https://example.org/a.git", "https://Example.org/a/") and not same_address("", "")
    assert is_newer("1.10", "1.9") and not is_newer("x", "1") and not is_newer("1.0", "1")
    assert moment("2024-03-01") > 0 and moment("soon") == 0 and moment("2024-99-99") == 0 and moment(5) == 5
