"""The Extensions tab's routes. What changes the set of extensions is for people at this machine, and is written down."""

import base64
import binascii
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Protocol

from fastapi import APIRouter, Request

from modules.contract.errors import BadRequest, WebuiError
from modules.server.extension_bodies import (
    FileNamed,
    FolderAsked,
    IdAsked,
    IndexAsked,
    ModeAsked,
    Named,
    RestoreAsked,
    SafeModeLeft,
    SetNamed,
    Switched,
    UrlAsked,
)
from modules.server.extension_tasks import Say, Tasks
from modules.server.here import from_this_machine
from modules.server.threads import Threads

WHY_NOT = "Extensions are programs, so only somebody at this machine may change them."
HOW = "Open the page on the machine itself, or put the extension's folder into its folder of extensions there."


class Refused(WebuiError):
    """Somebody elsewhere wanted to change the set of extensions."""

    status = 403


class Desk(Protocol):
    """The set of extensions. `local` with a call: it comes from this machine, whose folders and servers it may then name."""

    def overview(self) -> dict[str, Any]: ...

    def details(self, name: str) -> dict[str, Any]: ...

    def switch(self, name: str, on: bool) -> dict[str, Any]: ...

    def set_mode(self, mode: Literal["none", "extra", "all"]) -> None: ...

    def leave_safe_mode(self, without_culprit: bool) -> None: ...

    def rescan(self) -> list[str]: ...

    def retry(self, name: str) -> dict[str, Any]: ...

    def install_url(self, url: str, *, branch: str, commit: str, expected: str, local: bool, say: Say) -> dict[str, Any]: ...

    def install_zip(self, data: bytes) -> dict[str, Any]: ...

    def install_folder(self, path: str, *, link: bool) -> dict[str, Any]: ...

    def packages(self, name: str) -> dict[str, Any]: ...

    def install_packages(self, name: str, say: Say) -> dict[str, Any]: ...

    def check_updates(self, *, local: bool, say: Say) -> dict[str, str]: ...

    def prepare_update(self, name: str, *, local: bool, say: Say) -> dict[str, Any]: ...

    def apply_update(self, name: str) -> dict[str, Any]: ...

    def drop_update(self, name: str) -> None: ...

    def go_back(self, name: str) -> dict[str, Any]: ...

    def remove(self, name: str) -> dict[str, Any]: ...

    def bring_back(self, id: str) -> dict[str, Any]: ...

    def empty_trash(self) -> int: ...

    def load_index(self, url: str, *, local: bool) -> dict[str, Any]: ...

    def kept_index(self) -> dict[str, Any] | None: ...

    def save_set(self, name: str) -> dict[str, Any]: ...

    def saved_set(self, file: str) -> dict[str, Any]: ...

    def delete_set(self, file: str) -> None: ...

    def restore_set(self, *, file: str = "", data: bytes = b"", local: bool, say: Say) -> list[str]: ...


class Journal(Protocol):
    """Where it is written down."""

    def write(self, what: str, **facts: Any) -> None: ...

    def lines(self) -> list[dict[str, Any]]: ...


