"""What can tell what a picture shows: image classifiers in `models/safety`, and whatever extensions add. None comes with the program."""

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

from modules.weights.header import BadModel

log = logging.getLogger(__name__)
MEAN = STANDARD_DEVIATION = (0.5, 0.5, 0.5)  # of a classifier whose folder does not say


class Detector(Protocol):
    """Scores a picture by labels, each 0..1. `name` and `version` go into the metadata of what it blurs."""

    name: str
    version: str

    def score(self, image: Image.Image) -> Mapping[str, float]:
        """The scores of a picture. May raise anything: then the picture does not pass."""
        ...


class Classifier:
    """An image classifier in transformers' layout: config.json, model.safetensors, preprocessor_config.json. Loaded when first asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self.version = ""
        self.loading = threading.Lock()
        self.network: Any = None

    def score(self, image: Image.Image) -> Mapping[str, float]:
        """Softmax over its labels; sigmoid of each where the labels do not exclude one another. Raises BadModel."""
        with self.loading:
            if self.network is None:
                self.network = self.read()
        with torch.inference_mode():
            logits = self.network(pixel_values=self.pixels(image)).logits[0].float()
        independent = self.network.config.problem_type == "multi_label_classification"
        scores = logits.sigmoid() if independent else logits.softmax(0)
        return {str(self.network.config.id2label[place]): float(score) for place, score in enumerate(scores)}

    def read(self) -> Any:
        """The network, from disk alone, without a line of code from its folder."""
        from transformers import AutoModelForImageClassification

        log.info("Loading the content screen's %s.", self.name)
        try:
            found: Any = AutoModelForImageClassification.from_pretrained(
                self.folder, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise BadModel(self.folder, f"it is no image classifier that can be read ({error})") from None
        return found.eval()

    def pixels(self, image: Image.Image) -> torch.Tensor:
        """The picture (1, 3, H, W) as the network wants it: stretched to its size, normalised."""
        given = self.folder / "preprocessor_config.json"
        told: dict[str, Any] = json.loads(given.read_text("utf8")) if given.exists() else {}
        size: Any = told.get("size") or {}
        side = size if isinstance(size, int) else size.get("height") or size.get("shortest_edge") or self.network.config.image_size
        array = np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BILINEAR), np.float32) / 255
        mean, deviation = told.get("image_mean") or MEAN, told.get("image_std") or STANDARD_DEVIATION
        return torch.from_numpy((array - mean) / deviation).float().permute(2, 0, 1)[None]


class Classifiers:
    """The classifiers in the folders below one, as they are there now; those that were read stay in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.known: dict[Path, Classifier] = {}

    def __call__(self) -> list[Classifier]:
        """All of them, by name."""
        there = sorted(path.parent for path in self.folder.glob("*/config.json") if (path.parent / "model.safetensors").exists())
        self.known = {path: self.known.get(path) or Classifier(path) for path in there}
        return list(self.known.values())
