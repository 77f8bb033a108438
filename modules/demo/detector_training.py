"""Trains the detector of drawn faces: a small network in the layout of YOLOv8, so that finding, masking and painting anew can be tried.

One scale, no anchors: each place of a 16 x 16 grid says whether a face's middle lies in it, and how far its sides are
(Tian et al. 2019, FCOS, arXiv:1904.01355). Writing the file takes the package `onnx`; nothing else here does.
"""

import io
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modules.contract.files import write_whole

from . import palette
from .course import Course
from .drawing import Picture, draw_and_tell
from .progress import learning_rate
from .scenes import Subject, scene

SEED = 11
SIDE, STRIDE = 128, 8  # pixels
GRID = SIDE // STRIDE
STEPS, BATCH = 1500, 16
PEAK_RATE = 2e-3
WIDTH = 48  # channels
FACES = 0.6  # of the drawings show a face at least
SAVE_EVERY = 200
NAME = "face"


def block(before: int, after: int, *, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
    """A convolution, normalised: without that, what ten layers see fades out."""
    return [nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(after), nn.SiLU()]


class FaceFinder(nn.Module):
    """Pictures (B, 3, 128, 128) in 0..1 to (B, 5, 256): middle x, y, width, height in pixels, and a score, for each place of the grid."""

    def __init__(self) -> None:
        super().__init__()
        layers = [*block(3, 16, stride=2), *block(16, 32, stride=2), *block(32, WIDTH, stride=2)]
        for dilation in (1, 2, 4, 1):  # a large face is wider than what plain convolutions see
            layers += block(WIDTH, WIDTH, dilation=dilation)
        self.body = nn.Sequential(*layers, nn.Conv2d(WIDTH, 5, 1))
        rows, columns = torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")
        self.register_buffer("places", torch.stack([columns, rows]).flatten(1).float() * STRIDE + STRIDE / 2, persistent=False)

    def raw(self, pictures: Tensor) -> Tensor:
        """(B, 5, 256): the middle's way from the place and the logarithms of the sides, in strides, and the score's logit."""
        return self.body(pictures * 2 - 1).flatten(2)

    def forward(self, pictures: Tensor) -> Tensor:
        raw = self.raw(pictures)
        places = self.places
        assert isinstance(places, Tensor)
        middle = raw[:, :2] * STRIDE + places
        return torch.cat([middle, raw[:, 2:4].exp() * STRIDE, raw[:, 4:].sigmoid()], dim=1)


def train(work: Path, path: Path, steps: int = STEPS) -> None:
    """Writes the detector to `path`, going on where an earlier process stopped; some minutes on a processor."""
    torch.manual_seed(SEED)
    model = FaceFinder()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    course = Course(
        "detector", work / "detector.pt", model, optimizer, steps=steps, rate=lambda step: learning_rate(step / steps, PEAK_RATE),
        every=SAVE_EVERY, clip=0,
    )  # fmt: skip
    for step, pictures, wanted in lessons(course.first, steps):
        score, place = losses(model.raw(pictures), wanted)
        course.learn(step, score + place, score=score.item(), place=place.item())
    export(model.eval(), path)


def lessons(first: int, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Step, pictures (B, 3, 128, 128) in 0..1, and what is wanted (B, 5, 256), scores as 0 or 1."""
    for step in range(first, steps):
        rng = np.random.default_rng([SEED, step])
        drawn = [lesson(rng) for _ in range(BATCH)]
        pictures = torch.from_numpy(np.stack([picture for picture, _ in drawn])).permute(0, 3, 1, 2).float() / 255
        yield step, pictures, torch.stack([wanted(boxes) for _, boxes in drawn])


def lesson(rng: np.random.Generator) -> tuple[Picture, list[tuple[float, float, float]]]:
    """A drawing as a decoder might leave it, and its faces: middle x, y and radius in pixels."""
    shown = scene(rng)
    if rng.random() < FACES:
        colour = str(rng.choice([name for name in palette.NAMES if name != shown.background]))
        shown = replace(shown, first=Subject(colour, "face"))
    picture, places = draw_and_tell(shown, SIDE, rng)
    picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.01, 1.4)))
    noise = rng.normal(0, rng.uniform(0, 6), picture.shape)
    faces = [(x * SIDE, y * SIDE, radius * SIDE) for subject, x, y, radius in places if subject.thing == NAME]
    return np.clip(picture + noise, 0, 255).astype(np.uint8), faces


def wanted(faces: list[tuple[float, float, float]]) -> Tensor:
    """What the network should answer (5, 256) for faces in a picture."""
    table = torch.zeros(5, GRID, GRID)
    for x, y, radius in faces:
        column, row = min(int(x / STRIDE), GRID - 1), min(int(y / STRIDE), GRID - 1)
        middle = (x / STRIDE - column - 0.5, y / STRIDE - row - 0.5)
        table[:, row, column] = torch.tensor([*middle, *[float(np.log(2 * radius / STRIDE))] * 2, 1.0])
    return table.flatten(1)


def losses(raw: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """How wrong scores and places are: the few places with a face count for more."""
    there = wanted[:, 4]
    weight = torch.where(there > 0, (there.numel() - there.sum()) / there.sum().clamp(min=1) / 16, torch.ones_like(there))
    score = F.binary_cross_entropy_with_logits(raw[:, 4], there, weight=weight)
    place = (F.smooth_l1_loss(raw[:, :4], wanted[:, :4], reduction="none").sum(1) * there).sum() / there.sum().clamp(min=1)
    return score, place


def export(model: nn.Module, path: Path) -> None:
    """The network as an ONNX file with the notes that YOLO exporters write. Raises ModuleNotFoundError without the package onnx."""
    written: Any = io.BytesIO()  # torch's annotation knows paths only
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter wants further packages
        example = (torch.zeros(1, 3, SIDE, SIDE),)
        torch.onnx.export(model, example, written, input_names=["images"], output_names=["output0"], dynamo=False, opset_version=13)
    notes = {"names": f"{{0: '{NAME}'}}", "imgsz": f"[{SIDE}, {SIDE}]", "author": "Easel", "task": "detect"}
    write_whole(path, written.getvalue() + b"".join(note(key, value) for key, value in notes.items()))
    path.chmod(0o644)


def note(key: str, value: str) -> bytes:
    """A pair of the model's metadata, as a protocol buffer: field 14 of ModelProto, which may stand at the end."""

    def field(number: int, data: bytes) -> bytes:
        assert len(data) < 128
        return bytes([number << 3 | 2, len(data)]) + data

    return field(14, field(1, key.encode()) + field(2, value.encode()))
