"""How much each region counts at each place: maps at the size of the latents, and at that of an attention layer."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from extensions.regional_prompts.regions import Area
from modules.contract.errors import BadRequest
from modules.imaging.opening import open_image

# The colours that regions are painted in, in order. White, black and what is transparent is painted by no one.
PALETTE: tuple[tuple[int, int, int], ...] = (
    (230, 40, 40), (40, 90, 230), (40, 170, 70), (240, 200, 20), (170, 60, 200), (20, 190, 200),
    (245, 130, 20), (245, 120, 180), (130, 90, 40), (130, 200, 60), (90, 110, 140), (120, 20, 60),
)  # fmt: skip


def map_of(area: Area, height: int, width: int) -> Tensor:
    """How much of each cell (height, width) a rectangle covers."""
    return along(area.top, area.bottom, height)[:, None] * along(area.left, area.right, width)[None]


def along(start: float, end: float, count: int) -> Tensor:
    """How much of each of `count` cells lies between two shares of a line."""
    edges = torch.arange(count + 1, dtype=torch.float64) / count
    return ((edges[1:].clamp(max=end) - edges[:-1].clamp(min=start)).clamp(min=0) * count).float()


def painted(mask: bytes, count: int, height: int, width: int) -> list[Tensor]:
    """The maps (height, width) of regions painted in the colours of `PALETTE`. Raises BadRequest if one of them is nowhere."""
    image = open_image(mask, name="The regions' mask").convert("RGBA")
    if max(image.size) > 2048:  # no finer than any layer can tell
        image = image.resize([max(1, round(side * 2048 / max(image.size))) for side in image.size], Image.Resampling.NEAREST)
    if count > len(PALETTE):
        raise BadRequest(f"The prompt has {count} regions; {len(PALETTE)} is the most that a mask can have.")
    numbers = torch.from_numpy(numbered(np.asarray(image)))
    maps = [functional.adaptive_avg_pool2d((numbers == number).float()[None, None], (height, width))[0, 0] for number in range(count)]
    absent = [str(number + 1) for number, one in enumerate(maps) if not bool(one.any())]
    if absent:
        raise BadRequest(
            f"Nothing is painted for region {' and '.join(absent)}: the prompt has {count} regions, each with its colour.",
            "Paint it in the panel of Regional prompts, or take the region out of the prompt.",
        )
    return maps


def numbered(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The number of the colour that each pixel (H, W, 4) is nearest to, -1 where nothing is painted."""
    colours = np.array([*PALETTE, (255, 255, 255), (0, 0, 0)], np.int32)
    distances = np.stack([np.square(pixels[..., :3].astype(np.int32) - colour).sum(-1) for colour in colours])
    nearest = distances.argmin(0)
    return np.where((nearest >= len(PALETTE)) | (pixels[..., 3] < 128), -1, nearest)


def softened(maps: Sequence[Tensor], sigma: float) -> list[Tensor]:
    """Maps (h, w) with soft borders: a Gaussian blur of that many cells, its edges repeated."""
    if not sigma or not maps:
        return list(maps)
    reach = max(1, round(3 * sigma))
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = kernel / kernel.sum()
    stack = torch.stack(list(maps))[:, None]
    stack = functional.conv2d(functional.pad(stack, (0, 0, reach, reach), mode="replicate"), kernel.view(1, 1, -1, 1))
    stack = functional.conv2d(functional.pad(stack, (reach, reach, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    return list(stack[:, 0])


def shared_out(maps: Sequence[Tensor], base: Sequence[float]) -> list[Tensor]:
    """The weights of the base and of each region (h, w), 1 together at each place: where regions overlap they share it."""
    total = torch.stack(list(maps)).sum(dim=0)
    over = total.clamp(min=1.0)
    regions = [one / over * (1 - share) for one, share in zip(maps, base, strict=True)]
    rest = (1 - torch.stack(regions).sum(dim=0)).clamp(min=0)
    return [torch.where(rest < 1e-6, torch.zeros_like(rest), rest), *regions]


def at_layer(maps: Sequence[Tensor], height: int, width: int) -> list[Tensor]:
    """Maps (h, w) as (height * width, 1), averaged over the cells of an attention layer."""
    stack = functional.adaptive_avg_pool2d(torch.stack(list(maps))[:, None], (height, width))
    return list(stack.flatten(1)[..., None])
