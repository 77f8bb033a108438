"""What the browser gets of extensions: their files, their pages, their languages."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modules.contract.errors import NotFound
from modules.plugins.loader import Loaded
from modules.plugins.manifest import WEB

LOCALIZATIONS = "localizations"
MOST_FILES = 2000
Stamp = tuple[tuple[str, int, int], ...]  # path, size, time of the last change


class WebFiles:
    """The files below web/ of the extensions that can be used. An address holds their content's hash, so that a browser may keep it."""

    def __init__(self, rows: Callable[[], Sequence[Loaded]]) -> None:
        self.rows = rows
        self.lock = threading.Lock()
        self.versions: dict[Path, tuple[Stamp, str]] = {}

    def listed(self) -> list[dict[str, Any]]:
        """What the page loads, extension by extension, in order; addresses are relative to the page."""
        return [self.described(row) for row in self.rows() if row.extension and row.manifest and row.folder]

    def described(self, row: Loaded) -> dict[str, Any]:
        """One of them: name, title, css, javascript, panel, tab, localizations."""
        assert row.manifest and row.folder and row.extension
        web, tab = row.manifest.web, row.extension.tab
        start = f"webui/extensions/{row.name}/{WEB}/{self.version(row.folder)}" if web.css or web.javascript else ""
        addresses = {
            kind: [f"{start}/{path.removeprefix(f'{WEB}/')}" for path in paths]
            for kind, paths in (("css", web.css), ("javascript", web.javascript))
        }
        languages = sorted(path.stem for path in (row.folder / LOCALIZATIONS).glob("*.json"))
        return {
            "name": row.name,
            "title": row.title,
            **addresses,
            "panel": web.panel,
            "tab": {"title": str(tab.title), "element": tab.element} if tab else None,
            "localizations": languages,
        }

    def file(self, name: str, version: str, path: str) -> tuple[Path, bool]:
        """A file below an extension's web/, and whether it is that version's still. Raises NotFound."""
        row = next((row for row in self.rows() if row.name == name and row.extension and row.folder), None)
        missing = NotFound(f"The extension '{name}' has no file '{path[:200]}' for the page.")
        if row is None or row.folder is None or "\0" in path:
            raise missing
        root = (row.folder / WEB).resolve()
        file = (root / path).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise missing
        return file, version == self.version(row.folder)

    def version(self, folder: Path) -> str:
        """A hash of all files below a folder's web/; read again only when one was changed."""
        files = [path for path in sorted((folder / WEB).rglob("*")) if path.is_file()][:MOST_FILES]
        stamp = tuple((str(path), (facts := path.stat()).st_size, facts.st_mtime_ns) for path in files)
        with self.lock:
            known = self.versions.get(folder)
            if known is None or known[0] != stamp:
                digest = hashlib.sha256()
                for path in files:
                    content = path.read_bytes()
                    digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
                known = self.versions[folder] = (stamp, digest.hexdigest()[:16])
        return known[1]


def localization_folders(rows: Sequence[Loaded]) -> list[Path]:
    """The folders with languages of the extensions that can be used, in order."""
    return [row.folder / LOCALIZATIONS for row in rows if row.extension and row.folder and (row.folder / LOCALIZATIONS).is_dir()]
