"""What a folder that wants to be an extension holds, found out before anything in it is imported or run."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modules.contract.errors import BadRequest, NotSupported
from modules.plugins.manifest import FILE, Manifest, manifest_in
from modules.plugins.requirements import missing, understood

MOST_FILES = 5000
MOST_BYTES = 500 * 2**20
LEFT_OUT = frozenset({".git", "__pycache__", ".venv", "node_modules", ".DS_Store"})
SIGNS = re.compile(r"^(install|preload)\.py$|\.(exe|dll|so|dylib|sh|bat|ps1|whl)$")
A1111_SIGNS = ("scripts/*.py", "install.py", "preload.py", "javascript/*.js")


@dataclass(frozen=True)
class Examined:
    """What is known of it. `kind` is "a1111" for an extension of that program's; `missing` are packages that are not there yet.

    `problem` says why it cannot be installed, empty if it can. `signs` are files that a careful person looks at first.
    """

    kind: Literal["easel", "a1111", "nothing"]
    name: str
    title: str
    version: str
    description: str
    homepage: str
    requires: tuple[str, ...]
    missing: tuple[str, ...]
    files: int
    bytes: int
    python_files: int
    signs: tuple[str, ...]
    problem: str = ""


def examine(folder: Path) -> Examined:
    """Read an extension's folder. Raises BadRequest for links that lead out of it, and for what is too large."""
    sizes = {path: path.stat().st_size for path in files_of(folder)}
    names = sorted(path.relative_to(folder).as_posix() for path in sizes)
    signs = tuple(filter(SIGNS.search, names))
    manifest: Manifest | None = None
    absent: list[str] = []
    problem, kind = "", "easel"
    if (folder / FILE).exists():
        try:
            manifest = manifest_in(folder)
            absent = missing(manifest.requires)
            if not (folder / "__init__.py").is_file():
                problem = "It has no __init__.py, so there is nothing to load."
        except (BadRequest, NotSupported) as error:
            problem = str(error)
    elif any(next(folder.glob(sign), None) for sign in A1111_SIGNS):
        kind = "a1111"
        problem = ("It is an extension of AUTOMATIC1111's web UI, which does not run here: it needs its native twin; "
                   "the table in extensions/README.md says what stands in for what.")
    else:
        kind, problem = "nothing", f"It has no {FILE}, so it is no extension."
    return Examined(
        kind,  # type: ignore[arg-type]
        manifest.name if manifest else "",
        manifest.title if manifest else "",
        manifest.version if manifest else "",
        (manifest.description if manifest else "") or first_words(folder),
        manifest.homepage if manifest else "",
        tuple(text for text in manifest.requires if understood(text)) if manifest and not problem else (),
        tuple(absent),
        len(sizes),
        sum(sizes.values()),
        sum(name.endswith(".py") for name in names),
        signs,
        problem,
    )


def files_of(folder: Path) -> Iterator[Path]:
    """The files that count, in no order. Raises BadRequest for a link that leads out of the folder, and for too many or too large ones."""
    root, count, total = folder.resolve(), 0, 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in [*folders, *names]:
            path = Path(place) / name
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise BadRequest(f"'{path.relative_to(folder).as_posix()}' in it is a link to somewhere else, and is refused.")
        for name in names:
            path = Path(place) / name
            if name in LEFT_OUT or path.suffix == ".pyc" or not path.is_file():
                continue
            count, total = count + 1, total + path.stat().st_size
            if count > MOST_FILES or total > MOST_BYTES:
                raise BadRequest(f"It is larger than extensions may be: {MOST_FILES} files, {MOST_BYTES // 2**20} MB.")
            yield path


def first_words(folder: Path) -> str:
    """The first paragraph of a folder's README.md, without its headings; empty if there is none."""
    try:
        text = (folder / "README.md").read_text("utf8", "replace")[:10_000]
    except OSError:
        return ""
    for part in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in part.splitlines() if line.strip() and not line.startswith(("#", "|", "!", "<", "```", "[!"))]
        if lines:
            return re.sub(r"[`*]|\]\([^)]*\)|\[", "", " ".join(lines))[:300]
    return ""


def fingerprints(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that counts, by its path in the folder."""
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files_of(folder)}
