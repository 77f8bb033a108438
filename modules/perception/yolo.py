"""YOLO networks in `.onnx` files: versions 5, 8 and 11 and those that answer without duplicates, boxes with or without masks."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from modules.contract.errors import NotSupported
from modules.perception.found import Box, Found, Mask, Pixels, best, clipped, faces_once
from modules.perception.onnx_facts import onnx_facts
from modules.perception.runtimes import Runs, opened

USUAL_SIDE = 640
GREY = 114  # around the picture, as in training
OVERLAP = 0.7  # of two boxes of one kind, from which on they are one
MOST = 300
FEW = 1000  # rows: a network that answers with so few has left out duplicates itself

Values = NDArray[np.float32]


@dataclass(frozen=True)
class Sight:
    """A picture as the network sees it: `scale` from the picture's pixels to the network's, and the margins there, left and top."""

    pixels: Pixels
    scale: float
    left: int
    top: int


@dataclass(frozen=True)
class Yolo:
    """A detector in a file. `classes` are its kinds in order, empty where the file names none."""

    name: str
    run: Runs
    size: tuple[int, int]  # height and width of the input
    classes: tuple[str, ...]

    def find(self, image: Pixels, threshold: float = 0.5) -> list[Found]:
        """What a picture (H, W, 3) shows, the surest first."""
        sight = fitted(image, self.size)
        blob = sight.pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255
        answers = self.run(blob)
        tables = [answer for answer in answers if answer.ndim == 3]
        masks = [answer[0] for answer in answers if answer.ndim == 4 and answer.shape[1] <= 64]
        if not tables:
            raise NotSupported(f"{self.name} does not answer as a YOLO detector does.", "Export it as a detector or segmenter.")
        rows = table_of(tables[0], masks=masks[0].shape[0] if masks else 0, classes=len(self.classes), threshold=threshold)
        return self.placed(rows, masks[0] if masks else None, sight, image.shape[1], image.shape[0])

    def is_face(self, kind: str) -> bool:
        """Whether a kind is faces: by its name, or by the file's where that names no kinds."""
        return "face" in (kind if self.classes else self.name).lower()

    def placed(self, rows: "Rows", prototypes: Values | None, sight: Sight, width: int, height: int) -> list[Found]:
        """Rows as things in the picture, without duplicates."""
        found: list[tuple[Found, Values]] = []
        for box, score, kind, weights in zip(rows.boxes, rows.scores, rows.kinds, rows.weights, strict=True):
            moved = (box - [sight.left, sight.top, sight.left, sight.top]) / sight.scale
            name = self.classes[kind] if kind < len(self.classes) else str(kind)
            placed: Box = clipped((float(moved[0]), float(moved[1]), float(moved[2]), float(moved[3])), width, height)
            found.append((Found(name, placed, float(score)), weights))
        kinds = sorted({one.kind for one, _ in found})
        kept: list[Found] = []
        for kind in kinds:
            alone = [one for one in best([one for one, _ in found if one.kind == kind], overlap=OVERLAP) if one.area > 0]
            kept += faces_once(alone) if self.is_face(kind) else alone  # of other things one may well lie in another: a child before a man
        kept = sorted(kept, key=lambda one: -one.score)[:MOST]
        if prototypes is None:
            return kept
        weights_of = {id(one): weights for one, weights in found}
        return [replace(one, mask=mask_of(prototypes, weights_of[id(one)], one.box, sight, width, height)) for one in kept]


@dataclass(frozen=True)
class Rows:
    """Candidates: boxes (n, 4) in the network's pixels, scores (n,), kinds (n,), weights (n, m) of the mask prototypes."""

    boxes: Values
    scores: Values
    kinds: NDArray[np.int64]
    weights: Values


