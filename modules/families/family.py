"""What tells one family of models from another: the names in its files, its text encoders and the scale of its latents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from modules.families import open_clip
from modules.families.loading import part_of
from modules.families.sd_shape import Shapes
from modules.families.text_encoder import Key, Reading
from modules.families.variant import Kind

LABELS = "model.diffusion_model.label_emb.0.0.weight"
OLD_CLIP = "cond_stage_model.transformer."
FIRST_EMBEDDER = "conditioner.embedders.0.model."


@dataclass(frozen=True)
class TextPart:
    """One text encoder: where it lies in the file, in which layout, and how it is read."""

    key: Key
    prefix: str
    layout: Literal["clip", "open_clip"]
    reading: Reading

    def shapes(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """The shapes of its tensors under transformers' names, `text_model.` left out."""
        own = part_of(shapes, self.prefix)
        return open_clip.transformers_shapes(own) if self.layout == "open_clip" else own


@dataclass(frozen=True)
class Family:
    """`title` names it in a sentence; `scale` brings its latents to unit variance; `mark` is a tensor that only its files have."""

    name: Kind
    title: str
    mark: str
    texts: tuple[TextPart, ...]
    scale: float

    def matches(self, names: Mapping[str, object]) -> bool:
        """Whether a file with tensors of these names (canonical ones) is of this family."""
        return self.mark in names


def canonical_names(names: Iterable[str]) -> dict[str, str]:
    """The names by which a file's tensors are known here, each with the one that the file has.

    Old SD 1 files leave `text_model.` out; SD Turbo has SD 2's encoder where SDXL's refiner has its own.
    """
    names = dict.fromkeys(names)
    beside = {LABELS, "conditioner.embedders.1.model.ln_final.weight"}  # in SDXL and its refiner
    turbo = not beside & names.keys() and FIRST_EMBEDDER + "ln_final.weight" in names
    canonical: dict[str, str] = {}
    for name in names:
        new = name
        if name.startswith(OLD_CLIP) and name.removeprefix(OLD_CLIP).split(".")[0] in ("embeddings", "encoder", "final_layer_norm"):
            new = OLD_CLIP + "text_model." + name.removeprefix(OLD_CLIP)
        elif turbo and name.startswith(FIRST_EMBEDDER):
            new = "cond_stage_model.model." + name.removeprefix(FIRST_EMBEDDER)
        canonical[new] = name
    return canonical
