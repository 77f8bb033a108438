"""Networks of preprocessors: files that a person has put into models/ControlNetPreprocessor, found by the names their makers gave them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from modules.contract.errors import NotSupported
from modules.weights.files import read_object
from modules.weights.header import BadModel

FOLDER = "ControlNetPreprocessor"
DEEPEST = 2  # folders inside it that are looked through, so that A1111's `annotator/downloads` can be put there as it is
TABLES = ("state_dict", "model", "params", "model_state_dict")  # what training programs call the table of tensors within a file
KEPT = 4  # networks; a pose takes three

Build = Callable[[dict[str, Tensor]], nn.Module]


@dataclass(frozen=True)
class NetworkFile:
    """A file of weights, such as "ControlNetHED.pth"; "ControlNetHED.safetensors" counts as the same."""

    name: str

    @property
    def wanted(self) -> str:
        """What is to be put where, as a sentence."""
        return f"Put the file {self.name} into models/{FOLDER}."

    def found(self, models: Path | None) -> Path | None:
        """Where it lies, in the folder or in one within it; None where it is not."""
        stem = Path(self.name).stem
        names = {self.name, f"{stem}.safetensors"}
        return next((path for path in files_in(models, DEEPEST) if path.name in names), None) if models else None


@dataclass(frozen=True)
class NetworkFolder:
    """A folder in transformers' layout: config.json and safetensors. `kind`: what it is, as a word, "depth"."""

    name: str
    kind: str

    @property
    def wanted(self) -> str:
        """What is to be put where, as a sentence."""
        return f"Put a {self.kind} model in transformers' layout (config.json, model.safetensors) into models/{FOLDER}/{self.name}."

    def found(self, models: Path | None) -> Path | None:
        """Where it lies; None where it is not, or lacks its weights."""
        folder = models / FOLDER / self.name if models else None
        whole = folder is not None and (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
        return folder if whole else None


@dataclass(frozen=True)
class FolderOrFile:
    """A network that may lie in a folder of its own, or, as its makers publish it, in any of some files; the folder counts first."""

    folder: NetworkFolder
    files: tuple[NetworkFile, ...]

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.name

    @property
    def wanted(self) -> str:
        """What is to be put where, as a sentence or two."""
        names = ", ".join(one.name for one in self.files)
        return f"{self.folder.wanted} Or put one of these files into models/{FOLDER}: {names}."

    def found(self, models: Path | None) -> Path | None:
        """Where it lies; None where it does not."""
        return next((path for one in (self.folder, *self.files) if (path := one.found(models))), None)


Network = NetworkFile | NetworkFolder | FolderOrFile


def files_in(models: Path, depth: int, below: Path | None = None) -> Iterator[Path]:
    """The files of the folder of networks, those of each folder before those of the folders within it, in the alphabet."""
    folder = below or models / FOLDER
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    yield from (one for one in entries if one.is_file())
    for inner in (one for one in entries if depth and one.is_dir()):
        yield from files_in(models, depth - 1, inner)


def place_of(network: Network, models: Path | None, preprocessor: str) -> Path:
    """Where a network lies. Raises NotSupported, with what is to be put where."""
    path = network.found(models)
    if path is None:
        raise NotSupported(f"The preprocessor '{preprocessor}' needs a network that is not here.", network.wanted)
    return path


def loaded(path: Path, build: Build) -> Any:
    """The network that `build` makes of a file's tensors, in float32, for looking only. The last few are kept. Raises BadModel."""
    return built(path, path.stat().st_mtime, build)


@lru_cache(maxsize=KEPT)
def built(path: Path, modified: float, build: Build) -> nn.Module:
    """As `loaded`; a file that has been replaced since is read again."""
    try:
        network = build({name: value.float() for name, value in tensors_of(path).items()})
    except (RuntimeError, KeyError, ValueError, AttributeError) as error:
        reason = str(error).strip().splitlines()[:2]
        raise BadModel(path, f"it is not the network that its name says ({' '.join(reason)})") from None
    return network.eval().requires_grad_(False)


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a file under their own names, without the table around them and without "module." before each. Raises BadModel."""
    table = read_object(path)
    while isinstance(table, dict) and (inner := next((table[key] for key in TABLES if isinstance(table.get(key), dict)), None)):
        table = inner
    tensors = {name: value for name, value in table.items() if isinstance(value, Tensor)} if isinstance(table, dict) else {}
    if not tensors:
        raise BadModel(path, "it holds no table of tensors")
    within = all(name.startswith("module.") for name in tensors)
    return {name.removeprefix("module.") if within else name: value for name, value in tensors.items()}
