"""Takes downloads in, does two at a time beside everything else, and keeps them over pauses, broken connections and restarts."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotFound, NotSupported, WebuiError
from modules.downloads.companions import write_companions
from modules.downloads.connection import Answer, Client, Refused, Unreachable
from modules.downloads.ledger import OPEN, UNDER_WAY, Download, Ledger, State
from modules.downloads.offers import Found, Offer, file_name
from modules.downloads.transfer import Damaged, Pace, Wanted, Watch, check_room, fetch, free_name, hash_of, settle, size_of

log = logging.getLogger(__name__)
AT_ONCE = 2
MOST_TRIES = 8
LONGEST_WAIT = 300.0
MOST_WAITING = 200


class Ended(Exception):
    """The download is not to go on: it was paused or cancelled, or the program stops."""


@dataclass(frozen=True)
class Rules:
    """What the settings say. `largest` is in bytes; `companions`: whether description and preview go beside the file."""

    largest: int = 64 * 2**30
    companions: bool = True


class Desk:
    """All downloads. `folder_of(kind)` is where a kind's files go, and raises NotFound; `check(part, suffix)` raises for a file that
    cannot be used; `arrived(path, sha256)` is called once a file has its name."""

    def __init__(
        self,
        ledger: Ledger,
        client: Client,
        *,
        folder_of: Callable[[str], Path],
        check: Callable[[Path, str], None] = lambda part, suffix: None,
        arrived: Callable[[Path, str], None] = lambda path, sha256: None,
        rules: Callable[[], Rules] = Rules,
        pause: float = 1.0,
    ) -> None:
        self.ledger, self.client = ledger, client
        self.folder_of, self.check, self.arrived, self.rules = folder_of, check, arrived, rules
        self.pause = pause
        self.changed = threading.Condition()
        self.downloads: dict[str, Download] = {one.id: one for one in ledger.read()}
        self.answers: dict[str, Answer] = {}
        self.paces: dict[str, Pace] = {}
        self.done: dict[str, int] = {}
        self.not_before: dict[str, float] = {}
        self.furthest: dict[str, int] = {}
        self.working: set[str] = set()
        self.stopping = False
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to work; what was under way when the program ended goes on."""
        self.stopping = False
        self.threads = [threading.Thread(target=self.work, name=f"download {number + 1}", daemon=True) for number in range(AT_ONCE)]
        for thread in self.threads:
            thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End all connections; what is under way goes on at the next start."""
        with self.changed:
            self.stopping = True
            answers = list(self.answers.values())
            self.changed.notify_all()
        for answer in answers:
            answer.interrupt()
        for thread in self.threads:
            thread.join(seconds)

    # What a person asks for

    def add(self, found: Found, offer: Offer, kind: str) -> Download:
        """Take in a file of a site. Raises NotSupported, NotFound, BadRequest, NoRoom before anything is fetched."""
        folder, rules = self.folder_of(kind), self.rules()
        name = file_name(offer.name)
        if offer.size is not None and offer.size > rules.largest:
            raise NotSupported(
                f"{name} has {offer.size / 2**30:.1f} GB; at most {rules.largest / 2**30:.0f} GB are fetched.",
                "The limit is in the settings.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        check_room(folder, offer.size or 0)
        with self.changed:
            opened = [one for one in self.downloads.values() if one.state in OPEN]
            same = next((one for one in opened if one.url == offer.url and one.path.parent == folder), None)
            if same:
                raise BadRequest(f"{same.path.name} is being downloaded already.", "See the list below.")
            if len(opened) >= MOST_WAITING:
                raise BadRequest(f"{MOST_WAITING} downloads are waiting already.", "Wait until some have ended.")
            path = free_name(folder / name, {one.path for one in opened})
            download = Download(
                url=offer.url, path=path, kind=kind, site=found.site, title=found.title, page=found.page, size=offer.size,
                sha256=offer.sha256, announced=offer.sha256, added=time.time(), companions=offer.companions,
            )  # fmt: skip
            self.downloads[download.id] = download
            self.keep()
        return download

    def all(self) -> list[Download]:
        """All downloads, oldest first."""
        with self.changed:
            return list(self.downloads.values())

    def get(self, identifier: str) -> Download:
        """Raises NotFound."""
        with self.changed:
            if identifier not in self.downloads:
                raise NotFound("There is no such download any more.")
            return self.downloads[identifier]

    def hold(self, identifier: str) -> Download:
        """Pause; the part that is there stays."""
        return self.turn(identifier, "paused", UNDER_WAY)

    def resume(self, identifier: str) -> Download:
        """Go on with one that is paused, waits for its next try, or has failed."""
        with self.changed:
            download = self.turn(identifier, "queued", frozenset({"paused", "failed", "waiting"}))
            download.error = download.hint = ""
            download.tries, download.ended = 0, None
            self.not_before.pop(identifier, None)
            self.furthest.pop(identifier, None)
            self.keep()
            return download

    def cancel(self, identifier: str) -> Download:
        """Give up, and throw away what is there."""
        download = self.turn(identifier, "cancelled", OPEN)
        with self.changed:
            download.ended = time.time()
            if identifier not in self.working:  # else its thread does it as soon as it has let go of the file
                download.part.unlink(missing_ok=True)
            self.keep()
        return download

    def remove(self, identifier: str) -> None:
        """Take one that is over off the list; its file stays. Raises NotFound, BadRequest while it is not over."""
        with self.changed:
            download = self.get(identifier)
            if download.state in UNDER_WAY | {"paused"}:
                raise BadRequest("This download is not over.", "Cancel it first.")
            if download.state == "failed":
                download.part.unlink(missing_ok=True)
            del self.downloads[identifier]
            self.keep()

    def speed(self, identifier: str) -> float:
        """Bytes a second."""
        pace = self.paces.get(identifier)
        return pace.speed if pace else 0.0

    def received(self, download: Download) -> int:
        """How many bytes of it are there."""
        if download.state == "done":
            return download.exact or download.size or 0
        known = self.done.get(download.id)
        return known if known is not None else size_of(download.part)

    def next_try(self, identifier: str) -> float | None:
        """Seconds until a waiting one is tried again."""
        moment = self.not_before.get(identifier)
        return None if moment is None else max(moment - time.monotonic(), 0.0)

    def turn(self, identifier: str, state: State, allowed: frozenset[State]) -> Download:
        """Give a download another state, and end its connection if that is not to go on."""
        with self.changed:
            download = self.get(identifier)
            if download.state not in allowed:
                raise BadRequest(f"This download is {download.state}.")
            download.state = state
            answer = self.answers.get(identifier)
            self.keep()
        if answer and state != "queued":
            answer.interrupt()
        return download

    def keep(self) -> None:
        """Write the list, and wake the threads. Called with the lock held."""
        self.ledger.write(list(self.downloads.values()))
        self.changed.notify_all()

    # What the threads do

    def work(self) -> None:
        """Do one after the other until the program stops."""
        while (download := self.take()) is not None:
            try:
                self.do(download)
            except Exception:
                log.exception("A download failed unexpectedly.")
                self.fail(download, "Something went wrong; the log has the details.", "")
            finally:
                with self.changed:
                    self.working.discard(download.id)
                    self.answers.pop(download.id, None)
                    self.paces.pop(download.id, None)
                    self.done.pop(download.id, None)
                    if download.state == "cancelled":
                        download.part.unlink(missing_ok=True)
                    self.changed.notify_all()

    def take(self) -> Download | None:
        """The next that may begin; waits for one. None when the program stops."""
        with self.changed:
            while not self.stopping:
                now = time.monotonic()
                waiting = [one for one in self.downloads.values() if one.state in ("queued", "waiting") and one.id not in self.working]
                ready = next((one for one in waiting if self.not_before.get(one.id, 0.0) <= now), None)
                if ready:
                    ready.state = "running"
                    self.working.add(ready.id)
                    self.not_before.pop(ready.id, None)
                    self.keep()
                    return ready
                soonest = min((self.not_before.get(one.id, 0.0) - now for one in waiting), default=None)
                self.changed.wait(soonest)
            return None

    def do(self, download: Download) -> None:
        """Fetch one file, and put it where it belongs."""
        wanted = Wanted(download.url, download.part, download.size, download.announced, download.etag, download.exact)
        try:
            path = named_already(download)
            if path is None:
                fetch(wanted, self.client, self.watch(download, wanted), largest=self.rules().largest)
                self.stop_if_asked(download)
                self.judge(download, wanted)
                path = settle(download.part, download.path)
            self.finish(download, wanted, path)
        except Ended:
            pass
        except WebuiError as error:
            if download.state != "running" or self.stopping:
                return  # it was ended from outside, which looks like a broken connection
            if isinstance(error, Unreachable) or (isinstance(error, Refused) and error.passing):
                self.wait(download, error)
            else:
                self.fail(download, error.message, error.hint)
        except OSError as error:
            self.fail(
                download, f"The file could not be written ({error.strerror}).", "Is the models folder there, and may it be written to?"
            )
        finally:
            with self.changed:
                download.etag, download.exact = wanted.etag, wanted.exact
                self.keep()

    def watch(self, download: Download, wanted: Wanted) -> Watch:
        """What a transfer tells and asks."""
        pace = self.paces[download.id] = Pace()

        def moved(done: int, total: int | None) -> None:
            pace.mark(done)
            self.done[download.id] = done

        def opened(answer: Answer) -> None:
            with self.changed:
                self.answers[download.id] = answer
            self.stop_if_asked(download)

        def stop() -> None:
            if wanted.exact != download.exact or wanted.etag != download.etag:  # at its first bytes: a crash from here on can go on
                with self.changed:
                    download.exact, download.etag = wanted.exact, wanted.etag
                    self.keep()
            self.stop_if_asked(download)

        return Watch(moved, opened, stop)

    def stop_if_asked(self, download: Download) -> None:
        """Raise Ended if a download is not to go on."""
        if download.state != "running" or self.stopping:
            raise Ended

    def judge(self, download: Download, wanted: Wanted) -> None:
        """Raise Damaged for a file that is no model, and throw it away."""
        try:
            self.check(download.part, download.path.suffix.lower())
        except WebuiError as error:
            download.part.unlink(missing_ok=True)
            wanted.etag, wanted.exact = "", None
            raise Damaged(error.message.replace(download.part.name, download.path.name), error.hint) from None

    def finish(self, download: Download, wanted: Wanted, path: Path) -> None:
        """Write what belongs beside a file that has its name, and say that it is there."""
        rules = self.rules()
        problems: list[str] = []
        if rules.companions:
            try:
                problems = write_companions(path, download.companions, self.client)
            except OSError as error:
                problems = [f"Its description could not be written ({error.strerror})."]
        with self.changed:
            download.path, download.sha256, download.notes = path, wanted.sha256, problems
            download.error = download.hint = ""
            download.state, download.ended = "done", time.time()
            self.keep()
        with suppress(WebuiError, OSError):  # the file is there, whatever becomes of the lists
            self.arrived(path, wanted.sha256 or "")

    def wait(self, download: Download, error: WebuiError) -> None:
        """Try again later, ever later while it gets no further than before; give up after some tries."""
        with self.changed:
            size = size_of(download.part)
            download.tries = 1 if size > self.furthest.get(download.id, 0) else download.tries + 1
            self.furthest[download.id] = max(size, self.furthest.get(download.id, 0))
            if download.tries > MOST_TRIES:
                self.fail(download, error.message, f"{MOST_TRIES} tries came to nothing. Resume tries again.")
                return
            wished = error.wait if isinstance(error, Refused) else None
            seconds = min(max(self.pause * 2 ** (download.tries - 1), wished or 0.0), LONGEST_WAIT)
            self.not_before[download.id] = time.monotonic() + seconds
            download.state, download.error, download.hint = "waiting", error.message, error.hint
            self.keep()

    def fail(self, download: Download, message: str, hint: str) -> None:
        """Note what went wrong; Resume tries again."""
        with self.changed:
            if download.state != "cancelled":
                download.state, download.error, download.hint, download.ended = "failed", message, hint, time.time()
            self.keep()


def named_already(download: Download) -> Path | None:
    """The file of a download whose program ended just after it was named; None if it still has to be fetched."""
    path = download.path
    if download.part.exists() or download.exact is None or size_of(path) != download.exact:
        return None
    return path if download.announced is None or hash_of(path) == download.announced else None
