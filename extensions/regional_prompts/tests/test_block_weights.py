"""LoRAs weighed by block and by step (extensions/lora_block_weight) within regions of their own."""

import pytest
import torch
from torch import Tensor

from extensions.regional_prompts.tests.test_regional_prompts import LATENT, latents
from modules.pipeline.manager import PipelineManager
from modules.weights.files import write_tensors
from tests.extensions.making import REQUEST, pictures, traces
from tests.families.network_files import lora_for

MODULES = {
    "IN01": "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_v",
    "MID": "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_v",
}
SAME = 1e-4  # of latents: what another order of adding leaves


@pytest.fixture
def loras(pipeline: PipelineManager) -> PipelineManager:
    """A program with a LoRA on two blocks, `whole`, and one with just its part in the middle, `mid`."""
    pictures(pipeline)
    loaded = pipeline.models.current()
    assert loaded is not None
    table = loaded.patches.table
    tensors: dict[str, Tensor] = {}
    for number, name in enumerate(MODULES.values()):
        target = table.find(name)
        assert target is not None
        tensors |= {f"{name}.{part}": value * 5 for part, value in lora_for(table.modules[target], seed=number).items()}
    folder = pipeline.tools.root / "models" / "Lora"
    folder.mkdir(exist_ok=True)
    write_tensors(folder / "whole.safetensors", tensors)
    write_tensors(folder / "mid.safetensors", {key: value for key, value in tensors.items() if key.startswith(MODULES["MID"])})
    pipeline.library.loras.refresh()
    return pipeline


def drawn(pipeline: PipelineManager, prompt: str, steps: int = 2) -> Tensor:
    """The latents of a prompt whose regions and tags act."""
    return latents(pipeline, REQUEST.replace(prompt=prompt, steps=steps), regional_prompts=LATENT, lora_block_weight={})


def test_a_region_s_lora_acts_there_with_its_block_weights(loras: PipelineManager) -> None:
    marked = traces(loras)
    tags = ("<lora:whole:1:lbw=MID>", "<lora:mid:1>", "<lora:whole:1>", "")
    weighed, middle, whole, none = (drawn(loras, f"a red star BREAK a red star {tag}", 1) for tag in tags)
    assert torch.allclose(weighed, middle, atol=SAME)
    assert not torch.allclose(weighed[..., 4:], whole[..., 4:], atol=10 * SAME)
    assert not torch.allclose(weighed[..., 4:], none[..., 4:], atol=10 * SAME)
    assert torch.allclose(weighed[..., :4], none[..., :4], atol=SAME)  # the other region has nothing of it
    both = drawn(loras, "a red star <lora:whole:1:lbw=NONE> BREAK a red star <lora:whole:1:lbw=MID>", 1)
    assert torch.allclose(both, middle, atol=SAME)  # the same file in both regions, with other weights in each
    pictures(loras)
    assert traces(loras) == marked


def test_a_region_s_lora_acts_in_its_steps_alone(loras: PipelineManager) -> None:
    none = drawn(loras, "a red star BREAK a red star")
    whole = drawn(loras, "a red star BREAK a red star <lora:whole:1>")
    assert torch.allclose(drawn(loras, "a red star BREAK a red star <lora:whole:1:start=50>"), none, atol=SAME)
    assert torch.allclose(drawn(loras, "a red star BREAK a red star <lora:whole:1:stop=50>"), whole, atol=SAME)
    first, second = (drawn(loras, f"a red star BREAK a red star <lora:whole:1:step={steps}>") for steps in ("1-1", "2-2"))
    for one in (none, whole, second):
        assert not torch.allclose(first, one, atol=10 * SAME)


def test_a_lora_of_all_regions_keeps_its_steps_beside_a_region_s_own(loras: PipelineManager) -> None:
    own = "a red star BREAK a red star <lora:mid:1>"
    late = drawn(loras, f"<lora:whole:1:start=50> ADDCOMM {own}")
    assert torch.allclose(late, drawn(loras, f"<lora:whole:1:unet=0> ADDCOMM {own}"), atol=SAME)
    assert not torch.allclose(drawn(loras, f"<lora:whole:1:stop=50> ADDCOMM {own}"), late, atol=10 * SAME)
