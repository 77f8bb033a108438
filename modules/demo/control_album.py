"""What the demo's control network learns from: drawings placed anywhere, their lines, and what the checkpoint makes of both."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# (what diffusers annotates is narrower than what it takes and gives)

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..families.base import Components
from ..families.clip_text import TextOptions
from .autoencoder_training import to_tensor
from .captions import caption
from .checkpoints import read_state, write_state
from .drawing import Picture, draw
from .progress import Progress
from .scenes import LANDSCAPES, Scene, scene

SEED = 6
PICTURES = 5_000
SIZE = 128
BATCH = 32
CANNY = (100, 200)  # the thresholds that A1111's canny starts with
RADIUS = 0.31  # of a thing alone, in shares of the picture's side
Lines = NDArray[np.uint8]  # (size, size), 0 or 255


def lines_of(picture: Picture) -> Lines:
    """A picture's edges as Canny finds them (Canny 1986), (h, w), 0 or 255: what the control network is shown."""
    return np.asarray(cv2.Canny(picture, *CANNY), np.uint8)


def album_page(index: int, seed: int = SEED) -> tuple[Scene, Picture]:
    """One scene and its picture (SIZE, SIZE, 3). A thing alone on a plain background may stand anywhere, in any size and tilt."""
    rng = np.random.default_rng((seed, index))
    shown = scene(rng)
    alone = shown.second is None and shown.count == 1 and not shown.place and shown.background not in LANDSCAPES
    if not alone or rng.random() < 0.2:
        return shown, draw(shown, SIZE, rng)
    shown = replace(shown, size="")
    return shown, placed_anywhere(draw(shown, 2 * SIZE, rng), rng)


def placed_anywhere(drawn: Picture, rng: np.random.Generator) -> Picture:
    """A drawing (2 SIZE, 2 SIZE, 3) of a thing in its middle, that thing moved, turned, mirrored, smaller or larger; (SIZE, SIZE, 3)."""
    zoom = rng.uniform(0.5, 1.5)
    margin = min(0.5, 0.85 * RADIUS * zoom)
    x, y = rng.uniform(margin, 1 - margin, 2) * SIZE
    turn = cv2.getRotationMatrix2D((SIZE, SIZE), rng.uniform(-30, 30), zoom / 2)
    turn[:, 2] += (x - SIZE, y - SIZE)
    if rng.random() < 0.5:
        drawn = np.ascontiguousarray(drawn[:, ::-1])
    return np.asarray(cv2.warpAffine(drawn, turn, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


@torch.no_grad()
def keep(work: Path, components: Components, pictures: int = PICTURES) -> dict[str, Tensor]:
    """`control_album.pt`, written first if need be: `latents` (n, 4, h, w), `lines` packed (n, SIZE, SIZE / 8) and `contexts`
    (n + 1, 77, width), the last that of no words. Goes on where it stopped.
    """
    path = work / "control_album.pt"
    kept = read_state(path) or {}
    first = len(kept.get("latents", ()))
    progress = Progress("control album", first=first, total=pictures)
    for at in range(first, pictures, BATCH):
        pages = [album_page(index) for index in range(at, min(at + BATCH, pictures))]
        latents = _encoded(components, [picture for _, picture in pages])
        lines = np.packbits(np.stack([lines_of(picture) for _, picture in pages]) > 0, axis=-1)
        texts = [caption(shown, np.random.default_rng((SEED, at, place))) for place, (shown, _) in enumerate(pages)]
        added = {"latents": latents.half(), "lines": torch.from_numpy(lines), "contexts": _read(components, texts).half()}
        kept = {name: torch.cat([kept[name], more]) if name in kept else more for name, more in added.items()}
        progress.tell(at + len(pages))
        if at // BATCH % 20 == 19 or at + BATCH >= pictures:
            write_state(path, kept)
    kept["contexts"] = torch.cat([kept["contexts"], _read(components, [""]).half()])
    return kept


def unpacked(lines: Tensor) -> NDArray[np.float32]:
    """Packed lines (n, SIZE, SIZE / 8) as (n, SIZE, SIZE), 0 or 1."""
    return np.unpackbits(lines.numpy(), axis=-1).astype(np.float32)


def _read(components: Components, texts: list[str]) -> Tensor:
    """The contexts of captions, (n, 77, width)."""
    return components.encode_prompts(texts, TextOptions()).context.float().cpu()


def _encoded(components: Components, pictures: list[Picture]) -> Tensor:
    """The latents of pictures, scaled as the denoiser wants them, (n, 4, h, w), on the processor."""
    stack = to_tensor(list(pictures)).to(components.device)
    with torch.autocast(components.device.type, torch.bfloat16):
        means = components.vae.encode(stack).latent_dist.mean
    return means.float().cpu() * components.latents.scale