def yolo(path: Path) -> Yolo:
    """The detector in an `.onnx` file. Raises NotSupported."""
    return kept(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def kept(path: Path, modified: int) -> Yolo:
    """A file's detector, as it was at a time."""
    facts = onnx_facts(path)
    sides = next(iter(facts.inputs.values()), ())
    if len(sides) != 4 or sides[1] not in (0, 3):
        raise NotSupported(f"{path.name} is no detector: its input has the shape {list(sides)}, and a picture has [1, 3, height, width].")
    noted = literal(facts.notes.get("imgsz", ""))
    known = tuple(int(side) for side in noted) if isinstance(noted, list) and len(noted) == 2 else (USUAL_SIDE, USUAL_SIDE)
    return Yolo(path.name, opened(path), (sides[2] or known[0], sides[3] or known[1]), class_names(facts.notes.get("names", "")))


def class_names(noted: str) -> tuple[str, ...]:
    """The kinds that an exporter notes, as a dict by number or a list."""
    names = literal(noted)
    if isinstance(names, dict):
        return tuple(str(names[key]) for key in sorted(names))
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()


def literal(noted: str) -> Any:
    """A value as Python writes it; None for what is none."""
    try:
        return ast.literal_eval(noted)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def fitted(image: Pixels, size: tuple[int, int]) -> Sight:
    """A picture shrunk or enlarged into the middle of a network's input, with its proportions."""
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inside = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(image, inside, interpolation=cv2.INTER_LINEAR if scale > 0.5 else cv2.INTER_AREA)
    left, top = round((size[1] - inside[0]) / 2 - 0.1), round((size[0] - inside[1]) / 2 - 0.1)
    pixels = np.full((*size, 3), GREY, np.uint8)
    pixels[top : top + inside[1], left : left + inside[0]] = small
    return Sight(pixels, scale, left, top)


def table_of(answer: Values, *, masks: int, classes: int, threshold: float) -> Rows:
    """The candidates in an answer (1, a, b), whichever of the versions it is of.

    5: a row (x, y, w, h, that there is something, kinds..., masks...) for each candidate. 8 and 11: a column without the fifth value.
    Without duplicates: at most some hundred rows (left, top, right, bottom, score, kind, masks...).
    """
    table = answer[0]
    if table.shape[0] <= FEW and table.shape[1] == 6 + masks:
        sure = table[table[:, 4] >= threshold]
        return Rows(sure[:, :4], sure[:, 4], sure[:, 5].astype(np.int64), sure[:, 6:])
    older = table.shape[0] > table.shape[1]
    table = table if older else table.T
    first = 5 if older else 4
    count = table.shape[1] - first - masks
    if classes and older and count == classes - 1:  # rows of version 8 that were turned around on export
        first, count, older = 4, classes, False
    if count < 1 or (classes and count != classes):
        shape, named = list(answer.shape), f" for {classes} kinds" if classes else ""
        raise NotSupported(f"The detector's answer has the shape {shape}, which is none of YOLO's{named}.", "Export it again.")
    kinds = table[:, first : first + count]
    scores = kinds.max(1) * (table[:, 4] if older else 1)
    sure = np.flatnonzero(scores >= threshold)
    sure = sure[np.argsort(-scores[sure], kind="stable")][: 10 * MOST]
    middle, half = table[sure, :2], table[sure, 2:4] / 2
    return Rows(np.concatenate([middle - half, middle + half], 1), scores[sure], kinds[sure].argmax(1), table[sure, first + count :])


def mask_of(prototypes: Values, weights: Values, box: Box, sight: Sight, width: int, height: int) -> Mask:
    """A thing's mask (height, width) from prototypes (m, h, w), cut to its box. Bolya et al. 2019, arXiv:1904.02689."""
    inner = np.tensordot(weights, prototypes, axes=1)
    whole = np.asarray(cv2.resize(inner, (sight.pixels.shape[1], sight.pixels.shape[0]), interpolation=cv2.INTER_LINEAR), np.float32)
    right, bottom = sight.left + round(width * sight.scale), sight.top + round(height * sight.scale)
    seen = np.ascontiguousarray(whole[sight.top : max(bottom, sight.top + 1), sight.left : max(right, sight.left + 1)])
    placed = np.asarray(cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    mask = np.zeros((height, width), np.uint8)
    left, top, right, bottom = int(box[0]), int(box[1]), int(np.ceil(box[2])), int(np.ceil(box[3]))
    mask[top:bottom, left:right] = np.where(placed[top:bottom, left:right] > 0, 255, 0)
    return mask


def of_kinds(found: Sequence[Found], kinds: Sequence[str]) -> list[Found]:
    """Those of some kinds, in any case; all of them where no kind is named."""
    wanted = {kind.strip().lower() for kind in kinds if kind.strip()}
    return [one for one in found if not wanted or one.kind.lower() in wanted]


