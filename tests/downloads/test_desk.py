"""Downloads against a server that breaks: nothing wrong ever gets a model's name, and nothing is fetched twice."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from modules.contract.errors import BadRequest, NotFound, NotSupported
from modules.downloads import transfer
from modules.downloads.desk import MOST_TRIES, Desk, Rules
from modules.downloads.ledger import Download, Ledger
from modules.downloads.sources import Preferences, Sources, Tokens
from modules.downloads.transfer import NoRoom
from modules.weights.header import read_header
from tests.downloads.site import MODEL, REPOSITORY, VERSION, Site, lora

NAME = "dunes-lora.safetensors"


class Bench:
    """A desk, the site that it asks, and the folder that files go to."""

    def __init__(self, site: Site, sources: Sources, data: Path) -> None:
        self.site, self.sources, self.data = site, sources, data
        self.folder = data / "models" / "Lora"
        self.rules = Rules()
        self.arrived: list[Path] = []
        self.desk = self.new_desk()
        self.desk.start()

    def new_desk(self) -> Desk:
        return Desk(
            Ledger(self.data / "list.json"), self.sources.client, folder_of=lambda kind: self.folder, rules=lambda: self.rules,
            check=lambda part, suffix: void(read_header(part)), arrived=lambda path, sha256: self.arrived.append(path), pause=0.01,
        )  # fmt: skip

    def add(self, link: str = "", number: int = 0) -> Download:
        """Ask for a file of a link, by default the LoRA of the repository."""
        (found,) = self.sources.find(link or f"{self.site.hub}/{REPOSITORY}").found
        return self.desk.add(found, (found.offers or ())[number], "lora")

    def ended(self, download: Download, *states: str) -> Download:
        """Wait until it is in one of the states, over by default."""
        return until(lambda: self.desk.get(download.id), lambda one: one.state in (states or ("done", "failed", "cancelled")))

    def names(self) -> list[str]:
        """The models and what there is of them, without their notes."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix in (".safetensors", ".part"))


def void(value: object) -> None:
    """Nothing."""


def until(get: Callable[[], Download], right: Callable[[Download], bool], seconds: float = 15) -> Download:
    end = time.monotonic() + seconds
    while not right(one := get()):
        assert time.monotonic() < end, one
        time.sleep(0.01)
    return one


@pytest.fixture
def bench(site: Site, sources: Sources, tmp_path: Path) -> Iterator[Bench]:
    site.files[NAME] = lora(20_000)  # 166 kB, in pieces of 16 kB
    bench = Bench(site, sources, tmp_path)
    yield bench
    if site.faults.slow:
        site.faults.slow.set()
    bench.desk.stop()


def test_a_file_arrives_whole_under_its_name(bench: Bench) -> None:
    one = bench.ended(bench.add())
    assert (one.state, one.error, one.sha256) == ("done", "", bench.site.hash_of(NAME))
    assert (bench.folder / NAME).read_bytes() == bench.site.files[NAME]
    assert (bench.names(), bench.arrived) == ([NAME], [bench.folder / NAME])


@pytest.mark.parametrize("cuts", [[0], [1], [80_000], [160_000], [10, 0, 50_000, 1, 90_000]])
def test_a_connection_that_breaks_is_taken_up_where_it_broke(cuts: list[int], bench: Bench) -> None:
    bench.site.faults.cut_after = list(cuts)
    one = bench.ended(bench.add())
    assert (one.state, (bench.folder / NAME).read_bytes()) == ("done", bench.site.files[NAME])
    sent = [asked.headers for asked in bench.site.downloads()]
    assert len(sent) == len(cuts) + 1
    size = len(bench.site.files[NAME])
    so_far = 0
    for cut, headers in zip(cuts, sent[1:], strict=True):
        so_far += min(cut, size - so_far)
        assert headers.get("range") == (f"bytes={so_far}-" if so_far else None)
        assert headers.get("if-range") == ('"one"' if so_far else None)


def test_a_file_that_changed_meanwhile_is_fetched_anew(bench: Bench) -> None:
    bench.site.faults.cut_after = [80_000]
    bench.site.faults.slow = threading.Event()
    one = bench.add(f"{bench.site.bay}/models/{MODEL}")
    until(lambda: bench.desk.get(one.id), lambda one: bench.desk.received(one) > 0)
    bench.site.files[NAME], bench.site.faults.etag = lora(20_000, fill=1), '"two"'
    bench.site.sha256[NAME] = one.announced or ""
    bench.site.faults.slow.set()
    failed = bench.ended(one)
    assert (failed.state, failed.error[:20]) == ("failed", "The file is damaged:")  # for it was announced with another hash
    assert bench.names() == []


