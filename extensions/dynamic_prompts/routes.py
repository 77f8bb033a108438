"""What the page may ask: the wildcard files of the data folder to read and write, and examples of a template."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from modules.contract.errors import BadRequest

from .drawing import Budget, all_of, drawn
from .grammar import is_template
from .wildcards import Shelf, Wildcards

EXAMPLES = 5
COUNTED = 1000  # combinations, then it is "more"


class File(BaseModel):
    """A file to be written. `before` is what it held when it was opened; None for a new one."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    text: str = Field(max_length=4_000_000)
    before: str | None = None


class Example(BaseModel):
    """A template that the page wants to see drawn."""

    model_config = ConfigDict(extra="forbid")

    template: str = Field(max_length=50_000)
    seed: int = Field(default=0, ge=0)


def add_routes(router: APIRouter, folders: Sequence[Path]) -> None:
    """Add them. Only the first folder is written to."""
    shelf = Shelf(folders[0])

    @router.get("/wildcards")
    def wildcards() -> dict[str, Any]:
        found = Wildcards(folders)
        files = [
            {"name": path.relative_to(folder).as_posix(), "editable": folder == shelf.folder}
            for _, path in found.files()
            for folder in folders
            if path.is_relative_to(folder)
        ]
        lists = [{"name": name, "lines": len(lines)} for name, lines in found.lists.items()]
        return {"files": files, "lists": lists, "problems": found.problems, "folder": str(shelf.folder)}

    @router.get("/file")
    def read(name: str) -> dict[str, Any]:
        editable = shelf.path(name).is_file()
        return {"name": name, "text": (shelf if editable else Shelf(folders[-1])).text(name), "editable": editable}

    @router.post("/file")
    def write(file: File) -> dict[str, Any]:
        path = shelf.path(file.name)
        if file.before is None and path.exists():
            raise BadRequest(f"There is a wildcard file '{file.name}' already.", "Choose another name, or open that one.")
        if file.before is not None and path.exists() and shelf.text(file.name) != file.before:
            raise BadRequest(f"{file.name} has changed since it was opened.", "Copy your text, open it again, and change it there.")
        shelf.save(file.name, file.text)
        return {"name": file.name, "text": file.text, "editable": True}

    @router.delete("/file")
    def remove(name: str) -> dict[str, Any]:
        shelf.remove(name)
        return {"name": name}

    @router.post("/examples")
    def examples(asked: Example) -> dict[str, Any]:
        found, budget = Wildcards(folders), Budget()
        if not is_template(asked.template):
            return {"template": False, "examples": [], "combinations": 1, "more": False, "missing": []}
        texts = [drawn(asked.template, found, asked.seed + index, budget) for index in range(EXAMPLES)]
        try:
            count = len(all_of(asked.template, found, Budget(), COUNTED))
        except BadRequest:  # too many to be counted
            count = COUNTED
        return {"template": True, "examples": texts, "combinations": count, "more": count >= COUNTED, "missing": list(budget.missing)}
