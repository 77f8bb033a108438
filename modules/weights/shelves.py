"""The folders in which models of each kind lie, and what a file of the kind may be called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modules.contract.errors import NotFound
from modules.weights import kinds


@dataclass(frozen=True)
class Shelf:
    """The place of a kind. `folders[0]` is where new files go; `label` is its name on the page, `noun` in a sentence.

    `used`: whether anything in this program reads such files.
    """

    kind: str
    label: str
    noun: str
    folders: tuple[Path, ...]
    suffixes: frozenset[str]
    used: bool = True

    @property
    def plural(self) -> str:
        """The label within a sentence."""
        return self.label if any(sign.isupper() for sign in self.label[1:]) else self.label.lower()

    @property
    def home(self) -> Path:
        """Where new files go."""
        return self.folders[0]


class Shelves:
    """The places of all kinds below a models folder, and further folders that the command line names."""

    def __init__(self, models: Path, data: Path, further: Mapping[str, Sequence[Path]] | None = None) -> None:
        self.models = models.absolute()
        self.data = data.absolute()
        self.all = shelves_of(self.models, self.data, further or {})

    def of(self, kind: str) -> Shelf:
        """Raises NotFound."""
        found = next((shelf for shelf in self.all if shelf.kind == kind), None)
        if found is None:
            raise NotFound.among("kind of model", kind, [shelf.kind for shelf in self.all])
        return found

    def roots(self) -> list[Path]:
        """The folders that all files lie below, none inside another."""
        folders = [self.models, *(folder for shelf in self.all for folder in shelf.folders)]
        return [each for each in dict.fromkeys(folders) if not any(each != other and other in each.parents for other in folders)]

    def root_of(self, path: Path) -> Path:
        """The root that a file lies below. Raises NotFound."""
        found = next((root for root in self.roots() if root in path.parents), None)
        if found is None:
            raise NotFound("This file lies in none of the folders of models.")
        return found

    def shown(self, path: Path) -> str:
        """A path as the page shows it: from the models folder or the data folder on, else whole."""
        for folder in (self.models, self.data):
            if folder == path or folder in path.parents:
                return path.relative_to(folder).as_posix()
        return str(path)


def shelves_of(models: Path, data: Path, further: Mapping[str, Sequence[Path]]) -> tuple[Shelf, ...]:
    """The kinds with A1111's folders."""
    tensors = frozenset({".safetensors", ".pt", ".pth", ".bin", ".ckpt"})
    named: tuple[tuple[str, str, str, tuple[str, ...], frozenset[str], bool], ...] = (
        ("checkpoint", "Checkpoints", "checkpoint", ("Stable-diffusion",), kinds.CHECKPOINT.suffixes, True),
        ("lora", "LoRAs", "LoRA", ("Lora", "LyCORIS"), kinds.LORA.suffixes, True),
        ("vae", "VAEs", "VAE", ("VAE",), kinds.VAE.suffixes, True),
        ("embedding", "Embeddings", "embedding", (), kinds.EMBEDDING.suffixes, True),
        ("hypernetwork", "Hypernetworks", "hypernetwork", ("hypernetworks",), kinds.HYPERNETWORK.suffixes, True),
        ("upscaler", "Upscalers", "upscaler", ("ESRGAN", "RealESRGAN", "BSRGAN", "SwinIR", "DAT", "HAT", "ScuNET"),
         tensors - {".bin"}, True),
        ("face", "Face restorers", "face restorer", ("GFPGAN", "Codeformer", "CodeFormer", "facexlib", "RestoreFormer"),
         tensors - {".bin"} | {".onnx"}, True),
        ("caption", "Captioning", "captioning model", ("BLIP",), tensors, True),
        ("preview", "Preview decoders", "preview decoder", ("VAE-approx", "VAE-taesd"), kinds.PREVIEW_DECODER.suffixes, True),
        ("controlnet", "ControlNets", "ControlNet", ("ControlNet",), tensors - {".ckpt"}, True),
        ("encoder", "Picture encoders", "picture encoder", ("clip_vision",), kinds.IMAGE_ENCODER.suffixes, True),
    )  # fmt: skip
    found: list[Shelf] = []
    for kind, label, noun, folders, suffixes, used in named:
        places = [models / name for name in folders] or [data / "embeddings", models / "embeddings"]
        places += [folder.absolute() for folder in further.get(kind, ())]
        found.append(Shelf(kind, label, noun, tuple(dict.fromkeys(places)), suffixes, used))
    return tuple(found)
