"""The styles' routes: listed by file, written, renamed, deleted, and shown as they would act."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from modules.contract.errors import BadRequest, NotFound
from modules.prompts.styles import Style, StyleBook, StyleFile, merged
from modules.server.routes import Threads

LONGEST = 100_000  # characters of a prompt, as in a request
LONGEST_NAME = 500


class StyleAsked(BaseModel):
    """A style to be written. `file` counts the files from 0; `at` is the row to put it at, None the last or where it stands.

    `before` is the name that it has or had; None: it is new, and replaces none.
    """

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    prompt: str = Field("", max_length=LONGEST)
    negative_prompt: str = Field("", max_length=LONGEST)
    file: int = Field(0, ge=0)
    at: int | None = Field(None, ge=0)
    before: str | None = Field(None, max_length=LONGEST_NAME)


class StyleNamed(BaseModel):
    """A style in one of the files."""

    name: str = Field(max_length=LONGEST_NAME)
    file: int = Field(0, ge=0)


class Texts(BaseModel):
    """Both prompts' texts."""

    prompt: str = Field("", max_length=LONGEST)
    negative_prompt: str = Field("", max_length=LONGEST)


class PreviewAsked(Texts):
    """Two prompts, and the texts of a style to put around them."""

    style: Texts


@dataclass(frozen=True)
class Desk:
    """What is done with the style book. Files that others changed are read anew before each change; one change at a time."""

    book: StyleBook
    lock: threading.Lock

    @contextmanager
    def changing(self) -> Iterator[None]:
        """The book as it is on the disk, for one change; a change that fails leaves nothing of itself in memory."""
        with self.lock:
            self.book.reload()
            try:
                yield
                self.book.save()
            except BaseException:
                self.book.reload()
                raise

    def listed(self) -> dict[str, Any]:
        """The files and all their styles, also those that a later file's style of the same name puts out of force."""
        with self.lock:
            self.book.reload()
            counting = self.book.styles()
            files = [{"name": file.path.name, "problem": file.problem} for file in self.book.files]
            styles = [
                {**texts(style), "file": number, "at": at, "counts": counting[style.name] == style}
                for number, file in enumerate(self.book.files)
                for at, style in enumerate(file.styles())
            ]
        return {"files": files or [{"name": "", "problem": "No file for styles is named."}], "styles": styles}

    def put(self, asked: StyleAsked) -> dict[str, Any]:
        """Write a style. Raises BadRequest for a name that cannot be or is taken, NotFound where the one to rename is gone."""
        with self.changing():
            file = self.file(asked.file)
            name = asked.name.strip()
            if asked.before != name:
                free(file, name)
                if asked.before is not None:
                    self.rename(file, asked.before, name)
            style = Style(name, asked.prompt, asked.negative_prompt, file.path)
            put_into(file, style)
            if asked.at is not None:
                move(file, name, asked.at)
        return {**texts(style), "file": asked.file}

    def rename(self, file: StyleFile, before: str, name: str) -> None:
        """Give a row another name. Raises NotFound."""
        names = [style.name for style in file.styles()]
        if before not in names:
            raise NotFound.among("style", before, names)
        for row in file.rows:
            if row[0] == before:
                row[0] = name

    def delete(self, asked: StyleNamed) -> dict[str, Any]:
        """Take a style out of its file; answers with what it was and where, so that it can be put back. Raises NotFound, BadRequest."""
        with self.changing():
            file = self.file(asked.file)
            names = [style.name for style in file.styles()]
            if asked.name not in names:
                raise NotFound.among("style", asked.name, names)
            at = names.index(asked.name)
            style = list(file.styles())[at]
            file.remove(asked.name)
        return {**texts(style), "file": asked.file, "at": at}

    def file(self, number: int) -> StyleFile:
        """The file of a number, if it can be written. Raises NotFound, BadRequest."""
        if number >= len(self.book.files):
            raise NotFound(f"There is no styles file number {number + 1}.", "Reload the styles.")
        return self.book.writable(self.book.files[number].path)


def router(book: StyleBook) -> APIRouter:
    """All routes, over the book that generation uses too."""
    routes = APIRouter(prefix="/webui/styles")
    threads = Threads("styles-route", 2)
    desk = Desk(book, threading.Lock())

    @routes.get("")
    async def listed() -> dict[str, Any]:
        """{files: [{name, problem}], styles: [{name, prompt, negative_prompt, file, at, counts}]}."""
        return await threads.run(desk.listed)

    @routes.post("")
    async def put(asked: StyleAsked) -> dict[str, Any]:
        """Write a style, new or changed or renamed; the style as it is then."""
        return await threads.run(desk.put, asked)

    @routes.post("/delete")
    async def delete(asked: StyleNamed) -> dict[str, Any]:
        """Delete a style; the answer, sent to POST /webui/styles, brings it back to its place."""
        return await threads.run(desk.delete, asked)

    @routes.post("/preview")
    async def preview(asked: PreviewAsked) -> dict[str, str]:
        """Both prompts with a style's texts put around them."""
        return {
            "prompt": merged(asked.style.prompt, asked.prompt),
            "negative_prompt": merged(asked.style.negative_prompt, asked.negative_prompt),
        }

    return routes


def texts(style: Style) -> dict[str, str]:
    """A style's name and texts."""
    return {"name": style.name, "prompt": style.prompt, "negative_prompt": style.negative_prompt}


def free(file: StyleFile, name: str) -> None:
    """Raise BadRequest if the file has a style of that name."""
    if any(style.name == name for style in file.styles()):
        raise BadRequest(f"There is a style named '{name}' already.", "Take another name, or change that one.")


def put_into(file: StyleFile, style: Style) -> None:
    """Set a style's row in just this file: of two files with one name, a book alone would change the later one's.

    Raises BadRequest for a name or a text that cannot be kept.
    """
    alone = StyleBook([])
    alone.files = [file]
    alone.put(style)


def move(file: StyleFile, name: str, at: int) -> None:
    """Put a style's row where the style number `at`, counted from 0, stands now."""
    names = {style.name for style in file.styles()}
    row = next(row for row in file.rows if row[0] == name)
    others = [one for one in file.rows if one is not row]
    places = [place for place, one in enumerate(others) if one[0] in names]
    place = places[at] if at < len(places) else len(others)
    file.rows = [*others[:place], row, *others[place:]]
    file.changed = True
