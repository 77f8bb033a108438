"""Pictures described in words."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from modules.contract.errors import NotSupported
from modules.contract.extras import Caption
from modules.contract.progress import Reporter
from modules.weights.header import BadModel, read_header

FOLDER = "BLIP"
NEEDED = ("config.json", "model.safetensors", "vocab.txt")
# CLIP's preprocessing: the mean and the spread of its training pictures, red, green, blue.
MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)
SHORTEST, LONGEST = 24, 48  # tokens; A1111's defaults


class Captions:
    """What can describe pictures, by the files below `models`. `place` says where networks run."""

    def __init__(self, models: Path, place: Callable[[], torch.device]) -> None:
        self.models = models
        self.place = place
        self.lock = threading.Lock()
        self.kept: Blip | None = None

    def check(self, kind: Caption) -> None:
        """Raise NotSupported where there is nothing that describes pictures in this way, with what to do."""
        if kind == "Deepbooru":
            raise NotSupported("DeepDanbooru's tags are not supported; this program has no reader for its model.", "Use BLIP instead.")
        self.folder()

    def folder(self) -> Path:
        """Where BLIP lies: in its folder, or in one inside it. Raises NotSupported."""
        top = self.models / FOLDER
        for folder in (top, *sorted(path for path in top.glob("*") if path.is_dir())):
            if all((folder / name).is_file() for name in NEEDED):
                return folder
        raise NotSupported(
            f"Pictures cannot be described: there is no BLIP model in {top}.",
            f"Put the files of Salesforce/blip-image-captioning-base there: {', '.join(NEEDED)}.",
        )

    def caption(self, image: Image.Image, kind: Caption = "BLIP", *, report: Reporter | None = None) -> str:
        """A picture in a sentence. Raises NotSupported, BadModel, and what the reporter raises."""
        self.check(kind)
        if report is not None:
            report.check()
        folder = self.folder()
        with self.lock:
            if self.kept is None or self.kept.folder != folder:
                self.kept = Blip(folder)
            return self.kept.describe(image, self.place())

    def release(self) -> None:
        """Give back the memory of the network that is kept."""
        with self.lock:
            self.kept = None


class Blip:
    """BLIP's captioning network in transformers' layout. Li et al. 2022, arXiv:2201.12086."""

    def __init__(self, folder: Path) -> None:
        from transformers import BertTokenizer, BlipForConditionalGeneration

        self.folder = folder
        read_header(folder / "model.safetensors")
        try:
            network: Any = BlipForConditionalGeneration
            words: Any = BertTokenizer
            self.network: Any = network.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
            self.words: Any = words.from_pretrained(folder, local_files_only=True)
            self.side = int(json.loads((folder / "config.json").read_text("utf8"))["vision_config"].get("image_size", 384))
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise BadModel(folder / "model.safetensors", f"transformers cannot read it ({str(error).splitlines()[0][:120]})") from None

    @torch.inference_mode()
    def describe(self, image: Image.Image, place: torch.device) -> str:
        """A picture in a sentence; the network is back in main memory afterwards."""
        try:
            self.network.to(place)
            seen = seen_by(image, self.side).to(place)
            tokens: Any = self.network.generate(pixel_values=seen, num_beams=1, do_sample=False, min_length=SHORTEST, max_length=LONGEST)
        finally:
            self.network.cpu()
        return str(self.words.decode(tokens[0].tolist(), skip_special_tokens=True)).strip()


def seen_by(image: Image.Image, side: int) -> Tensor:
    """A picture as the network sees it: (1, 3, side, side), stretched."""
    small = image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    values: NDArray[np.uint8] = np.array(small)
    picture: Tensor = torch.from_numpy(values).permute(2, 0, 1).float() / 255  # pyright: ignore[reportUnknownMemberType]
    mean, spread = (torch.tensor(values)[:, None, None] for values in (MEAN, SPREAD))
    return ((picture - mean) / spread)[None]
