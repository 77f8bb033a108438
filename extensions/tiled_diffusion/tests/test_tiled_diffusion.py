"""Tiles: where they lie, what they weigh, that the network's outputs are averaged, and what memory it takes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from extensions.tiled_diffusion import TiledDiffusion
from extensions.tiled_diffusion.tests.memory import decoder_peak, network_peak
from extensions.tiled_diffusion.tiles import Tiles, crop, gaussian, part_of, share
from modules.contract.errors import BadRequest
from modules.contract.request import HiresPass, Size
from modules.pipeline.manager import PipelineManager
from modules.sampling.guidance import Call, Condition, Residuals
from tests.extensions.making import REQUEST, equal, leaves_no_trace, pictures

SMALL = {"width": 16, "height": 16, "overlap": 8}
LARGE = REQUEST.replace(size=Size(192, 160), steps=2)
CPU = torch.device("cpu")


def tiles(height: int = 20, width: int = 24, **options: object) -> Tiles:
    found = Tiles.of(height, width, TiledDiffusion.Options(**{**SMALL, **options}), device=CPU)
    assert found is not None
    return found


@pytest.mark.parametrize("method", ["MultiDiffusion", "Mixture of Diffusers"])
def test_outputs_are_averaged_by_their_weights(method: str) -> None:
    """Against a loop over pixels: a network that answers with the number of the tile."""
    found = tiles(method=method)
    assert found.places == ((0, 0), (0, 8), (4, 0), (4, 8))
    total, weights = np.zeros((20, 24)), np.zeros((20, 24))
    for number, (top, left) in enumerate(found.places):
        for row in range(16):
            for column in range(16):
                away = ((row - 7.5) / 16) ** 2 + ((column - 7.5) / 16) ** 2
                weight = 1.0 if method == "MultiDiffusion" else np.exp(-away / 0.02)
                total[top + row, left + column] += number * weight
                weights[top + row, left + column] += weight
    ours = torch.zeros(1, 1, 20, 24)
    for number, place in enumerate(found.places):
        crop(ours, found, place).add_(number * found.weight)
    assert np.allclose((ours / found.total)[0, 0].numpy(), total / weights, atol=1e-3)  # the bell's foot is held above 0


def test_the_bell_is_highest_in_the_middle() -> None:
    bell = gaussian(16)
    assert torch.equal(bell, bell.flip(0)) and int(bell.argmax()) in (7, 8) and bool((bell > 0).all())


def test_control_is_cut_as_the_latents_are() -> None:
    found = tiles(32, 40)
    whole = torch.arange(32 * 40, dtype=torch.float32).view(1, 1, 32, 40)
    half = torch.arange(16 * 20, dtype=torch.float32).view(1, 1, 16, 20)
    for place in found.places:
        assert torch.equal(share(whole, found, place), crop(whole, found, place))
        assert torch.equal(share(half, found, place)[0, 0], half[0, 0, place[0] // 2 :, place[1] // 2 :][:8, :8])


def test_a_call_is_repeated_for_each_tile() -> None:
    found, context = tiles(), torch.randn(2, 77, 8)
    conditions = [Condition(context[0], 0), Condition(context[1], 0, role="negative")]
    call = Call(torch.randn(2, 4, 20, 24), torch.tensor([3.0, 3.0]), conditions, context, None, Residuals(mid=torch.randn(2, 8, 5, 6)))
    part = part_of(call, found, found.places[:2])
    assert part.x.shape == (4, 4, 16, 16) and part.context.shape == (4, 77, 8) and len(part.conditions) == 4
    assert torch.equal(part.x[2:], call.x[:, :, :16, 8:24])
    assert part.residuals is not None and part.residuals.mid is not None and part.residuals.mid.shape == (4, 8, 4, 4)


def test_tiles_at_a_time_change_nothing(pipeline: PipelineManager) -> None:
    one = pictures(pipeline, LARGE, tiled_diffusion={**SMALL, "together": 1})
    four = pictures(pipeline, LARGE, tiled_diffusion={**SMALL, "together": 4})
    assert np.abs(one[0] - four[0]).max() <= 1 and one[0].shape == (160, 192, 3)


def test_it_leaves_no_trace(pipeline: PipelineManager) -> None:
    pictures(pipeline)
    loaded = pipeline.models.current()
    assert loaded is not None
    size = loaded.components.vae_tile
    assert leaves_no_trace(pipeline, LARGE, tiled_diffusion={**SMALL, "vae_tile": 64})
    assert loaded.components.vae_tile == size


def test_one_tile_is_the_plain_picture(pipeline: PipelineManager) -> None:
    assert equal(pictures(pipeline), pictures(pipeline, tiled_diffusion={"vae_tile": 0}))


def test_hires_and_a_second_condition_work(pipeline: PipelineManager) -> None:
    request = REQUEST.replace(prompt="a AND b", hires=HiresPass(scale=2.0), steps=2)
    assert pictures(pipeline, request, tiled_diffusion={**SMALL, "overlap": 4, "width": 24})[0].shape == (128, 128, 3)


def test_an_overlap_as_large_as_the_tile_is_refused(pipeline: PipelineManager) -> None:
    with pytest.raises(BadRequest, match="overlap is 16; it must be less than the tile's side, 16"):
        pictures(pipeline, tiled_diffusion={**SMALL, "overlap": 16})


def test_its_infotext_comes_back_and_so_does_a1111s() -> None:
    options = TiledDiffusion.Options(width=16, height=16, overlap=8)
    notes = {key: str(value) for key, value in TiledDiffusion.notes(options, "").items()}
    assert TiledDiffusion.Options(**(TiledDiffusion.options_from(notes, "") or {})) == options
    old = {"Tiled Diffusion": "{'Method': 'MultiDiffusion', 'Tile tile width': 64, 'Tile Overlap': 32}"}
    assert TiledDiffusion.options_from(old, "") == {"method": "MultiDiffusion", "width": 64, "overlap": 32}


def test_a_tile_of_sd_1_takes_little_memory_however_large_the_picture() -> None:
    """All intermediate results alive at once, counted without computing them: 16 bits, positive and negative together."""
    four = network_peak(96, 96, rows=8)
    weights = 2 * (860e6 + 84e6 + 123e6)  # U-Net, VAE, text encoder
    assert weights + max(four, decoder_peak(64)) < 4e9
    assert network_peak(192, 192) == pytest.approx(4 * network_peak(96, 96), rel=0.02)  # it grows with the area


def test_a_picture_decoded_in_tiles_has_no_seams(pipeline: PipelineManager) -> None:
    """What tiles change against the whole is no steeper where they meet than elsewhere."""
    pictures(pipeline)
    loaded = pipeline.models.current()
    assert loaded is not None
    components, before = loaded.components, loaded.components.vae_tile
    torch.manual_seed(0)
    smooth: Tensor = torch.nn.functional.interpolate(torch.randn(1, 4, 4, 4), size=(32, 32), mode="bicubic")
    with torch.inference_mode():
        whole = components.decode(smooth)[0].numpy()
        components.vae_tile = 128
        tiled = components.decode(smooth)[0].numpy()
        components.vae_tile = before
    jumps = np.abs(np.diff(tiled - whole, axis=2)).mean(axis=(0, 1))
    assert jumps[95] < 4 * jumps.mean() and jumps[191] < 4 * jumps.mean()  # tiles of 128 that share a quarter begin each 96 pixels
