"""One file from its address to the disk: into `name.part`, on from where it stopped, weighed, compared with its hash, then named."""

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import BadRequest, NotSupported, WebuiError
from modules.contract.files import sync_folder
from modules.downloads.connection import Answer, Client, Refused, Unreachable

BLOCK = 1 << 18
RESERVE = 512 * 2**20  # bytes of the disk that are left free
PART = ".part"


class Damaged(BadRequest):
    """A file that is not what was promised; it has been thrown away."""


class NoRoom(WebuiError):
    """The disk is full, or would be."""

    status = 507


@dataclass
class Wanted:
    """A file to fetch. `part` is where its beginning lies; `etag` says of which state of the file it is the beginning.

    `size` is what the site said, which may be a rough figure; `exact` is what the answer says.
    """

    url: str
    part: Path
    size: int | None = None
    sha256: str | None = None
    etag: str = ""
    exact: int | None = None


@dataclass(frozen=True)
class Watch:
    """What a transfer tells and asks: `moved(bytes, total)` now and then, `opened(answer)` once, `stop()` raises to end it."""

    moved: Callable[[int, int | None], None]
    opened: Callable[[Answer], None]
    stop: Callable[[], None]


def fetch(wanted: Wanted, client: Client, watch: Watch, *, largest: int) -> None:
    """The whole file, at `wanted.part`. `etag` and `exact` are filled in as soon as they are known.

    Raises Unreachable and Refused (the part stays, for the next try), Damaged (the part is gone), NoRoom, BadRequest, and whatever
    `watch.stop` raises.
    """
    begun = size_of(wanted.part)
    if begun and wanted.exact is not None and begun > wanted.exact:
        wanted.part.unlink()
        begun = 0
    digest = hashlib.sha256()
    if begun:
        read_into(digest, wanted.part, watch)
    if not begun or begun != wanted.exact:
        digest = receive(wanted, client, watch, digest, begun=begun, largest=largest)
    if wanted.sha256 and digest.hexdigest() != wanted.sha256:
        wanted.part.unlink(missing_ok=True)
        wanted.etag, wanted.exact = "", None
        raise Damaged(
            f"The file is damaged: its hash is {digest.hexdigest()[:10]} and should be {wanted.sha256[:10]}.",
            "It was thrown away. Try again.",
        )
    wanted.sha256 = digest.hexdigest()


def receive(wanted: Wanted, client: Client, watch: Watch, digest: "hashlib._Hash", *, begun: int, largest: int) -> "hashlib._Hash":
    """The rest of the file, written behind what is there; the digest of all of it."""
    headers = {"Range": f"bytes={begun}-"} if begun else {}
    if begun and wanted.etag:
        headers["If-Range"] = wanted.etag
    try:
        answer = client.open(wanted.url, headers)
    except Refused as error:
        if error.code == 416 and begun:  # what is there is longer than the file has become, or it has all of it without our knowing
            wanted.part.unlink(missing_ok=True)
            raise Unreachable("The file has changed since its download began.", "It is fetched anew.") from None
        raise
    with answer:
        watch.opened(answer)
        start, total = place_of(answer, begun)
        if start == 0 and begun:
            digest = hashlib.sha256()  # the file is another by now, or its server cannot go on in the middle
        judge(answer, wanted, total, largest=largest)
        wanted.exact = total
        etag = answer.header("etag")
        wanted.etag = etag if etag.startswith('"') else ""  # a weak one says nothing about bytes
        check_room(wanted.part.parent, (total if total is not None else wanted.size or 0) - start)
        write(answer, wanted, watch, digest, start=start, most=largest)
    return digest


def place_of(answer: Answer, begun: int) -> tuple[int, int | None]:
    """The byte at which an answer begins, and the size of the whole file, if it says so. Raises Unreachable for a wrong place."""
    length = answer.header("content-length")
    if answer.status == 200:
        return 0, int(length) if length.isdigit() else None
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", answer.header("content-range").strip())
    if not found or int(found[1]) != begun:
        raise Unreachable(f"{answer.name} went on at another place than it was asked to.", "It is asked again.")
    return begun, int(found[3]) if found[3] != "*" else int(found[2]) + 1