def test_a_server_that_cannot_go_on_in_the_middle_begins_anew(bench: Bench) -> None:
    bench.site.faults.cut_after, bench.site.faults.ranges = [80_000], False
    one = bench.ended(bench.add())
    assert (one.state, (bench.folder / NAME).read_bytes()) == ("done", bench.site.files[NAME])


def test_a_part_longer_than_the_file_is_thrown_away(bench: Bench) -> None:
    bench.site.faults.slow = threading.Event()
    one = bench.add()
    until(lambda: bench.desk.get(one.id), lambda one: bench.desk.received(one) > 0)
    bench.desk.hold(one.id)
    bench.site.faults.slow.set()
    bench.site.faults.slow = None
    until(lambda: bench.desk.get(one.id), lambda one: one.id not in bench.desk.working)
    with one.part.open("ab") as file:
        file.truncate(len(bench.site.files[NAME]) + 100)
    bench.desk.resume(one.id)
    assert bench.ended(one).state == "done"
    assert (bench.folder / NAME).read_bytes() == bench.site.files[NAME]


def test_a_wrong_hash_is_found_and_the_file_thrown_away(bench: Bench) -> None:
    bench.site.sha256[NAME] = "0" * 64
    one = bench.ended(bench.add())
    assert (one.state, one.error) == ("failed", f"The file is damaged: its hash is {real(bench)[:10]} and should be 0000000000.")
    assert (bench.names(), bench.arrived) == ([], [])


def real(bench: Bench) -> str:
    bench.site.sha256.clear()
    return bench.site.hash_of(NAME)


def test_a_web_page_in_place_of_a_file_never_gets_its_name(bench: Bench) -> None:
    bench.site.faults.html = True
    one = bench.ended(bench.add())
    assert (one.state, "web page" in one.error, bench.names()) == ("failed", True, [])


def test_a_file_that_is_no_model_never_gets_its_name(bench: Bench) -> None:
    bench.site.files[NAME] = b"<html>" + b" " * 5000
    one = bench.ended(bench.add())
    assert (one.state, one.error) == ("failed", f"{NAME} cannot be used: it is a web page, not a model.")
    assert bench.names() == []


def test_a_server_that_announces_more_than_it_sends_is_asked_again_and_at_last_given_up(bench: Bench) -> None:
    bench.site.faults.wrong_size = True
    one = bench.ended(bench.add())
    assert (one.state, "broke" in one.error) == ("failed", True)
    assert NAME not in bench.names()
    assert len(bench.site.downloads()) <= 2 * MOST_TRIES + 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again_later(status: int, bench: Bench) -> None:
    bench.site.faults.statuses["/cdn/"] = [status, status]
    assert bench.ended(bench.add()).state == "done"


@pytest.mark.parametrize(("status", "words"), [(401, "asks for a login"), (403, "refuses this file"), (404, "has no such file")])
def test_a_refusal_is_not_asked_again(status: int, words: str, bench: Bench) -> None:
    bench.site.faults.statuses["/cdn/"] = [status] * 3
    one = bench.ended(bench.add())
    assert (one.state, words in one.error, len(bench.site.faults.statuses["/cdn/"])) == ("failed", True, 2)
    bench.site.faults.statuses.clear()
    bench.desk.resume(one.id)
    assert bench.ended(one).state == "done"


def test_a_file_for_people_who_are_logged_in_needs_the_token(bench: Bench) -> None:
    bench.site.faults.token = "mine"
    link = f"{bench.site.bay}/models/{MODEL}"
    one = bench.ended(bench.add(link))
    assert (one.state, one.error) == ("failed", "Civitai asks for a login (status 401).")
    assert "Tokens" in one.hint
    bench.sources.tokens.set("civitai", "mine")
    bench.desk.resume(one.id)
    assert bench.ended(one).state == "done"
    assert "mine" not in (bench.data / "list.json").read_text()


def test_what_goes_beside_a_model_is_written_as_a1111_does(bench: Bench) -> None:
    one = bench.ended(bench.add(f"{bench.site.bay}/models/{MODEL}"))
    assert (one.state, one.notes) == ("done", [])
    assert sorted(path.name for path in bench.folder.iterdir()) == ["dunes-lora.json", "dunes-lora.preview.png", NAME, "dunes-lora.yaml"]
    notes = json.loads((bench.folder / "dunes-lora.json").read_text())
    assert notes == {
        "description": "Much sand.", "sd version": "SD1", "activation text": "dune sea, red sand",
        "notes": f"{bench.site.bay}/models/{MODEL}?modelVersionId={VERSION}",
    }  # fmt: skip
    with Image.open(bench.folder / "dunes-lora.preview.png") as preview:
        assert preview.size == (768, 384)


