"""The colours that say what a region shows, as the control networks for segmentation were taught them.

ADE20K's 150 classes (Zhou et al. 2017, arXiv:1608.05442): the names of objectInfo150 and the colour coding of MIT CSAIL's scene
parsing challenge. COCO's 133 panoptic classes (Kirillov et al. 2018, arXiv:1801.00868): the names and colours of its
panoptic_coco_categories. Both are in the order in which the classes are numbered. In ADE20K a road and a skyscraper have the same grey.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

Colour = tuple[int, int, int]


def read(name: str) -> dict[str, Colour]:
    """The colour of each class of a data set, "ADE20K" or "COCO", in the order of the classes; a name holds its synonyms after commas."""
    table: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text("utf8"))[name]
    return {label: tuple(bytes.fromhex(colour[1:])) for label, colour in table.items()}  # pyright: ignore[reportReturnType]


def synonyms(table: Mapping[str, Colour]) -> dict[str, Colour]:
    """The colour of each word for a class: its first name before all, then those of the synonyms that stand for one class alone."""
    words = [(word.strip(), number, place) for number, label in enumerate(table) for place, word in enumerate(label.split(","))]
    colours: Sequence[Colour] = tuple(table.values())
    others = [word for word, _, place in words if place]
    alone = {word: colours[number] for word, number, place in words if place and others.count(word) == 1}
    return alone | {word: colours[number] for word, number, place in words if not place} | dict(table)


ADE20K = read("ADE20K")
COCO = read("COCO")
PERSON = synonyms(ADE20K)["person"]