def judge(answer: Answer, wanted: Wanted, total: int | None, *, largest: int) -> None:
    """Raise for an answer that cannot be the file."""
    if answer.header("content-type").lower().startswith("text/html"):
        raise NotSupported(
            f"{answer.name} answers with a web page in place of the file.", "A login may be needed: set a token under Tokens."
        )
    if total is not None and total > largest:
        raise NotSupported(
            f"The file has {total / 2**30:.1f} GB; at most {largest / 2**30:.0f} GB are fetched.", "The limit is in the settings."
        )
    if total == 0:
        raise Damaged(f"{answer.name} answers with an empty file.", "Try again later.")
    if (
        total is not None
        and wanted.size is not None
        and wanted.sha256 is None
        and abs(total - wanted.size) > max(4096, wanted.size // 1000)
    ):
        raise Damaged(
            f"The file has {total:,} bytes; {answer.name} had announced {wanted.size:,}.", "It may have changed: search for it again."
        )


def check_room(folder: Path, needed: int) -> None:
    """Raise NoRoom unless the disk has room for so many more bytes."""
    free = shutil.disk_usage(folder).free
    if needed + RESERVE > free:
        raise NoRoom(
            f"There is not enough room on the disk: {needed / 2**30:.1f} GB are needed, {max(free - RESERVE, 0) / 2**30:.1f} GB are free.",
            "Delete something, empty the trash on this page, and go on.",
        )


def write(answer: Answer, wanted: Wanted, watch: Watch, digest: "hashlib._Hash", *, start: int, most: int) -> None:
    """The body of an answer behind the first `start` bytes of the part, on the disk when this returns."""
    done = start
    try:
        with wanted.part.open("r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            try:
                while piece := answer.read(BLOCK):
                    file.write(piece)
                    digest.update(piece)
                    done += len(piece)
                    if done > most:
                        raise NotSupported(f"The file has more than {most / 2**30:.0f} GB.", "The limit is in the settings.")
                    watch.moved(done, wanted.exact)
                    watch.stop()
            finally:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoRoom(
                f"The disk is full after {done / 2**30:.1f} GB.", "Delete something, empty the trash on this page, and go on."
            ) from None
        raise
    watch.stop()
    if wanted.exact is not None and done < wanted.exact:
        raise Unreachable(f"The connection to {answer.name} broke.", "It is tried again.")
    if wanted.exact is not None and done > wanted.exact:
        wanted.part.unlink(missing_ok=True)
        raise Damaged(f"{answer.name} sent more than the file holds.", "Try again.")
    wanted.exact = done


def read_into(digest: "hashlib._Hash", path: Path, watch: Watch) -> None:
    """Take up what is there already."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            watch.stop()


def hash_of(path: Path) -> str:
    """A file's SHA-256, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """A file's bytes; 0 without one."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def settle(part: Path, path: Path) -> Path:
    """Give a whole file its name, or the name with a number if that is taken; never in place of another. The path it got."""
    number = 1
    while True:
        place = path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
        try:
            os.link(part, place)
        except FileExistsError:
            if part.samefile(place):  # the program ended between the two steps
                part.unlink()
                return place
            number += 1
            continue
        except OSError:  # a file system without links: the name is taken first, in one step
            try:
                os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                number += 1
                continue
            os.replace(part, place)
        else:
            part.unlink()
        sync_folder(place.parent)
        return place


def free_name(path: Path, taken: set[Path]) -> Path:
    """The path, or the first with a number behind it, at which nothing lies or is being fetched."""
    number, place = 1, path
    while place.exists() or place in taken or Path(f"{place}{PART}").exists():
        number += 1
        place = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return place


class Pace:
    """How fast it goes, over the last seconds."""

    def __init__(self, seconds: float = 8.0) -> None:
        self.seconds = seconds
        self.marks: list[tuple[float, int]] = []

    def mark(self, done: int) -> None:
        """Note how many bytes there are now."""
        now = time.monotonic()
        if not self.marks or now - self.marks[-1][0] >= 0.25:
            self.marks = [mark for mark in self.marks if mark[0] > now - self.seconds] + [(now, done)]

    @property
    def speed(self) -> float:
        """Bytes a second."""
        if len(self.marks) < 2:
            return 0.0
        (first, before), (last, after) = self.marks[0], self.marks[-1]
        return max((after - before) / (last - first), 0.0) if last > first else 0.0
