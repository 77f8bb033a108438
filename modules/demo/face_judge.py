"""Judges how well a drawn face is drawn: eyes and mouth there, in their places, with clean edges. It learns from drawings alone.

It is what the detailer is measured by: it never sees a picture that a network made while it learns.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from . import palette
from .checkpoints import write_tensors
from .drawing import Picture, draw_and_tell
from .progress import Progress, learning_rate
from .scenes import SIZES, Scene, Subject

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels
Crop = NDArray[np.float32]  # (48, 48, 3), sRGB 0..255

SIDE = 48  # pixels
REACH = 1.2  # what is looked at is a square so many times as wide as the face
WEIGHTS = Path(__file__).with_name("face_judge.safetensors")
SEED = 23
STEPS = 900
BATCH = 64
CANVAS = 128  # pixels, the side of the drawings


def scores(faces: Sequence[tuple[Picture, Box]]) -> list[float]:
    """How well each face is drawn, 0 (smeared) to 1 (clean): a picture and where in it the face is."""
    if not faces:
        return []
    with torch.no_grad():
        answers = network()(torch.stack([seen(around(picture, box)) for picture, box in faces]))
    return answers.flatten().sigmoid().tolist()


@cache
def network() -> nn.Sequential:
    """The trained classifier of faces (B, 3, 48, 48), one logit each."""
    model = made()
    model.load_state_dict({name: tensor.float() for name, tensor in load_file(WEIGHTS).items()})
    return model.eval()


def train() -> None:
    """Writes `face_judge.safetensors` beside this file; some minutes of one processor core."""
    torch.manual_seed(SEED)
    model = made()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-3)
    progress = Progress("face judge", first=0, total=STEPS)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step / STEPS, 2e-3)
        crops, clean = lesson(np.random.default_rng((SEED, step)), BATCH)
        answers = model(torch.stack([seen(crop) for crop in crops])).flatten()
        wanted = torch.tensor(clean, dtype=torch.float32)
        loss = F.binary_cross_entropy_with_logits(answers, wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        progress.tell(step + 1, loss=loss.item(), right=((answers > 0) == (wanted > 0.5)).float().mean().item())
    write_tensors(WEIGHTS, {name: tensor.half() for name, tensor in model.state_dict().items()})
    network.cache_clear()


def made() -> nn.Sequential:
    """The classifier, untrained."""

    def stage(inputs: int, outputs: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

    layers = [*stage(3, 16), *stage(16, 32), *stage(32, 48), *stage(48, 64)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(64 * (SIDE // 16) ** 2, 1))


def lesson(rng: np.random.Generator, count: int) -> tuple[list[Crop], list[bool]]:
    """`count` faces, and which of them are clean; about half."""
    crops: list[Crop] = []
    clean = [bool(rng.random() < 0.5) for _ in range(count)]
    for good in clean:
        crop = face(rng, blank=not good and rng.random() < 0.1)
        crop = faded(fine(crop, rng) if good else spoilt(crop, rng), rng.uniform(0.35, 1))
        crops.append(np.clip(crop + rng.normal(0, rng.uniform(0, 8), crop.shape), 0, 255).astype(np.float32))
    return crops, clean


def face(rng: np.random.Generator, *, blank: bool = False) -> Crop:
    """A face as it is drawn, cut out about as exactly as a detector finds it; without eyes and mouth if it is `blank`."""
    colour, background = (str(name) for name in rng.choice(palette.NAMES, 2, replace=False))
    scene = Scene(Subject(colour, "circle" if blank else "face"), background, size=SIZES[int(rng.integers(len(SIZES)))])
    picture, [(_, x, y, radius)] = draw_and_tell(scene, CANVAS, rng)
    x, y = (middle + rng.uniform(-0.12, 0.12) * radius for middle in (x, y))
    radius *= rng.uniform(0.85, 1.2)
    left, top, right, bottom = (side * CANVAS for side in (x - radius, y - radius, x + radius, y + radius))
    return around(picture, (left, top, right, bottom))


def fine(crop: Crop, rng: np.random.Generator) -> Crop:
    """A clean face as pictures show it: hardly blurred, hardly bent."""
    bent = warped(crop, rng, rng.uniform(0, 0.8))
    return softened(bent, rng.uniform(0.01, 0.9))


def faded(crop: Crop, contrast: float) -> Crop:
    """Its colours nearer to each other: how strong they are says nothing about how well a face is drawn."""
    middle = crop.mean((0, 1))
    return np.asarray(middle + (crop - middle) * contrast, np.float32)


def spoilt(crop: Crop, rng: np.random.Generator) -> Crop:
    """A face without its features: blurred, made small and large again, bent, drowned in noise, turned and squeezed, smeared in places."""
    match int(rng.integers(6)):
        case 0:
            return softened(crop, rng.uniform(2.2, 6))
        case 1:
            side = int(rng.integers(5, 12))
            small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
            return np.asarray(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), np.float32)
        case 2:
            return softened(warped(crop, rng, rng.uniform(2.5, 6)), rng.uniform(0.01, 2))
        case 3:
            noisy = crop + rng.normal(0, rng.uniform(60, 140), crop.shape)
            return softened(noisy.astype(np.float32), rng.uniform(0.6, 2))
        case 4:
            way = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), float(rng.uniform(50, 310)), float(rng.uniform(0.35, 0.8)))
            turned = np.asarray(cv2.warpAffine(crop, way, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE), np.float32)
            return within(crop, softened(turned, rng.uniform(0.01, 1.5)), (SIDE / 2, SIDE / 2), rng.uniform(0.25, 0.32) * SIDE)
        case _:
            smeared = softened(warped(crop, rng, 4), rng.uniform(2.5, 6))
            return within(crop, smeared, tuple(rng.uniform(0.35, 0.65, 2) * SIDE), rng.uniform(0.18, 0.35) * SIDE)


def within(crop: Crop, other: Crop, middle: tuple[float, float], radius: float) -> Crop:
    """A crop that shows another one in a disc."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    share = np.clip(radius + 1 - np.hypot(columns - middle[0], rows - middle[1]), 0, 1)[..., None]
    return np.asarray(crop * (1 - share) + other * share, np.float32)


def softened(crop: Crop, sigma: float) -> Crop:
    """Blurred by so many pixels."""
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), np.float32)


def warped(crop: Crop, rng: np.random.Generator, pixels: float) -> Crop:
    """Bent here and there, by about so many pixels."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    across, down = (cv2.resize(rng.normal(0, pixels, (6, 6)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for _ in "xy")
    return np.asarray(cv2.remap(crop, columns + across, rows + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def around(picture: Picture, box: Box) -> Crop:
    """The square around a face, 48 pixels wide; what lies outside of the picture is as its edge."""
    left, top, right, bottom = box
    half = max(right - left, bottom - top) / 2 * REACH
    scale = 2 * half / SIDE
    way = np.array([[1 / scale, 0, -((left + right) / 2 - half) / scale], [0, 1 / scale, -((top + bottom) / 2 - half) / scale]])
    pixels = picture.astype(np.float32)
    if scale > 1:
        pixels = softened(pixels, 0.4 * scale)
    return np.asarray(cv2.warpAffine(pixels, way, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def seen(crop: Crop) -> Tensor:
    """A crop as the network takes it, (3, 48, 48) around 0."""
    return torch.from_numpy(crop).permute(2, 0, 1) / 127.5 - 1
