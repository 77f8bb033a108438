"""PAG and SAG against computations of their own, and what is left of them."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from extensions.perturbed_attention import layers_of
from extensions.perturbed_attention.selfattention import blurred, degraded, heard
from modules.contract.errors import BadRequest
from modules.families.attention_changes import Attended, attention_layers, changed_attention
from modules.pipeline.manager import PipelineManager
from tests import tiny
from tests.extensions.making import REQUEST, equal, leaves_no_trace, pictures

PAG, SAG = {"scale": 3.0}, {"method": "SAG", "scale": 2.0, "threshold": 0.9}


def test_the_attention_that_is_heard_is_torch_s_own() -> None:
    layer = next(one for one in attention_layers(tiny.model("sd1").unet) if not one.cross).module
    hidden = torch.randn(2, 9, layer.to_q.in_features)
    found = heard(layer, hidden)
    heads = layer.heads
    q, k = (part(hidden).view(2, 9, heads, -1).transpose(1, 2) for part in (layer.to_q, layer.to_k))
    # attention of a unit matrix as values is the weights themselves
    weights = functional.scaled_dot_product_attention(q, k, torch.eye(9).expand(2, heads, 9, 9))
    assert torch.allclose(found, weights.mean(1).sum(1), atol=1e-5)
    assert torch.allclose(found.mean(dim=1), torch.ones(2), atol=1e-5)


def test_the_blur_is_a_gaussian_with_mirrored_edges() -> None:
    x = torch.randn(1, 2, 6, 5)
    reach, sigma = 4, 1.0
    kernel = np.exp(-0.5 * np.arange(-reach, reach + 1) ** 2 / sigma**2)
    kernel /= kernel.sum()
    wide = np.pad(x.numpy(), ((0, 0), (0, 0), (reach, reach), (reach, reach)), mode="reflect")
    wanted = np.zeros_like(x.numpy())
    for row in range(9):
        for column in range(9):
            wanted += kernel[row] * kernel[column] * wide[:, :, row : row + 6, column : column + 5]
    assert np.allclose(blurred(x, sigma).numpy(), wanted, atol=1e-5)


def test_a_line_of_one_pixel_can_be_blurred() -> None:
    assert torch.allclose(blurred(torch.full((1, 1, 1, 4), 3.0), 2.0), torch.full((1, 1, 1, 4), 3.0))


def test_only_what_the_mask_names_is_spoilt() -> None:
    x0, mask = torch.randn(1, 4, 8, 8), torch.zeros(1, 1, 2, 2, dtype=torch.bool)
    mask[..., 0, 1] = True
    changed = degraded(x0, mask, 1.0) != x0
    assert bool(changed[:, :, :4, 4:].all()) and not bool(changed[:, :, 4:].any()) and not bool(changed[:, :, :, :4].any())


def test_layers_are_named_by_side_and_number() -> None:
    unet = tiny.model("sd1").unet
    assert [name.split(".")[0] for name in layers_of(unet, "m0, u0")] == ["mid_block", "up_blocks"]
    assert len(layers_of(unet, "all")) == sum(not layer.cross for layer in attention_layers(unet))
    with pytest.raises(BadRequest, match="'m7' is not one of this checkpoint; there are d0 to d0, m0 to m0"):
        layers_of(unet, "m7")


def test_perturbed_attention_is_the_identity(pipeline: PipelineManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step of PAG against the network itself with each place of the middle layer looking at itself alone."""
    pictures(pipeline)  # the model is there
    loaded = pipeline.models.current()
    assert loaded is not None
    seen: list[tuple[Tensor, ...]] = []
    predict = type(loaded.components).predict

    def watch(self: object, x: Tensor, t: Tensor, context: Tensor, *more: object) -> Tensor:
        output = predict(loaded.components, x, t, context, *more)  # type: ignore[arg-type]
        seen.append((x, t, context, output))
        return output

    monkeypatch.setattr(type(loaded.components), "predict", watch)
    pictures(pipeline, REQUEST.replace(steps=1), perturbed_attention=PAG)
    monkeypatch.undo()
    assert len(seen) == 2 and len(seen[1][0]) == 1
    x, t, context, output = seen[1]
    module = attention_layers(loaded.components.unet)

    def alone(attended: Attended) -> Tensor | None:
        if attended.layer.cross or attended.layer.side != "mid":
            return None
        layer, tokens = attended.layer.module, attended.hidden.shape[1]
        value = layer.to_v(attended.hidden)
        return layer.to_out[0](torch.eye(tokens).expand(len(value), -1, -1) @ value)

    assert module
    with torch.inference_mode(), changed_attention(loaded.components.unet, alone):
        wanted = loaded.components.predict(x, t, context)
    assert torch.allclose(output, wanted, atol=1e-5)
    assert not torch.allclose(output, seen[0][3][:1], atol=1e-4)


@pytest.mark.parametrize("options", [PAG, SAG], ids=["PAG", "SAG"])
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_it_acts_and_leaves_no_trace(pipeline: PipelineManager, options: dict[str, object], sampler: str) -> None:
    assert leaves_no_trace(pipeline, REQUEST.replace(sampler=sampler), perturbed_attention=options)


@pytest.mark.parametrize("options", [PAG, SAG], ids=["PAG", "SAG"])
def test_a_batch_is_its_single_pictures(pipeline: PipelineManager, options: dict[str, object]) -> None:
    batch = pictures(pipeline, REQUEST.replace(batch_size=2), perturbed_attention=options)
    singles = [pictures(pipeline, REQUEST.replace(seed=seed), perturbed_attention=options)[0] for seed in (7, 8)]
    assert max(np.abs(one - other).max() for one, other in zip(batch, singles, strict=True)) <= 1


@pytest.mark.parametrize("method", ["PAG", "SAG"])
def test_outside_its_time_and_without_scale_it_does_nothing(pipeline: PipelineManager, method: str) -> None:
    plain = pictures(pipeline)
    assert equal(plain, pictures(pipeline, perturbed_attention={"method": method, "scale": 0.0}))
    assert equal(plain, pictures(pipeline, perturbed_attention={"method": method, "start": 1.0}))


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_both_samplers_kinds_guide_alike(pipeline: PipelineManager, sampler: str) -> None:
    """SAG with nothing blurred (a threshold that no place reaches) changes nothing: the noise that it compares is the same."""
    request = REQUEST.replace(sampler=sampler)
    one = pictures(pipeline, request)
    other = pictures(pipeline, request, perturbed_attention={"method": "SAG", "scale": 5.0, "threshold": 5.0, "blur": 1.0})
    assert np.abs(one[0] - other[0]).max() <= 2


@pytest.mark.parametrize("options", [PAG, SAG], ids=["PAG", "SAG"])
def test_without_negative_conditions_and_with_parts_of_a_prompt(pipeline: PipelineManager, options: dict[str, object]) -> None:
    for request in (REQUEST.replace(guidance=1), REQUEST.replace(prompt="a red star AND a blue sun:0.5")):
        assert not equal(pictures(pipeline, request), pictures(pipeline, request, perturbed_attention=options))