class Door:
    """Lets in who is at this machine, and writes down who did what, and who wanted to."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def lets_in(self, request: Request) -> bool:
        return from_this_machine(request)

    def pass_through(self, request: Request, what: str, **facts: Any) -> bool:
        """Whether the request may name this machine's own folders and servers. Raises Refused for one from elsewhere."""
        client = request.client.host if request.client else ""
        if not self.lets_in(request):
            self.journal.write(f"refused: {what}", client=client, **facts)
            raise Refused(WHY_NOT, HOW)
        self.journal.write(what, client=client, **facts)
        return from_this_machine(request)

    def installed(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row that has just come, written down with what it is exactly."""
        self.journal.write("installed", name=row["name"], version=row["version"], **row["source"])
        return row


def router(desk: Desk, journal: Journal) -> APIRouter:
    """All routes."""
    routes = APIRouter(prefix="/webui/extensions")
    door, threads, tasks = Door(journal), Threads("extensions-route", 2), Tasks("extensions")
    add_reading(routes, desk, journal, door, threads, tasks)
    add_switching(routes, desk, door, threads)
    add_installing(routes, desk, door, threads, tasks)
    add_updating(routes, desk, door, threads, tasks)
    add_index(routes, desk, door, threads, tasks)
    add_sets(routes, desk, door, threads, tasks)
    return routes


def add_reading(routes: APIRouter, desk: Desk, journal: Journal, door: Door, threads: Threads, tasks: Tasks) -> None:
    @routes.get("")
    async def overview(request: Request) -> dict[str, Any]:
        """Everything the tab shows at once. Who may change nothing does not learn the machine's folders either."""
        found = await threads.run(desk.overview)
        allowed = door.lets_in(request)
        if not allowed:
            found = {**found, "folder": "", "rows": [without_paths(row) for row in found["rows"]]}
        return {**found, "allowed": allowed, "why": "" if allowed else f"{WHY_NOT} {HOW}", "here": from_this_machine(request),
                "tasks": tasks.unfinished()}

    @routes.get("/log")
    async def log(request: Request) -> list[dict[str, Any]]:
        """What was done, the newest first."""
        return await threads.run(journal.lines) if door.lets_in(request) else []

    @routes.get("/tasks/{id}")
    async def task(id: str) -> dict[str, Any]:
        """How something stands that takes a while."""
        return tasks.get(id)

    @routes.get("/details/{name}")
    async def details(name: str, request: Request) -> dict[str, Any]:
        """What a careful person wants to know before switching one on."""
        found = await threads.run(desk.details, name)
        return found if door.lets_in(request) else {**found, "row": without_paths(found["row"])}


def without_paths(row: dict[str, Any]) -> dict[str, Any]:
    """A row for somebody elsewhere: tracebacks and folders tell what a machine looks like."""
    failures = [{**one, "traceback": ""} for one in row["failures"]]
    return {**row, "folder": "", "traceback": "", "source": {}, "failures": failures}


def add_switching(routes: APIRouter, desk: Desk, door: Door, threads: Threads) -> None:
    @routes.post("/switch")
    async def switch(asked: Switched, request: Request) -> dict[str, Any]:
        """Switch one on or off, from the next picture on; its row as it is then."""
        door.pass_through(request, "switched on" if asked.on else "switched off", name=asked.name)
        return await threads.run(desk.switch, asked.name, asked.on)

    @routes.post("/retry")
    async def retry(asked: Named, request: Request) -> dict[str, Any]:
        """Import one anew, whose files were changed; its row as it is then."""
        door.pass_through(request, "loaded anew", name=asked.name)
        return await threads.run(desk.retry, asked.name)

    @routes.post("/mode")
    async def mode(asked: ModeAsked, request: Request) -> dict[str, str]:
        """Switch many off together, or no longer."""
        door.pass_through(request, "off together", mode=asked.mode)
        await threads.run(desk.set_mode, asked.mode)
        return {"mode": asked.mode}

    @routes.post("/leave-safe-mode")
    async def leave_safe_mode(asked: SafeModeLeft, request: Request) -> dict[str, str]:
        """End what a bad start began."""
        door.pass_through(request, "left safe mode", without_culprit=asked.without_culprit)
        await threads.run(desk.leave_safe_mode, asked.without_culprit)
        return {"mode": "none"}

    @routes.post("/rescan")
    async def rescan(request: Request) -> dict[str, list[str]]:
        """Look at the folders again, and load what is new."""
        door.pass_through(request, "looked again")
        return {"new": await threads.run(desk.rescan)}


def add_installing(routes: APIRouter, desk: Desk, door: Door, threads: Threads, tasks: Tasks) -> None:
    @routes.post("/install")
    async def install(asked: UrlAsked, request: Request) -> dict[str, str]:
        """Install from an address, switched off; the answer is the task's id, whose result is the row."""
        local = door.pass_through(request, "asked to install", url=asked.url, branch=asked.branch, commit=asked.commit)
        return {"task": tasks.start("Installing", lambda say: door.installed(from_url(desk, asked, local, say)))}

    @routes.post("/install-folder")
    async def install_folder(asked: FolderAsked, request: Request) -> dict[str, Any]:
        """Install from a folder of this machine, switched off; the row."""
        door.pass_through(request, "asked to install", folder=asked.path, link=asked.link)
        return await threads.run(lambda: door.installed(desk.install_folder(asked.path, link=asked.link)))

    @routes.post("/install-zip")
    async def install_zip(request: Request) -> dict[str, Any]:
        """Install from a zip file, switched off; the body is the file itself. The row."""
        door.pass_through(request, "asked to install", file="a zip file")
        data = await request.body()
        return await threads.run(lambda: door.installed(desk.install_zip(data)))

    @routes.get("/packages/{name}")
    async def packages(name: str, request: Request) -> dict[str, str]:
        """What installing an extension's requirements would add; the answer is the task's id."""
        if not door.lets_in(request):
            raise Refused(WHY_NOT, HOW)
        return {"task": tasks.start("Looking for packages", lambda say: desk.packages(name))}

    @routes.post("/packages")
    async def install_packages(asked: Named, request: Request) -> dict[str, str]:
        """Install an extension's requirements; the answer is the task's id, whose lines are pip's."""
        door.pass_through(request, "installed packages", name=asked.name)
        return {"task": tasks.start("Installing packages", partial(desk.install_packages, asked.name))}

    @routes.post("/remove")
    async def remove(asked: Named, request: Request) -> dict[str, Any]:
        """Put one into the trash; the answer says how to bring it back."""
        door.pass_through(request, "removed", name=asked.name)
        return await threads.run(desk.remove, asked.name)

    @routes.post("/bring-back")
    async def bring_back(asked: IdAsked, request: Request) -> dict[str, Any]:
        """Take one out of the trash; its row."""
        door.pass_through(request, "brought back", id=asked.id)
        return await threads.run(desk.bring_back, asked.id)

    @routes.post("/empty-trash")
    async def empty_trash(request: Request) -> dict[str, int]:
        """Delete what was removed for good."""
        door.pass_through(request, "emptied the trash")
        return {"deleted": await threads.run(desk.empty_trash)}


def from_url(desk: Desk, asked: UrlAsked, local: bool, say: Say) -> dict[str, Any]:
    return desk.install_url(asked.url, branch=asked.branch, commit=asked.commit, expected=asked.expected, local=local, say=say)


def add_updating(routes: APIRouter, desk: Desk, door: Door, threads: Threads, tasks: Tasks) -> None:
    @routes.post("/check-updates")
    async def check(request: Request) -> dict[str, str]:
        """Ask where each added one came from whether there is something new; the answer is the task's id."""
        local = door.pass_through(request, "looked for updates")
        return {"task": tasks.start("Looking for updates", lambda say: desk.check_updates(local=local, say=say))}

    @routes.post("/update/prepare")
    async def prepare(asked: Named, request: Request) -> dict[str, str]:
        """Fetch the newest version and say what it changes; the answer is the task's id."""
        local = door.pass_through(request, "fetched an update", name=asked.name)
        return {"task": tasks.start("Fetching the update", lambda say: desk.prepare_update(asked.name, local=local, say=say))}

    @routes.post("/update/apply")
    async def apply(asked: Named, request: Request) -> dict[str, Any]:
        """Put the fetched version in place; how that ended."""
        door.pass_through(request, "asked to update", name=asked.name)

        def applied() -> dict[str, Any]:
            done = desk.apply_update(asked.name)
            door.journal.write("update failed" if done["problem"] else "updated", **done)
            return done

        return await threads.run(applied)

    @routes.post("/update/drop")
    async def drop(asked: Named, request: Request) -> dict[str, str]:
        """Forget the fetched version."""
        door.pass_through(request, "dropped an update", name=asked.name)
        await threads.run(desk.drop_update, asked.name)
        return {"name": asked.name}

    @routes.post("/go-back")
    async def go_back(asked: Named, request: Request) -> dict[str, Any]:
        """Put the version before in place; how that ended."""
        door.pass_through(request, "went back", name=asked.name)
        return await threads.run(desk.go_back, asked.name)


def add_index(routes: APIRouter, desk: Desk, door: Door, threads: Threads, tasks: Tasks) -> None:
    @routes.get("/index")
    async def kept() -> dict[str, Any] | None:
        """The index that was loaded last; null if there is none."""
        return await threads.run(desk.kept_index)

    @routes.post("/index")
    async def load(asked: IndexAsked, request: Request) -> dict[str, str]:
        """Load an index; the answer is the task's id."""
        local = door.pass_through(request, "loaded an index", url=asked.url)
        return {"task": tasks.start("Loading the index", lambda say: desk.load_index(asked.url, local=local))}


def add_sets(routes: APIRouter, desk: Desk, door: Door, threads: Threads, tasks: Tasks) -> None:
    @routes.post("/sets")
    async def save(asked: SetNamed, request: Request) -> dict[str, Any]:
        """Save the set of extensions as it is."""
        door.pass_through(request, "saved the set", name=asked.name)
        return await threads.run(desk.save_set, asked.name)

    @routes.get("/sets/{file}")
    async def saved(file: str, request: Request) -> dict[str, Any]:
        """A saved set, whole."""
        if not door.lets_in(request):
            raise Refused(WHY_NOT, HOW)
        return await threads.run(desk.saved_set, file)

    @routes.post("/sets/delete")
    async def delete(asked: FileNamed, request: Request) -> dict[str, str]:
        """Delete a saved set."""
        door.pass_through(request, "deleted a saved set", file=asked.file)
        await threads.run(desk.delete_set, asked.file)
        return {"file": asked.file}

    @routes.post("/sets/restore")
    async def restore(asked: RestoreAsked, request: Request) -> dict[str, str]:
        """Bring about a saved set; the answer is the task's id, whose result lists what could not be done."""
        local = door.pass_through(request, "restored a set", file=asked.file or "a file")
        work: Callable[[Say], Any] = lambda say: desk.restore_set(file=asked.file, data=decoded(asked.data), local=local, say=say)  # noqa: E731
        return {"task": tasks.start("Restoring", work)}


def decoded(text: str) -> bytes:
    """Base64's bytes. Raises BadRequest."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest("The file did not arrive whole.") from None
