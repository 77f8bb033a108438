"""Networks and embeddings in A1111's small checkpoint, against what A1111 1.10.1 recorded with them.

Conditioning and last latents of its cases with tags, by Euler a written out here, so that only the weights are on trial.
"""

import hashlib
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.families.load import load_checkpoint
from modules.families.networks import Patches, Wanted
from modules.runtime.placement import Placing
from modules.weights.embeddings import EmbeddingFolders
from modules.weights.lora import Network, read_network
from tests import tiny
from tests.golden import golden_path, needs_golden

# The networks of each case as (file, text encoder's strength, U-Net's strength).
CASES = {
    "231-lora-named": [("tiny-lora", 0.2, 0.8)],
    "234-lora-twice": [("tiny-lora", 0.4, 0.4), ("tiny-locon", 0.5, 0.5)],
    "240-lora-functional": [("tiny-lora", 0.8, 0.8)],
    "239-lora-in-neg": [],
    "221-ti-pt-weight": [],
}
CONTEXT = 3e-5  # float32: another order of the same sums in twelve layers; a network stronger by a hundredth makes 0.005
LATENTS = 3e-3  # the same after 8 steps; a network stronger by a hundredth makes 0.7


def golden(name: str) -> Path:
    path = golden_path(name)
    assert path
    return path


@cache
def loaded() -> tuple[Components, Patches]:
    """A1111's checkpoint with its embeddings."""
    components = load_checkpoint(golden("models/tiny-sd1.safetensors"), golden("models/tiny-sd1.yaml"), Placing(tiny.CPU))
    components.embeddings = EmbeddingFolders([golden("models/embeddings")]).embeddings()
    return components, Patches(components.unet, [encoder.model for encoder in components.encoders])


@cache
def network(name: str) -> Network:
    return read_network(golden(f"models/Lora/{name}.safetensors"))


@torch.inference_mode()
def euler_ancestral(components: Components, context: Tensor, negative: Tensor, *, seed: int, steps: int, guidance: float) -> Tensor:
    """The last latents of a square of 128 pixels. Karras et al. 2022, arXiv:2206.00364, with k-diffusion's ancestral step."""
    alphas = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2, 0).float()
    logs = ((1 - alphas) / alphas).sqrt().log()
    times = torch.linspace(999, 0, steps)
    levels = torch.lerp(logs[times.floor().long()], logs[times.ceil().long()], times.frac()).exp()
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn((1, 4, 16, 16), generator=generator) * levels[0]
    for sigma, after, t in zip(levels, [*levels[1:], torch.tensor(0.0)], times, strict=True):
        inputs = x / (sigma**2 + 1).sqrt()
        for_prompt, for_negative = (components.predict(inputs, t[None], one) for one in (context, negative))
        direction = for_negative + (for_prompt - for_negative) * guidance
        up = torch.minimum(after, (after**2 * (sigma**2 - after**2) / sigma**2).sqrt())
        x = x + direction * ((after**2 - up**2).sqrt() - sigma)
        if after > 0:
            x = x + torch.randn((1, 4, 16, 16), generator=generator) * up
    return x


@needs_golden
@pytest.mark.parametrize("name", CASES)
def test_the_case_gives_a1111s_conditioning_and_latents(name: str) -> None:
    case = json.loads(golden(f"cases/{name}.json").read_text("utf8"))
    components, patches = loaded()
    for matched in patches.applied([Wanted(network(file), te, unet) for file, te, unet in CASES[name]]):
        assert matched.unmatched == ()
    with torch.inference_mode():
        context, negative = (
            components.encode_prompts([text], TextOptions()).context
            for text in (re.sub(r"<[^>]*>", "", case["prompt"]), case["negative_prompt"])
        )
    recorded = np.load(golden(f"tensors/{name}/before0.npz"))
    assert np.abs(context[0].numpy() - recorded["c0_0_0_8"]).max() < CONTEXT
    latents = euler_ancestral(components, context, negative, seed=case["seed"], steps=case["steps"], guidance=case["cfg_scale"])
    assert np.abs(latents.numpy() - np.load(golden(f"tensors/{name}/latent0.npy"))).max() < LATENTS


@needs_golden
@pytest.mark.parametrize("name", ["tiny-lora", "tiny-locon", "tiny-loha"])
def test_a1111s_networks_are_taken_out_bit_for_bit(name: str) -> None:
    components, patches = loaded()
    patches.applied([])
    before = {key: value.clone() for key, value in components.unet.state_dict().items()}
    patches.applied([Wanted(network(name))])
    assert any(not torch.equal(value, before[key]) for key, value in components.unet.state_dict().items())
    patches.applied([])
    assert all(torch.equal(value, before[key]) for key, value in components.unet.state_dict().items())


def test_the_checkpoints_file_is_not_written_to(tmp_path: Path) -> None:
    path = tiny.checkpoint(tmp_path / "model.safetensors")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    components = load_checkpoint(path, None, Placing(tiny.CPU))
    place = components.unet.conv_in.weight
    place.data.add_(1)  # what networks do: tensors that lay in the file would change it
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
