"""The page's languages: the files that come along, those of extensions, and a person's own in the data folder, in A1111's form."""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from modules.contract.errors import BadRequest, NotFound
from modules.server.routes import Threads

log = logging.getLogger(__name__)
LARGEST = 4 * 2**20
# By name, for the browser's own use; others are their name.
LANGUAGES = {
    "Deutsch": "de", "English": "en", "Español": "es", "Français": "fr", "Русский": "ru", "简体中文": "zh-CN", "日本語": "ja",
    "繁體中文": "zh-TW", "한국어": "ko",
}  # fmt: skip


class Localizations:
    """Files `NAME.json` of {"English": "translation"}. Of one name in several folders, the last folder's counts.

    `beside` gives the folders of extensions' own files, asked for each time: they add texts, and never replace one.
    """

    def __init__(self, folders: Sequence[Path], beside: Callable[[], Sequence[Path]] = list) -> None:
        self.folders = folders
        self.beside = beside

    def names(self) -> list[str]:
        """All languages but English, by name."""
        return sorted({path.stem for folder in self.folders for path in folder.glob("*.json")} - {"English"})

    def read(self, name: str) -> dict[str, Any]:
        """A file's texts. Raises NotFound, and BadRequest for a file that cannot be read."""
        if name not in self.names():
            raise NotFound.among("language", name, self.names())
        own = texts_in(next(path for folder in reversed(self.folders) if (path := folder / f"{name}.json").is_file()))
        return {"language": LANGUAGES.get(name, name), "texts": {**self.of_extensions(name), **own}}

    def of_extensions(self, name: str) -> dict[str, Any]:
        """What extensions say in a language, the first one's word where two say the same. A file that cannot be read is left out."""
        found: dict[str, Any] = {}
        for folder in self.beside():
            path = folder / f"{name}.json"
            try:
                texts = texts_in(path) if path.is_file() else {}
            except BadRequest as error:
                log.warning("%s (%s)", error, folder.parent.name)
                continue
            found = {**{key: value for key, value in texts.items() if key != "rtl"}, **found}
        return found


def texts_in(path: Path) -> dict[str, Any]:
    """A file's texts, and whether its writing runs from right to left (`rtl`). Raises BadRequest."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"it has more than {LARGEST} bytes")
        found = json.loads(path.read_text("utf8"))
        if not isinstance(found, dict):
            raise ValueError("it does not hold an object")  # noqa: TRY004 - the file is wrong, not a type
    except (OSError, ValueError, RecursionError) as error:
        raise BadRequest(f"The language file '{path.name}' cannot be read: {error}.") from None
    return {str(key): value for key, value in found.items() if isinstance(value, str) or key == "rtl"}


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