def test_nothing_goes_beside_a_model_where_the_settings_say_so(bench: Bench) -> None:
    bench.rules = Rules(companions=False)
    bench.ended(bench.add(f"{bench.site.bay}/models/{MODEL}"))
    assert [path.name for path in bench.folder.iterdir()] == [NAME]


def test_a_name_that_is_taken_is_never_written_over(bench: Bench) -> None:
    bench.folder.mkdir(parents=True)
    (bench.folder / NAME).write_bytes(b"mine")
    one = bench.ended(bench.add())
    assert (one.path.name, (bench.folder / NAME).read_bytes()) == ("dunes-lora-2.safetensors", b"mine")


def test_a_name_that_was_taken_while_the_file_was_fetched_is_not_written_over(bench: Bench) -> None:
    bench.site.faults.slow = threading.Event()
    one = bench.add()
    until(lambda: bench.desk.get(one.id), lambda one: bench.desk.received(one) > 0)
    (bench.folder / NAME).write_bytes(b"mine")
    bench.site.faults.slow.set()
    assert bench.ended(one).path.name == "dunes-lora-2.safetensors"
    assert (bench.folder / NAME).read_bytes() == b"mine"


def test_a_download_is_paused_gone_on_with_and_cancelled(bench: Bench) -> None:
    bench.site.faults.slow = slow = threading.Event()
    one = bench.add()
    until(lambda: bench.desk.get(one.id), lambda one: bench.desk.received(one) > 0)
    bench.desk.hold(one.id)
    until(lambda: bench.desk.get(one.id), lambda one: one.id not in bench.desk.working)
    there = one.part.stat().st_size
    assert 0 < there < len(bench.site.files[NAME])
    slow.set()
    bench.site.faults.slow = None
    bench.desk.resume(one.id)
    assert bench.ended(one).state == "done"
    assert bench.site.downloads()[-1].headers["range"] == f"bytes={there}-"

    bench.site.faults.slow = threading.Event()
    two = bench.add()
    until(lambda: bench.desk.get(two.id), lambda one: bench.desk.received(one) > 0)
    bench.desk.cancel(two.id)
    until(lambda: bench.desk.get(two.id), lambda one: one.id not in bench.desk.working)
    assert (bench.desk.get(two.id).state, bench.names()) == ("cancelled", [NAME])
    bench.desk.remove(two.id)
    with pytest.raises(NotFound):
        bench.desk.get(two.id)


def test_two_are_fetched_at_once_and_the_third_waits(bench: Bench) -> None:
    for number in range(3):
        bench.site.files[f"{number}.safetensors"] = lora(20_000, fill=number)
    bench.site.faults.slow = threading.Event()
    (found,) = bench.sources.find(f"{bench.site.hub}/{REPOSITORY}").found
    offers = [offer for offer in found.offers or () if offer.name[0].isdigit()]
    wanted = [bench.desk.add(found, offer, "lora") for offer in offers]
    until(lambda: wanted[1], lambda one: bench.desk.received(one) > 0)
    assert [bench.desk.get(one.id).state for one in wanted] == ["running", "running", "queued"]
    with pytest.raises(BadRequest, match="is being downloaded already"):
        bench.desk.add(found, offers[0], "lora")
    bench.site.faults.slow.set()
    assert [bench.ended(one).state for one in wanted] == ["done"] * 3


def test_too_large_files_and_full_disks_are_refused_before_anything_is_fetched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.rules = Rules(largest=1000)
    with pytest.raises(NotSupported, match="at most 0 GB are fetched"):
        bench.add()
    bench.rules = Rules()
    monkeypatch.setattr(transfer, "RESERVE", 10**18)
    with pytest.raises(NoRoom, match="not enough room on the disk"):
        bench.add()
    assert bench.site.downloads() == []


