"""Pictures to start from."""

import numpy as np
from PIL import Image


def plain(width: int, height: int, level: int = 100) -> Image.Image:
    """One grey."""
    return Image.new("RGB", (width, height), (level, level, level))


def varied(width: int, height: int) -> Image.Image:
    """Soft colours that differ everywhere, the same ones always."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    colors = np.stack([np.sin(across * 7) * 0.4 + 0.5, down, np.cos((across + down) * 5) * 0.3 + 0.5], axis=2)
    return Image.fromarray((colors * 255).astype(np.uint8))
