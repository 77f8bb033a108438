"""From a folder to an extension's class. What goes wrong is a reason to show, and never ends the program."""

import importlib
import importlib.metadata
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from modules.contract.errors import BadRequest, NotSupported, WebuiError
from modules.plugins.extension import Extension
from modules.plugins.manifest import Manifest, read_manifest

log = logging.getLogger(__name__)
PACKAGE = "extensions"


@dataclass(frozen=True)
class Loaded:
    """An extension's row: what it is, or the `problem` that keeps it from being used."""

    name: str
    title: str
    version: str = ""
    problem: str | None = None
    manifest: Manifest | None = None
    extension: type[Extension] | None = None
    seconds: float = 0.0


def load(folder: Path) -> Loaded:
    """The extension in a folder, imported as `extensions.<folder>`."""
    begun = time.perf_counter()
    manifest: Manifest | None = None
    try:
        manifest = read_manifest(folder)
        refuse_what_is_missing(manifest)
        extension = import_extension(folder)
    except WebuiError as error:
        return failed(folder, manifest, str(error))
    except Exception as error:  # an extension may do anything while it is imported
        log.exception("The extension in %s could not be imported.", folder)
        return failed(folder, manifest, f"It could not be imported: {type(error).__name__}: {error}")
    return Loaded(manifest.name, manifest.title, manifest.version, None, manifest, extension, time.perf_counter() - begun)


def failed(folder: Path, manifest: Manifest | None, problem: str) -> Loaded:
    """The row of an extension that cannot be used."""
    log.warning("The extension %s cannot be used: %s", folder.name, problem)
    title, version = (manifest.title, manifest.version) if manifest else (folder.name, "")
    return Loaded(folder.name, title, version, problem, manifest)


def refuse_what_is_missing(manifest: Manifest) -> None:
    """Raise NotSupported if a package that an extension needs is not installed; BadRequest if it cannot be understood."""
    missing: list[str] = []
    for text in manifest.requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            raise BadRequest(f"It requires '{text}', which is not how PEP 508 writes a package.") from None
        if requirement.marker is None or requirement.marker.evaluate():
            try:
                there = requirement.specifier.contains(importlib.metadata.version(requirement.name), prereleases=True)
            except importlib.metadata.PackageNotFoundError:
                there = False
            missing += [] if there else [text]
    if missing:
        raise NotSupported(f"It needs {', '.join(missing)}, which is not installed.")


def import_extension(folder: Path) -> type[Extension]:
    """The one Extension that a folder's `__init__.py` defines. Raises BadRequest for none, for several, and for a name that is taken."""
    places = importlib.import_module(PACKAGE).__path__
    if str(folder.parent) not in places:
        places.append(str(folder.parent))
    module = importlib.import_module(f"{PACKAGE}.{folder.name}")
    if folder.resolve() not in map(Path, map(os.path.realpath, module.__path__)):
        raise BadRequest(f"Another extension has the name '{folder.name}': the one in {module.__path__[0]}.")
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__.startswith(module.__name__)]
    found = [kind for kind in own if issubclass(kind, Extension)]
    if len(found) != 1:
        names = ", ".join(kind.__name__ for kind in found) or "none"
        raise BadRequest(f"Its __init__.py must define one Extension; it has {names}.")
    return found[0]
