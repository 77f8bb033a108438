"""What the page loads of extensions: the list, and the files."""

from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter
from fastapi.responses import FileResponse

from modules.contract.errors import NotFound
from modules.server.security import FILE_POLICY
from modules.server.threads import Threads

TYPES = {
    ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".json": "application/json", ".txt": "text/plain",
    ".csv": "text/csv", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
    ".webp": "image/webp", ".woff2": "font/woff2", ".wasm": "application/wasm",
}  # fmt: skip
PROGRAMS = frozenset({".js", ".mjs", ".css"})
KEPT = "private, max-age=31536000, immutable"  # the address has the content's hash in it


class WebFiles(Protocol):
    """The extensions' files for the page."""

    def listed(self) -> list[dict[str, Any]]: ...

    def file(self, name: str, version: str, path: str) -> tuple[Path, bool]:
        """A file, and whether it is that version's still. Raises NotFound."""
        ...


def router(files: WebFiles) -> APIRouter:
    """GET /webui/extension-web, and the files."""
    routes, threads = APIRouter(prefix="/webui"), Threads("extension-web", 2)

    @routes.get("/extension-web")
    async def listed() -> dict[str, Any]:
        """Of each extension that can be used: name, title, css, javascript, panel, tab, localizations."""
        return {"extensions": await threads.run(files.listed)}

    @routes.get("/extensions/{name}/web/{version}/{path:path}")
    async def file(name: str, version: str, path: str) -> FileResponse:
        """A file below an extension's web/."""
        found, current = await threads.run(files.file, name, version, path)
        kind = TYPES.get(found.suffix.lower())
        if kind is None:
            raise NotFound(f"Files that end in '{found.suffix}' are not given to pages.", f"Those are: {', '.join(TYPES)}.")
        headers = {"Cache-Control": KEPT if current else "no-store"}
        if found.suffix.lower() not in PROGRAMS:
            headers["Content-Security-Policy"] = FILE_POLICY
        return FileResponse(found, media_type=kind, headers=headers)

    return routes
