"""What a generation gives back: pictures with their seeds, infotexts and files."""

from dataclasses import dataclass, field
from typing import Any, Literal

from PIL.Image import Image


@dataclass(frozen=True)
class GeneratedImage:
    """One picture. `path` is None when it was not saved; `variation_seed` is used only with a variation strength.

    `kind` tells the pictures that were asked for from grids over them and masks that come with them.
    """

    image: Image
    seed: int
    variation_seed: int
    prompt: str
    negative_prompt: str
    infotext: str
    path: str | None = None
    kind: Literal["picture", "grid", "mask"] = "picture"


@dataclass(frozen=True)
class GenerationResult:
    """All pictures of one request, in order. `details` are facts of the run: model, hash, sampler as resolved."""

    images: tuple[GeneratedImage, ...]
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False
    details: dict[str, Any] = field(default_factory=dict[str, Any])

    def summary(self) -> dict[str, Any]:
        """What is kept of it in the job list: JSON values only, pictures by their path."""
        return {
            "paths": [image.path for image in self.images],
            "seeds": [image.seed for image in self.images],
            "variation_seeds": [image.variation_seed for image in self.images],
            "infotexts": [image.infotext for image in self.images],
            "warnings": list(self.warnings),
            "seconds": round(self.seconds, 2),
        }
