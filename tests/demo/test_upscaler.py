"""The bundled upscaler does better than plain enlarging, on drawings its training never saw."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from modules.demo.upscaler_training import by_lanczos, psnr, train, unseen_pairs
from modules.pipeline.upscale import Upscalers
from modules.settings.groups import Upscaling
from modules.weights.spandrel import read_upscaler

MODELS = Path(__file__).parents[2] / "models"
BUNDLED = MODELS / "ESRGAN" / "demo-2x.safetensors"
LARGEST = 400_000  # bytes


def test_it_comes_along_and_is_small() -> None:
    assert BUNDLED.stat().st_size <= LARGEST
    assert read_upscaler(BUNDLED).scale == 2


def test_it_comes_nearer_to_unseen_drawings_than_lanczos() -> None:
    upscalers = Upscalers(MODELS, lambda: torch.device("cpu"))
    for small, large in unseen_pairs(4):
        made = np.asarray(upscalers.upscale(Image.fromarray(small), "demo-2x", 2, settings=Upscaling()))
        assert psnr(made, large) > psnr(by_lanczos(small, large.shape[0]), large) + 3  # about 9 dB; 3 would still be plain to see


def test_training_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    train(tmp_path, tmp_path / "whole.safetensors", cpu, 2, judged=1)
    first = torch.load(tmp_path / "upscaler.pt", weights_only=True)
    train(tmp_path, tmp_path / "whole.safetensors", cpu, 3, judged=1)
    second = torch.load(tmp_path / "upscaler.pt", weights_only=True)
    assert (first["step"], second["step"]) == (2, 3)
    assert not torch.equal(first["model"]["body.0.weight"], second["model"]["body.0.weight"])
