"""Control types: which preprocessors and which models go together, by the words in the models' names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ControlType:
    """A row of the list of types. `words`: a model whose name has one of them belongs to it; without any it needs no model."""

    name: str
    words: tuple[str, ...] = ()
    preprocessors: tuple[str, ...] = field(default=())


ALL = "All"
UNION = re.compile(r"union|promax", re.IGNORECASE)  # one model for all types
WORDS: Mapping[str, tuple[str, ...]] = {  # A1111's names of types, in the alphabet; ours are in them
    "Blur": ("blur", "tile"),
    "Canny": ("canny", "lines"),
    "Depth": ("depth",),
    "InstructP2P": ("ip2p", "p2p"),
    "Inpaint": ("inpaint", "fill"),
    "IP-Adapter": ("ip-adapter", "ip_adapter", "ipadapter"),
    "Lineart": ("lineart", "lines"),
    "MLSD": ("mlsd",),
    "NormalMap": ("normal",),
    "OpenPose": ("openpose", "pose", "mediapipe_face", "mediapipeface"),
    "Recolor": ("recolor",),
    "Reference": (),
    "Scribble": ("scribble", "sketch", "lines"),
    "Segmentation": ("seg",),
    "Shuffle": ("shuffle",),
    "Sketch": ("sketch", "scribble"),
    "SoftEdge": ("softedge", "soft_edge", "hed", "pidi"),
    "T2I-Adapter": ("t2i",),
    "Tile": ("tile", "blur"),
}


def models_for(kind: str, names: Sequence[str]) -> list[str]:
    """The models of a control type, in the order they came: all of them for "All", and those that do everything for each type."""
    if kind == ALL:
        return list(names)
    words = WORDS.get(kind, ())
    return [name for name in names if words and (UNION.search(name) or has_word(name, words))]


def has_word(name: str, words: Sequence[str]) -> bool:
    """Whether one of the words begins a part of a name: "seg" is in "control_v11p_sd15_seg", "hed" not in "bleached"."""
    return any(re.search(rf"(?<![a-z]){re.escape(word)}", name.lower()) for word in words)


def default_model(kind: str, names: Sequence[str]) -> str:
    """The model to begin with: the first that is made for the type alone; "None" if there is none."""
    found = models_for(kind, names)
    own = [name for name in found if not UNION.search(name)]
    return next(iter([] if kind == ALL else own or found), "None")
