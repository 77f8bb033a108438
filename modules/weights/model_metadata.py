"""What lies beside a model file under its name: a person's notes (.json), a description (.txt), a preview picture."""

import json
from pathlib import Path
from typing import Any

from modules.contract.files import write_whole
from modules.weights.header import BadModel, read_metadata

LARGEST = 2**20
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")


def beside(path: Path, suffix: str) -> Path:
    """The file of a model's name with a suffix in place of its own. A folder's name has no suffix, though it may have a dot."""
    return path.with_name((path.name if path.is_dir() else path.stem) + suffix)


def user_metadata(path: Path) -> dict[str, Any]:
    """A person's notes on a model, from the .json beside it, with A1111's keys: "description", "notes", "vae", "activation text",
    "preferred weight", "negative text", "sd version". Empty where there is none, or it cannot be read."""
    notes = beside(path, ".json")
    try:
        loaded = json.loads(notes.read_text("utf8")) if notes.stat().st_size <= LARGEST else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def write_user_metadata(path: Path, values: dict[str, Any]) -> None:
    """Write the notes on a model. Raises OSError."""
    write_whole(beside(path, ".json"), json.dumps(values, indent=4, ensure_ascii=False).encode("utf8", "backslashreplace"))


def description(path: Path) -> str:
    """The description of a model: name.txt, else name.description.txt, else its notes' own; "" without one."""
    for text in (beside(path, ".txt"), beside(path, ".description.txt")):
        try:
            if text.stat().st_size <= LARGEST:
                return text.read_text("utf8", errors="replace")
        except OSError:
            continue
    return str(user_metadata(path).get("description") or "")


def preview(path: Path) -> Path | None:
    """The picture that shows a model: name.png or name.preview.png, or the same in another format; None without one."""
    candidates = [beside(path, middle + suffix) for suffix in PICTURES for middle in ("", ".preview")]
    return next((file for file in candidates if file.is_file()), None)


def header_metadata(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself; empty for other files and damaged ones."""
    try:
        return read_metadata(path) if path.suffix.lower() == ".safetensors" else {}
    except BadModel:
        return {}
