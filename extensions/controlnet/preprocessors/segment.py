"""What is where, a colour for each kind of thing, by networks that a person has put into models/ControlNetPreprocessor.

Any that transformers knows for segmentation: OneFormer (Jain et al. 2022, arXiv:2211.06220), Mask2Former (Cheng et al. 2021,
arXiv:2112.01527), MaskFormer (Cheng et al. 2021, arXiv:2107.06278), SegFormer (Xie et al. 2021, arXiv:2105.15203), UperNet (Xiao et al.
2018, arXiv:1807.10221).
"""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from modules.weights.header import BadModel

from .declaration import Pixels, Preprocessor
from .network_files import NetworkFolder, place_of
from .network_folders import UNREADABLE, read_network, shown, told_by
from .segment_colours import ADE20K, COCO, Colour, synonyms

STEP = 32  # pixels: the coarsest grid of these networks
STRIP = 64  # rows of pixels that are decided at once
TASK = "the task is semantic"  # what OneFormer was taught to be asked, arXiv:2211.06220, 3.1
BY_QUERIES = ("oneformer", "mask2former", "maskformer")  # kinds that answer with masks and a class for each of them
UNNAMED = "LABEL_"  # what transformers calls classes that have no name
SETS = {"ADE20K": ADE20K, "COCO": COCO}
NAMES = {  # A1111's names; the data set whose colours they show, and what else calls them
    "seg_ofade20k": ("ADE20K", ("oneformer_ade20k",)),
    "seg_ofcoco": ("COCO", ("oneformer_coco",)),
    "seg_ufade20k": ("ADE20K", ("segmentation",)),
}


def of_segments() -> Iterable[Preprocessor]:
    """Segmentation, each by the network in the folder of its name."""
    for name, (classes, aliases) in NAMES.items():
        network = NetworkFolder(name, "segmentation")
        yield Preprocessor(name, types=("Segmentation",), aliases=aliases, needs=(network,),
                           by_networks=partial(coloured, network, classes), default_of=("Segmentation",))  # fmt: skip


def coloured(network: NetworkFolder, classes: str, models: Path, pixels: Pixels, a: float = 0, b: float = 0) -> Pixels:
    """Each pixel in the colour that its class has in a data set of SETS. Raises NotSupported without the network, BadModel."""
    folder = place_of(network, models, network.name)
    reader = f"AutoModelFor{'Universal' if kind_of(folder) in BY_QUERIES else 'Semantic'}Segmentation"
    found = read_network(folder, reader, "segmentation")
    palette = palette_of(folder, found.config.id2label, classes)
    return palette[regions(folder, found, pixels)]


def kind_of(folder: Path) -> str:
    """The kind of network, as transformers calls it, that a folder's config.json names. Raises BadModel."""
    return str(told_by(folder, "config.json").get("model_type"))


def palette_of(folder: Path, names: Mapping[int, str], classes: str) -> NDArray[np.uint8]:
    """The colour of each class of a network, (n, 3), by its name; by its number where it has none that the data set knows.

    Raises BadModel for a class that the data set lacks.
    """
    table = SETS[classes]
    known, numbered = synonyms(table), tuple(table.values())
    colours: list[Colour] = []
    for number in sorted(names):
        name = names[number].strip().lower()
        colour = known.get(name) or known.get(name.split(",")[0].strip())
        if colour is None and len(names) != len(numbered):
            other = f"it tells {len(names)} classes apart" if name.startswith(UNNAMED.lower()) else f"it knows '{names[number]}'"
            raise BadModel(folder, f"{other}, and is to be taught with the {len(numbered)} classes of {classes}")
        colours.append(colour or numbered[number])
    return np.asarray(colours, np.uint8)


@torch.inference_mode()
def regions(folder: Path, network: Any, pixels: Pixels) -> NDArray[np.intp]:
    """The class of each pixel, (h, w). Raises BadModel."""
    told = told_by(folder)
    size = working_size(pixels.shape[0], pixels.shape[1], told)
    given: dict[str, Tensor] = {"pixel_values": shown(pixels, size, told, cv2.INTER_LINEAR)}
    if network.config.model_type == "oneformer":
        given["task_inputs"] = task_words(folder, network.config.task_seq_len)
    answer = network(**given)
    if network.config.model_type not in BY_QUERIES:
        return most_likely(answer.logits[0].float(), pixels.shape[0], pixels.shape[1])
    kinds = answer.class_queries_logits[0].float().softmax(-1)[:, :-1]  # the last says that there is nothing
    return most_likely(answer.masks_queries_logits[0].float(), pixels.shape[0], pixels.shape[1], kinds)


def most_likely(planes: Tensor, height: int, width: int, kinds: Tensor | None = None) -> NDArray[np.intp]:
    """The class of each pixel, (height, width), of what is seen at a lower resolution, (n, h, w): in strips, for all would take gigabytes.

    A plane stands for a class; with `kinds`, (n, classes), for something that belongs to each of them with some likelihood.
    """
    across = planes @ enlarging(planes.shape[2], width).T
    strips: list[Tensor] = []
    for rows in enlarging(planes.shape[1], height).split(STRIP):
        seen = torch.einsum("rh,nhw->nrw", rows, across)
        if kinds is not None:
            seen = torch.einsum("nc,nrw->crw", kinds, seen.sigmoid())
        strips.append(seen.argmax(0))
    return torch.cat(strips).numpy()


def enlarging(short: int, long: int) -> Tensor:
    """The matrix, (long, short), that enlarges a row of pixels linearly."""
    return functional.interpolate(torch.eye(short)[None], size=long, mode="linear")[0].T


def working_size(height: int, width: int, told: Mapping[str, Any]) -> tuple[int, int]:
    """Height and width in pixels that the network sees, in steps: its own; the picture's proportions where it tells of a side alone."""
    size: Any = told.get("size") or {}
    size = size if isinstance(size, dict) else {"shortest_edge": size} if "max_size" in told else {"height": size, "width": size}
    if "height" in size and "width" in size:
        return in_steps(size["height"]), in_steps(size["width"])
    scale = size.get("shortest_edge", min(height, width)) / min(height, width)
    longest = size.get("longest_edge") or told.get("max_size") or np.inf
    scale = min(scale, longest / max(height, width))
    return in_steps(height * scale), in_steps(width * scale)


def in_steps(length: float) -> int:
    """The nearest length that the network's grid divides."""
    return max(round(length / STEP), 1) * STEP


def task_words(folder: Path, length: int) -> Tensor:
    """What OneFormer is asked, as numbers of words, (1, length), 0 behind them. Raises BadModel where its tokenizer is missing."""
    from transformers import AutoTokenizer

    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise BadModel(folder, "OneFormer needs its tokenizer, and the files vocab.json and merges.txt (or tokenizer.json) are missing")
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        words = tokenizer([TASK], padding="max_length", max_length=length, truncation=True, return_tensors="pt")
    except UNREADABLE as error:
        raise BadModel(folder, f"its tokenizer cannot be read ({error})") from None
    return words["input_ids"] * words["attention_mask"]
