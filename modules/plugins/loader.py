"""From a folder to an extension's class. What goes wrong is a reason to show, and never ends the program."""

import importlib
import logging
import os
import re
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from modules.contract.declare import Options
from modules.contract.errors import BadRequest, NotSupported, WebuiError
from modules.contract.schema import schema
from modules.plugins.extension import Extension, Tab
from modules.plugins.manifest import ELEMENT, Manifest, read_manifest
from modules.plugins.requirements import missing
from modules.plugins.script import Script

log = logging.getLogger(__name__)
PACKAGE = "extensions"
Origin = Literal["bundled", "added"]


@dataclass(frozen=True)
class Loaded:
    """An extension's row: what it is, or the `problem` that keeps it from being used.

    `traceback` is empty unless it raised something while it was imported; `seconds` is how long that took.
    """

    name: str
    title: str
    version: str = ""
    problem: str | None = None
    manifest: Manifest | None = None
    extension: type[Extension] | None = None
    seconds: float = 0.0
    folder: Path | None = None
    origin: Origin = "bundled"
    enabled: bool = True
    traceback: str = ""


def load(folder: Path, *, origin: Origin = "bundled", fresh: bool = False) -> Loaded:
    """The extension in a folder, imported as `extensions.<folder>`. `fresh`: its files are others than when it was last imported."""
    begun = time.perf_counter()
    manifest: Manifest | None = None
    try:
        manifest = read_manifest(folder)
        refuse_what_is_missing(manifest)
        if fresh:
            forget(folder.name)
        extension = import_extension(folder)
        refuse_what_cannot_be(extension)
    except WebuiError as error:
        return failed(folder, manifest, str(error), origin=origin)
    except KeyboardInterrupt:  # a person's
        raise
    except BaseException as error:  # an extension may do anything while it is imported
        log.exception("The extension in %s could not be imported.", folder)
        seconds, text = time.perf_counter() - begun, "".join(traceback.format_exception(error))[-8000:]
        problem = f"It could not be imported: {type(error).__name__}: {error}"
        return failed(folder, manifest, problem, origin=origin, seconds=seconds, traceback=text)
    seconds = time.perf_counter() - begun
    return Loaded(manifest.name, manifest.title, manifest.version, None, manifest, extension, seconds, folder, origin)


def failed(
    folder: Path, manifest: Manifest | None, problem: str, *, origin: Origin, seconds: float = 0.0, traceback: str = ""
) -> Loaded:
    """The row of an extension that cannot be used."""
    log.warning("The extension %s cannot be used: %s", folder.name, problem)
    title, version = (manifest.title, manifest.version) if manifest else (folder.name, "")
    return Loaded(folder.name, title, version, problem, manifest, None, seconds, folder, origin, traceback=traceback)


def switched_off(folder: Path, origin: Origin, why: str) -> Loaded:
    """The row of an extension that is there and is not to be imported."""
    try:
        manifest = read_manifest(folder)
    except BadRequest as error:
        return Loaded(folder.name, folder.name, problem=f"{why} {error}", folder=folder, origin=origin, enabled=False)
    return Loaded(manifest.name, manifest.title, manifest.version, why, manifest, None, 0.0, folder, origin, enabled=False)


def refuse_what_is_missing(manifest: Manifest) -> None:
    """Raise NotSupported if a package that an extension needs is not installed; BadRequest if it cannot be understood."""
    absent = missing(manifest.requires)
    if absent:
        raise NotSupported(f"It needs {', '.join(absent)}, which is not installed.")


def import_extension(folder: Path) -> type[Extension]:
    """The one Extension that a folder's `__init__.py` defines. Raises BadRequest for none, for several, and for a name that is taken."""
    importlib.invalidate_caches()  # a folder that came a moment ago
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


def refuse_what_cannot_be(kind: type[Extension]) -> None:
    """Raise BadRequest for a class whose declarations are none; what the page and the API make of them would fail later."""
    for name in ("Options", "Settings"):
        declared: object = getattr(kind, name)
        if not (isinstance(declared, type) and issubclass(declared, Options)):
            raise BadRequest(f"Its {name} must be a class of modules.plugins.Options.")
        try:
            declared()
            schema(declared)
        except Exception as error:
            raise BadRequest(f"Its {name} cannot be shown: {error}.") from error
    if kind.Options.model_fields and issubclass(kind.Settings, kind.Options):
        raise BadRequest("Its Settings hold its Options: below `class Options`, that name means those. Write `class Settings` first.")
    if not isinstance(cast("object", kind.script), Script | None):
        raise BadRequest("Its `script` must be a Script.")
    for argument in kind.script.arguments if kind.script else ():
        if argument.option and argument.option not in kind.Options.model_fields:
            raise BadRequest(f"Its script has an argument for the option '{argument.option}', which it has not.")
    if not isinstance(cast("object", kind.tab), Tab | None) or (kind.tab and not re.fullmatch(ELEMENT, kind.tab.element)):
        raise BadRequest("Its `tab` must be a Tab with the name of a custom element, such as my-page.")


def forget(name: str) -> None:
    """Have the next import of an extension read its files again. Runs that began with the old ones end with them."""
    package = f"{PACKAGE}.{name}"
    for module in [one for one in sys.modules if one == package or one.startswith(f"{package}.")]:
        del sys.modules[module]
