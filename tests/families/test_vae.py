"""Autoencoders: in a checkpoint or alone, whole or in tiles, with edges that meet."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from modules.families.base import Components
from modules.families.vae import load_vae
from modules.runtime.placement import Placement
from modules.weights.files import read_tensors, write_tensors
from modules.weights.header import BadModel
from tests import tiny

PREFIX = "first_stage_model."


def alone() -> dict[str, Tensor]:
    """Another VAE than the model's, under the original names without prefix."""
    return {name.removeprefix(PREFIX): value for name, value in tiny.tensors(1).items() if name.startswith(PREFIX)}


def weights(vae: Any) -> dict[str, Tensor]:
    return vae.state_dict()


@pytest.fixture
def components() -> Components:
    """The shared model with a VAE of its own, which may be changed."""
    vae = load_vae(tiny.tensors(), Path("model"), tiny.PLACING)
    return replace(tiny.model("sd1"), vae=vae, placement=Placement(torch.device("cpu")))


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize("suffix", [".safetensors", ".vae.pt", ".ckpt"])
def test_a_vae_file_of_any_kind_is_the_same_vae(tmp_path: Path, prefix: str, suffix: str) -> None:
    path = tmp_path / f"some{suffix}"
    named = {prefix + name: value for name, value in alone().items()} | {"loss.logvar": torch.zeros(1)}
    if suffix == ".safetensors":
        write_tensors(path, named)
    else:
        torch.save({"state_dict": named}, path)
    found = weights(load_vae(read_tensors(path), path, tiny.PLACING))
    wanted = weights(load_vae(alone(), Path("alone"), tiny.PLACING))
    assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_diffusers_own_layout_is_the_same_vae_too() -> None:
    wanted = weights(load_vae(alone(), Path("alone"), tiny.PLACING))
    found = weights(load_vae(wanted, Path("diffusers"), tiny.PLACING))
    assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_diffusers_older_names_are_understood() -> None:
    wanted = weights(load_vae(alone(), Path("alone"), tiny.PLACING))
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    named: dict[str, Tensor] = {}
    for name, value in wanted.items():
        part = next((part for part in old if f".attentions.0.{part}." in name), "")
        named[name.replace(f".0.{part}.", f".0.{old[part]}.") if part else name] = value
    found = weights(load_vae(named, Path("old"), tiny.PLACING))
    assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_a_file_that_is_no_vae_is_refused() -> None:
    with pytest.raises(BadModel, match="it is no VAE of Stable Diffusion"):
        load_vae({"lora_up.weight": torch.zeros(2)}, Path("x.safetensors"), tiny.PLACING)


@torch.inference_mode()
def test_another_vae_takes_the_place_of_the_models_own_and_gives_it_back(components: Components) -> None:
    latents = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    before, colours = components.decode(latents), components.latents.colours
    components.use_vae(load_vae(alone(), Path("alone"), tiny.PLACING))
    other, other_colours = components.decode(latents), components.latents.colours
    components.use_vae(None)
    assert not torch.allclose(before, other)
    assert not torch.allclose(colours, other_colours)
    assert torch.equal(before, components.decode(latents))
    assert torch.equal(colours, components.latents.colours)


@torch.inference_mode()
def test_a_picture_alone_is_the_same_picture_in_a_batch(components: Components) -> None:
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.equal(components.decode(latents)[1:], components.decode(latents[1:]))


@torch.inference_mode()
def test_drawn_latents_differ_from_their_mean_by_the_generators_noise(components: Components) -> None:
    picture = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mean = components.encode(picture, sample=False)
    drawn = [components.encode(picture, sample=True, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    vae: Any = components.vae
    noise = torch.randn(mean.shape, generator=torch.Generator().manual_seed(1))
    spread = vae.encode(picture).latent_dist.std
    torch.testing.assert_close(drawn[0], mean + spread * noise * components.latents.scale)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


@torch.inference_mode()
def test_without_a_generator_the_noise_is_torchs_own(components: Components) -> None:
    picture = torch.zeros(1, 3, 16, 16)
    torch.manual_seed(9)
    one = components.encode(picture, sample=True)
    assert torch.equal(one, components.encode(picture, sample=True, generator=torch.Generator().manual_seed(9)))


@torch.inference_mode()
def test_a_large_picture_goes_through_in_tiles_and_a_small_one_whole(components: Components) -> None:
    latents = torch.randn(1, 4, 12, 16, generator=torch.Generator().manual_seed(0))
    whole, small = components.decode(latents), components.decode(latents[..., :8, :8])
    components.vae_tile = 64
    in_tiles = components.decode(latents)
    assert in_tiles.shape == whole.shape == (1, 3, 96, 128)
    assert not torch.equal(in_tiles, whole)
    assert (in_tiles - whole).abs().mean() < 0.2  # tiles do not see each other, so their statistics differ a little
    assert torch.equal(components.decode(latents[..., :8, :8]), small)
    assert components.encode(whole.clamp(-1, 1), sample=False).shape == latents.shape


@torch.inference_mode()
def test_edges_that_meet_commute_with_rolling_the_picture(components: Components) -> None:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with components.tiled():
        straight = components.decode(latents)
        rolled = components.decode(latents.roll(3, dims=3)).roll(-24, dims=3)
    torch.testing.assert_close(straight, rolled, atol=1e-4, rtol=1e-4)  # the same sums in another order
    assert not torch.allclose(straight, components.decode(latents))


@torch.inference_mode()
def test_a_picture_with_edges_that_meet_is_never_cut_into_tiles(components: Components) -> None:
    latents = torch.randn(1, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    with components.tiled():
        whole = components.decode(latents)
        components.vae_tile = 64
        assert torch.equal(components.decode(latents), whole)


@torch.inference_mode()
def test_tiling_is_undone_even_after_an_error(components: Components) -> None:
    latents = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    before = components.decode(latents)
    with pytest.raises(RuntimeError), components.tiled():
        raise RuntimeError
    assert torch.equal(components.decode(latents), before)


def test_a_vae_that_overflowed_stays_in_float32(components: Components) -> None:
    components.vae.half()
    components.vae_dtype = torch.float16
    components.vae_in_float32()
    assert components.vae.dtype == components.vae_dtype == torch.float32
    with torch.inference_mode():
        assert components.decode(torch.zeros(1, 4, 4, 4)).dtype == torch.float32


def test_a_plain_grey_picture_is_encoded_alike_whatever_the_layout_of_the_networks() -> None:
    grey = torch.zeros(1, 3, 64, 64)
    places = [replace(tiny.PLACING, device=replace(tiny.CPU, channels_last=last)) for last in (False, True)]
    one, other = (tiny.loaded(tiny.tensors(), place=place).encode(grey, sample=False) for place in places)
    assert torch.allclose(one, other, atol=1e-4)  # kernels add up in another order
