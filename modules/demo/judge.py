"""Judges a picture without asking anybody: the colour behind, the thing's colour, and which thing it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from . import figures, palette, scenes
from .captions import canonical
from .checkpoints import write_tensors
from .drawing import Picture, draw
from .progress import Progress, learning_rate
from .scenes import Scene, Subject

SIDE = 64
CONTRAST = 50.0  # sRGB steps; half the distance between the two closest named colours
WEIGHTS = Path(__file__).with_name("judge.safetensors")
SEED = 5
STEPS = 300
BATCH = 64
PROMPTS = 60


@dataclass(frozen=True)
class Verdict:
    """What a picture is found to show, in the words of captions; the colour is empty where nothing stands out."""

    background: str
    colour: str
    thing: str


def prompts() -> list[tuple[str, Scene]]:
    """The sixty captions of unseen combinations the demo checkpoint is measured by, with what each should show."""
    return [(canonical(scene), scene) for scene in scenes.unseen_scenes(PROMPTS)]


def verdicts(pictures: Sequence[Picture]) -> list[Verdict]:
    """What each picture shows: one thing on a plain background, at any size."""
    with torch.no_grad():
        found = network()(torch.stack([_silhouette(picture) for picture in pictures])).argmax(1).tolist()
    return [
        Verdict(palette.NAMES[palette.nearest(colour_behind(picture))], _colour(picture), figures.NAMES[thing])
        for picture, thing in zip(pictures, found, strict=True)
    ]


@cache
def network() -> nn.Sequential:
    """The trained classifier of silhouettes (B, 1, 64, 64)."""
    model = _network()
    model.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    return model.eval()


def train() -> None:
    """Writes `judge.safetensors` beside this file; a minute or two."""
    torch.manual_seed(SEED)
    model = _network()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    progress = Progress("judge", first=0, total=STEPS)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step / STEPS, 2e-3)
        pictures, things = _lesson(step)
        answers = model(pictures)
        loss = F.cross_entropy(answers, things)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right = (answers.argmax(1) == things).float().mean().item()
        progress.tell(step + 1, loss=loss.item(), right=right)
    write_tensors(WEIGHTS, {name: tensor.half() for name, tensor in model.state_dict().items()})
    network.cache_clear()


def _network() -> nn.Sequential:
    def stage(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

    layers = [*stage(1, 16), *stage(16, 32), *stage(32, 48), *stage(48, 64)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(64 * 16, len(figures.NAMES)))


def _lesson(step: int) -> tuple[Tensor, Tensor]:
    """Silhouettes of single things and their numbers; blurred and noisy, for made pictures are never as clean."""
    rng = np.random.default_rng((SEED, step))
    rows: list[Tensor] = []
    things: list[int] = []
    for _ in range(BATCH):
        colour, background = rng.choice(palette.NAMES, 2, replace=False)
        thing = int(rng.integers(len(figures.NAMES)))
        size = scenes.SIZES[int(rng.choice(3, p=[0.8, 0.1, 0.1]))]
        scene = Scene(Subject(str(colour), figures.NAMES[thing]), str(background), size=size)
        picture = draw(scene, SIDE, rng)
        if rng.random() < 0.7:
            picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.6))
        noisy = picture + rng.normal(0, rng.uniform(0, 14), picture.shape)
        rows.append(_silhouette(np.clip(noisy, 0, 255).astype(np.uint8)))
        things.append(thing)
    return torch.stack(rows), torch.tensor(things)


def _silhouette(picture: Picture) -> Tensor:
    """How far each pixel is from the background, 1 at the farthest, (1, 64, 64): the same in all colours."""
    small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    distance = np.sqrt(np.square(small - colour_behind(picture)).sum(-1))
    farthest = max(float(np.quantile(distance, 0.98)), 1.0)
    return torch.from_numpy(distance / farthest).clamp(max=1.2)[None]


def colour_behind(picture: Picture) -> NDArray[np.float32]:
    """The colour of the background: the median of a frame a sixteenth of the picture wide."""
    width = max(1, picture.shape[0] // 16)
    sides = (picture[:width], picture[-width:], picture[:, :width], picture[:, -width:])
    frame = np.concatenate([side.reshape(-1, 3) for side in sides])
    return np.median(frame, axis=0).astype(np.float32)


def _colour(picture: Picture) -> str:
    """The name of the colour most pixels have that stand out from the background."""
    distance = np.sqrt(np.square(picture - colour_behind(picture)).sum(-1))
    thing = picture[distance > CONTRAST]
    if len(thing) < 0.01 * distance.size:
        return ""
    counts = np.bincount(palette.nearest(thing), minlength=len(palette.NAMES))
    return palette.NAMES[int(counts.argmax())]
