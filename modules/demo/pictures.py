"""The endless album the demo trains on: picture and caption number `index` of a seed, the same on every machine."""

import numpy as np

from .captions import caption
from .drawing import Picture, draw
from .scenes import Scene, scene


def scene_of(seed: int, index: int) -> Scene:
    """The scene of one picture of the album."""
    return scene(np.random.default_rng((seed, index, 0)))


def picture_of(seed: int, index: int, size: int) -> Picture:
    """One picture of the album, (size, size, 3), sRGB."""
    return draw(scene_of(seed, index), size, np.random.default_rng((seed, index, 1)))


def caption_of(seed: int, index: int, wording: int = 0) -> str:
    """One of the captions of one picture of the album; each `wording` is another draw."""
    return caption(scene_of(seed, index), np.random.default_rng((seed, index, 2 + wording)))
