"""Pictures as bytes: of what type they are, and which files may be served."""

from pathlib import Path

from modules.contract.errors import NotFound

SUFFIXES = {f".{name}": f"image/{name}" for name in ("png", "jpeg", "webp", "avif", "gif")} | {".jpg": "image/jpeg"}


def picture_type(data: bytes) -> str | None:
    """The media type by the first bytes; None for what is no picture of ours."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    return "image/gif" if data[:6] in (b"GIF87a", b"GIF89a") else None


def picture_file(folder: Path, path: str) -> tuple[Path, str]:
    """The file and its media type, of a picture inside `folder`, given by its path there or by its whole path.

    Raises NotFound for all else alike: what is outside, also by a link, is hidden, is no file, or is not what its name says.
    """
    missing = NotFound("There is no such picture in the output folder.")
    try:
        file = (folder / path).resolve(strict=True)
        inside = file.relative_to(folder.resolve())
        kind = SUFFIXES.get(file.suffix.lower())
        hidden = any(part.startswith(".") or ":" in part for part in inside.parts)  # a colon names a stream on Windows
        if kind is None or hidden or not file.is_file():
            raise missing
        with file.open("rb") as opened:
            if picture_type(opened.read(16)) != kind:
                raise missing
    except (OSError, ValueError, RuntimeError):  # no such file, outside, not a path at all, a circle of links
        raise missing from None
    return file, kind
