"""Live previews by TAESD's decoder, over files as its author lays them out."""

import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor

from modules.imaging.opening import open_image
from modules.pipeline.manager import PipelineManager
from modules.pipeline.tiny_decoder import TinyDecoders, decoder_of
from modules.weights.files import write_tensors
from tests.pipeline.asked import REQUEST
from tests.tiny import Listener

FIRST = 1  # the author's first layer has no weights


def authors_file(path: Path) -> dict[str, Tensor]:
    """A decoder with weights of chance, under the names of its author's files; and the weights under diffusers'."""
    torch.manual_seed(0)
    made = decoder_of_nothing()
    tensors = {name.removeprefix("layers."): tensor for name, tensor in made.items()}
    names = {f"{int(name.partition('.')[0]) + FIRST}.{name.partition('.')[2]}": tensor for name, tensor in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, names)
    return made


def decoder_of_nothing() -> dict[str, Tensor]:
    from diffusers.models.autoencoders.vae import DecoderTiny

    network = DecoderTiny(4, 3, (3, 3, 3, 1), (64, 64, 64, 64), 2, "relu", "nearest")
    return {name: tensor.contiguous() for name, tensor in network.state_dict().items()}


def test_the_authors_names_and_diffusers_give_the_same_network(tmp_path: Path) -> None:
    weights = authors_file(tmp_path / "VAE-taesd" / "taesd_decoder.safetensors")
    latents = torch.randn(2, 4, 8, 8)
    found = TinyDecoders(tmp_path).decode("sd1", latents)
    assert found is not None and found.shape == (2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(found, decoder_of(weights, Path("here"))(latents))


def test_a_model_of_another_family_finds_none(tmp_path: Path) -> None:
    authors_file(tmp_path / "VAE-taesd" / "taesd_decoder.safetensors")
    assert TinyDecoders(tmp_path).decode("sdxl", torch.zeros(1, 4, 8, 8)) is None


def test_a_file_that_is_something_else_is_told_once_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "VAE-taesd").mkdir()
    write_tensors(tmp_path / "VAE-taesd" / "taesd_decoder.safetensors", {"1.weight": torch.zeros(2, 2)})
    decoders = TinyDecoders(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert [decoders.decode("sd1", torch.zeros(1, 4, 8, 8)) for _ in range(2)] == [None, None]
    assert caplog.text.count("not a TAESD decoder") == 1


def test_previews_are_as_large_as_the_picture_with_a_decoder_and_small_without(pipeline: PipelineManager, tmp_path: Path) -> None:
    pipeline.settings.update({"show_progress_type": "TAESD"})

    def preview_size() -> tuple[int, int]:
        listener = Listener(previews=True)
        pipeline.generate(REQUEST.replace(save=False), listener)
        return open_image(listener.previews[0]).size

    without = preview_size()
    authors_file(tmp_path / "models" / "VAE-taesd" / "taesd_decoder.safetensors")
    pipeline.tools.tiny_decoders = TinyDecoders(tmp_path / "models")
    assert (without, preview_size()) == ((32, 32), (64, 64))
