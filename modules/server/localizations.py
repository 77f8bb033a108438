"""The page's languages: the files that come along, and those of a person's own in the data folder, in A1111's form."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from modules.contract.errors import BadRequest, NotFound
from modules.server.routes import Threads

LARGEST = 4 * 2**20
LANGUAGES = {"简体中文": "zh-CN", "日本語": "ja", "English": "en"}  # by name, for the browser's own use; others are their name


class Localizations:
    """Files `NAME.json` of {"English": "translation"}. Of one name in several folders, the last folder's counts."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders

    def names(self) -> list[str]:
        """All languages but English, by name."""
        return sorted({path.stem for folder in self.folders for path in folder.glob("*.json")} - {"English"})

    def read(self, name: str) -> dict[str, Any]:
        """A file's texts. Raises NotFound, and BadRequest for a file that cannot be read."""
        if name not in self.names():
            raise NotFound.among("language", name, self.names())
        path = next(folder / f"{name}.json" for folder in reversed(self.folders) if (folder / f"{name}.json").is_file())
        try:
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST} bytes")
            found = json.loads(path.read_text("utf8"))
            if not isinstance(found, dict):
                raise ValueError("it does not hold an object")  # noqa: TRY004 - the file is wrong, not a type
        except (OSError, ValueError, RecursionError) as error:
            raise BadRequest(f"The language file '{path.name}' cannot be read: {error}.") from None
        texts = {str(key): value for key, value in found.items() if isinstance(value, str) or key == "rtl"}
        return {"language": LANGUAGES.get(name, name), "texts": texts}


def router(localizations: Localizations) -> APIRouter:
    """GET /webui/localizations and one by name."""
    routes, threads = APIRouter(prefix="/webui/localizations"), Threads("localizations-route", 1)

    @routes.get("")
    async def names() -> list[str]:
        """The languages that there are."""
        return await threads.run(localizations.names)

    @routes.get("/{name}")
    async def one(name: str) -> dict[str, Any]:
        """A language's texts."""
        return await threads.run(localizations.read, name)

    return routes
