"""What an extension says of itself in its extension.toml, read without importing it."""

import re
from pathlib import Path, PurePosixPath
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modules.contract.errors import BadRequest

try:
    from tomllib import loads  # pyright: ignore[reportMissingTypeStubs]
except ModuleNotFoundError:  # Python 3.10
    from tomli import loads  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

API = 1  # what modules.plugins offers; it grows when an extension written for it would no longer work
FILE = "extension.toml"
WEB = "web"  # the folder of what the browser gets
ELEMENT = r"^[a-z][a-z0-9]*(-[a-z0-9]+)+$"  # the names of custom elements that are plain enough for everybody
TAKEN = frozenset({"details", "packages", "sets", "tasks", "update"})  # below /webui/extensions/ the program has routes of these names
Family = Literal["sd1", "sd2", "sdxl", "sdxl-refiner"]


class Web(BaseModel):
    """What the page loads of an extension: files below its folder web/, and the custom element that takes the place of its panel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    css: tuple[str, ...] = ()
    javascript: tuple[str, ...] = ()
    panel: str = Field(default="", pattern=f"({ELEMENT})|^$", max_length=100)


class Manifest(BaseModel):
    """An extension.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64, description="Its folder's name, and the last part of its import name")
    title: str = Field(min_length=1, max_length=200)
    version: str = Field(pattern=r"^\d+(\.\d+)*$", max_length=40)
    api: int
    description: str = Field(default="", max_length=2000, description="What it does, in a sentence")
    homepage: str = Field(default="", pattern=r"^(https://\S+)?$", max_length=500, description="Where there is more about it")
    requires: tuple[str, ...] = Field(default=(), description="Packages that it needs, as PEP 508 writes them")
    families: tuple[Family, ...] = Field(default=(), description="The families of models that it works with; none are all")
    web: Web = Web()
    before: tuple[str, ...] = Field(default=(), description="Extensions whose hooks are called after its own")
    after: tuple[str, ...] = Field(default=(), description="Extensions whose hooks are called before its own")


def read_manifest(folder: Path) -> Manifest:
    """The manifest in an extension's folder. Raises BadRequest saying what is wrong with it."""
    manifest = manifest_in(folder)
    if manifest.name != folder.name:
        raise BadRequest(f"{FILE} says that its name is '{manifest.name}', but its folder is '{folder.name}'; they must be the same.")
    if manifest.name in TAKEN:
        raise BadRequest(f"An extension cannot be called '{manifest.name}': the program's own addresses have that name.")
    return manifest


def manifest_in(folder: Path) -> Manifest:
    """The same, wherever the folder is for now, whatever it is called."""
    try:
        manifest = Manifest(**cast("dict[str, Any]", loads((folder / FILE).read_text("utf8"))))
    except OSError as error:
        raise BadRequest(f"{FILE} cannot be read ({error.strerror}).") from None
    except ValidationError as error:
        raise BadRequest(" ".join(sentence(problem["loc"], problem["msg"]) for problem in error.errors())) from None
    except ValueError as error:  # what is not TOML, or not UTF-8
        raise BadRequest(f"{FILE} is not TOML ({error}).") from None
    if manifest.api != API:
        raise BadRequest(f"It was written for version {manifest.api} of the extension interface; this program has version {API}.")
    for path in manifest.web.css:
        refuse_web_file(folder, path, (".css",))
    for path in manifest.web.javascript:
        refuse_web_file(folder, path, (".js", ".mjs"))
    return manifest


def refuse_web_file(folder: Path, path: str, suffixes: tuple[str, ...]) -> None:
    """Raise BadRequest unless a path of the manifest is a file below the folder web/."""
    plain = PurePosixPath(path)
    if re.search(r"[\\:?#%]", path) or plain.is_absolute() or ".." in plain.parts or plain.parts[:1] != (WEB,):
        raise BadRequest(f"{FILE}: web: '{path}' must be a path such as {WEB}/{folder.name}{suffixes[0]}, below the folder {WEB}.")
    if plain.suffix not in suffixes:
        raise BadRequest(f"{FILE}: web: '{path}' must end in {' or '.join(suffixes)}.")
    if not (folder / plain).is_file() or not (folder / plain).resolve().is_relative_to(folder.resolve()):
        raise BadRequest(f"{FILE}: web: there is no file '{path}' in its folder.")


def sentence(place: tuple[int | str, ...], message: str) -> str:
    """One of pydantic's problems in words."""
    return f"{FILE}: {'.'.join(str(part) for part in place)}: {message}."
