"""What an extension says of itself in its extension.toml, read without importing it."""

from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from modules.contract.errors import BadRequest

try:
    from tomllib import loads  # pyright: ignore[reportMissingTypeStubs]
except ModuleNotFoundError:  # Python 3.10
    from tomli import loads  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

API = 1  # what modules.plugins offers; it grows when an extension written for it would no longer work
FILE = "extension.toml"


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
    before: tuple[str, ...] = Field(default=(), description="Extensions whose hooks are called after its own")
    after: tuple[str, ...] = Field(default=(), description="Extensions whose hooks are called before its own")


def read_manifest(folder: Path) -> Manifest:
    """The manifest in an extension's folder. Raises BadRequest saying what is wrong with it."""
    manifest = manifest_in(folder)
    if manifest.name != folder.name:
        raise BadRequest(f"{FILE} says that its name is '{manifest.name}', but its folder is '{folder.name}'; they must be the same.")
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
    return manifest


def sentence(place: tuple[int | str, ...], message: str) -> str:
    """One of pydantic's problems in words."""
    return f"{FILE}: {'.'.join(str(part) for part in place)}: {message}."
