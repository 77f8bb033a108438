"""Trains the bundled upscaler: twice the size, small enough for a processor, on the drawings of this package.

The network is SRVGGNetCompact (Wang et al. 2021, Real-ESRGAN, arXiv:2107.10833, its small variant): convolutions at the small size,
one step of pixel shuffling, added to the enlarged picture.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ..weights.files import write_tensors
from ..weights.spandrel import import_spandrel
from .course import Course
from .drawing import Picture, draw
from .pictures import picture_of
from .progress import learning_rate
from .scenes import unseen_scenes

SEED = 8
SCALE = 2
WIDTH, DEPTH = 32, 8  # channels, convolutions between the first and the last
STEPS = 10000
DRAWINGS, SIDES = 480, (128, 192, 256)  # each drawn once, and cut from at random places
PATCH, BATCH = 40, 8  # pixels of the small side
TRIES = 3  # places to cut from, of which the liveliest is taken: most of a drawing is plain
PEAK_RATE = 1e-3
SAVE_EVERY = 250
SMOOTH = 0.1  # errors below it count squared: with plain ones, drawings so plain teach the network to do nothing
FILTERS = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BOX)
NOISE = 2 / 255  # at most; what a decoder leaves
METADATA = {"modelspec.title": "Easel demo upscaler, 2x", "modelspec.architecture": "SRVGGNetCompact"}


def network() -> nn.Module:
    """The network, untrained. Takes (B, 3, h, w) in 0..1, gives (B, 3, 2h, 2w)."""
    import_spandrel()
    from spandrel.architectures.Compact import Compact

    model = Compact(num_in_ch=3, num_out_ch=3, num_feat=WIDTH, num_conv=DEPTH, upscale=SCALE, act_type="prelu")
    convolutions: list[Any] = [layer for layer in model.body if isinstance(layer, nn.Conv2d)]
    for layer in convolutions:
        nn.init.kaiming_normal_(layer.weight, a=0.25)  # of the PReLUs between them; torch's default fades out over ten layers
        nn.init.zeros_(layer.bias)
    nn.init.normal_(convolutions[-1].weight, std=1e-3)  # training begins at the plainly enlarged picture
    return model


def train(work: Path, path: Path, device: torch.device, steps: int = STEPS, judged: int = 24) -> None:
    """Writes the upscaler to `path`, going on where an earlier process stopped; tells how well it does on `judged` drawings."""
    torch.manual_seed(SEED)
    model = network().to(device)
    optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.99))
    course = Course(
        "upscaler", work / "upscaler.pt", model, optimizer, steps=steps, rate=lambda step: learning_rate(step / steps, PEAK_RATE),
        every=SAVE_EVERY, clip=0.5,
    )  # fmt: skip
    for step, small, large in batches(course.first, steps):
        course.learn(step, F.smooth_l1_loss(model(small.to(device)), large.to(device), beta=SMOOTH))
    export(model, path)
    report(model, judged)


def export(model: nn.Module, path: Path) -> None:
    """The weights in half precision, as spandrel reads them."""
    write_tensors(path, {name: tensor.detach().cpu().half() for name, tensor in model.state_dict().items()}, METADATA)
    path.chmod(0o644)


def report(model: nn.Module, count: int) -> None:
    """Prints how near the network and Lanczos come to drawings that training never saw."""
    found = [(psnr(enlarged(model, small), large), psnr(by_lanczos(small, large.shape[0]), large)) for small, large in unseen_pairs(count)]
    ours, lanczos = np.mean(found, axis=0)
    print(f"{count} unseen drawings: {ours:.2f} dB, Lanczos {lanczos:.2f} dB, better on {sum(a > b for a, b in found)}", flush=True)


def unseen_pairs(count: int, side: int = 256) -> list[tuple[Picture, Picture]]:
    """Held-out drawings, each at half its size and whole."""
    drawn = [draw(scene, side, np.random.default_rng((SEED, index, 9))) for index, scene in enumerate(unseen_scenes(count))]
    return [(resized(picture, side // SCALE, Image.Resampling.BICUBIC), picture) for picture in drawn]


def enlarged(model: nn.Module, picture: Picture) -> Picture:
    """A picture through the network."""
    with torch.inference_mode():
        larger = model(to_tensor([picture]).to(next(model.parameters()).device))[0]
    return (larger.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def by_lanczos(picture: Picture, side: int) -> Picture:
    """A picture enlarged without a network."""
    return resized(picture, side, Image.Resampling.LANCZOS)


def psnr(picture: Picture, wanted: Picture) -> float:
    """How near a picture is to the wanted one: peak signal-to-noise ratio, in dB."""
    error = np.square(picture.astype(np.float64) - wanted).mean()
    return float(10 * np.log10(255.0**2 / max(error, 1e-9)))


def resized(picture: Picture, side: int, kind: Image.Resampling) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((side, side), kind), np.uint8)


def to_tensor(pictures: Sequence[NDArray[np.number]]) -> Tensor:
    """Pictures (h, w, 3) in 0..255 as (B, 3, h, w) in 0..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255


def batches(first: int, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Steps with small patches (B, 3, 40, 40) and the same patches at twice the size; the next is cut while one is trained on."""

    @cache
    def drawing(index: int) -> Picture:
        return picture_of(SEED, index, SIDES[index % len(SIDES)])

    def pair(rng: np.random.Generator) -> tuple[NDArray[np.float32], Picture]:
        large = drawing(int(rng.integers(DRAWINGS)))
        small = resized(large, large.shape[0] // SCALE, FILTERS[int(rng.integers(len(FILTERS)))])
        places = rng.integers(0, small.shape[0] - PATCH, (TRIES, 2), endpoint=True)
        x, y = max(places, key=lambda place: small[place[1] : place[1] + PATCH, place[0] : place[0] + PATCH].std())
        cut = small[y : y + PATCH, x : x + PATCH].astype(np.float32)
        cut += rng.normal(0, 255 * NOISE * rng.uniform(0, 1), cut.shape) * (rng.random() < 0.5)
        whole = large[SCALE * y : SCALE * (y + PATCH), SCALE * x : SCALE * (x + PATCH)]
        turns, mirrored, colours = int(rng.integers(4)), 1 - 2 * int(rng.integers(2)), rng.permutation(3)
        cut, whole = np.rot90(cut, turns)[:, ::mirrored, colours], np.rot90(whole, turns)[:, ::mirrored, colours]
        return cut, whole

    def batch(step: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((SEED, step))
        small, large = zip(*(pair(rng) for _ in range(BATCH)), strict=True)
        return to_tensor(small), to_tensor(large)

    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(batch, first)
        for step in range(first, steps):
            small, large = coming.result()
            coming = pool.submit(batch, step + 1)
            yield step, small, large