def test_a_disk_that_fills_up_is_said_to_be_full_and_the_part_stays(site: Site, tmp_path: Path) -> None:
    """In a process of its own: a limit on file sizes stands for the disk."""
    site.files[NAME] = lora(20_000)
    script = f"""
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from modules.downloads.connection import Client, Site
from modules.downloads.transfer import Wanted, Watch, NoRoom, fetch
nothing = lambda *values: None
part = Path(sys.argv[1]) / "x.part"
try:
    fetch(Wanted("{site.hub}/cdn/{NAME}", part), Client(lambda: [Site("s", "{site.hub}")]), Watch(nothing, nothing, nothing), largest=10**9)
except NoRoom as error:
    print("full", part.stat().st_size, error.message)
"""
    root = Path(__file__).parents[2]
    answer = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, capture_output=True, text=True, timeout=60)
    assert answer.stdout.startswith("full 100000 The disk is full"), answer.stderr


def test_downloads_go_on_after_a_restart(bench: Bench) -> None:
    bench.site.faults.slow = threading.Event()
    one = bench.add()
    until(lambda: bench.desk.get(one.id), lambda one: bench.desk.received(one) > 0 and one.etag != "")
    bench.desk.stop()
    there = one.part.stat().st_size
    bench.site.faults.slow.set()
    bench.desk = bench.new_desk()
    assert [download.state for download in bench.desk.all()] == ["queued"]
    bench.desk.start()
    assert bench.ended(one).state == "done"
    assert bench.site.downloads()[-1].headers["range"] == f"bytes={there}-"


KILLED = """
import sys, time
from pathlib import Path
from modules.downloads.desk import Desk
from modules.downloads.ledger import Ledger
from modules.downloads.sources import Preferences, Sources, Tokens
data, hub, link = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
sources = Sources(Tokens(data / "t"), lambda: Preferences(hub, hub), seconds=5)
desk = Desk(Ledger(data / "list.json"), sources.client, folder_of=lambda kind: data / "models" / "Lora", pause=0.01)
desk.start()
if not desk.all():
    (found,) = sources.find(link).found
    desk.add(found, found.offers[0], "lora")
print("begun", flush=True)
while any(one.state != "done" for one in desk.all()):
    time.sleep(0.01)
print("done", flush=True)
"""


def test_a_killed_program_leaves_no_half_file_and_goes_on(site: Site, tmp_path: Path) -> None:
    site.files = {NAME: lora(400_000)}  # 3.2 MB
    root, folder = Path(__file__).parents[2], tmp_path / "models" / "Lora"
    command = [sys.executable, "-c", KILLED, str(tmp_path), site.hub, f"{site.hub}/{REPOSITORY}"]
    for number in range(4):
        site.faults.cut_after = [400_000] * 3
        process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.004 * number)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        whole = [path for path in folder.iterdir() if path.suffix == ".safetensors"]
        assert all(path.read_bytes() == site.files[NAME] for path in whole)
        json.loads((tmp_path / "list.json").read_text())
    site.faults.cut_after = []
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60)
    assert answer.stdout == "begun\ndone\n", answer.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["dunes-lora.json", NAME]
    assert (folder / NAME).read_bytes() == site.files[NAME]


def test_a_program_that_ended_between_naming_a_file_and_noting_it_fetches_nothing_again(bench: Bench) -> None:
    one = bench.ended(bench.add())
    bench.desk.stop()
    rows = json.loads((bench.data / "list.json").read_text())
    rows[0]["state"] = "running"
    (bench.data / "list.json").write_text(json.dumps(rows))
    asked = len(bench.site.asked)
    bench.desk = bench.new_desk()
    bench.desk.start()
    assert bench.ended(one).state == "done"
    assert (len(bench.site.asked), bench.names()) == (asked, [NAME])


def test_a_damaged_list_is_put_aside(bench: Bench) -> None:
    bench.desk.stop()
    (bench.data / "list.json").write_text('{"no": "list"')
    assert bench.new_desk().all() == []
    assert (bench.data / "list.unreadable.json").exists()


def test_no_network_is_said_in_words_and_tried_again(bench: Bench, tmp_path: Path) -> None:
    one = bench.add()
    bench.ended(one)
    gone = Sources(Tokens(tmp_path / "t"), lambda: Preferences(bench.site.hub, bench.site.bay), seconds=5)
    bench.site.close()
    desk = Desk(Ledger(tmp_path / "other.json"), gone.client, folder_of=lambda kind: bench.folder, pause=30)
    desk.start()
    (found, offer) = next(iter(bench.sources.offered.files.values()))
    two = until(
        lambda: desk.get(desk.add(found, offer, "lora").id) if not desk.all() else desk.all()[0], lambda one: one.state == "waiting"
    )
    assert two.error == "Hugging Face cannot be reached (the connection was refused)."
    assert 0 < (desk.next_try(two.id) or 0) <= 30
    desk.stop()
