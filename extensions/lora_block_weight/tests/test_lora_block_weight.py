"""Blocks and steps of LoRAs: what a tag says, what it does to weights, and that all of it is undone bit for bit."""

import numpy as np
import pytest
import torch

from extensions.lora_block_weight import LoraBlockWeight, Time, time_of
from extensions.lora_block_weight.blocks import ALL, SD_PRESETS, XL_PRESETS, blocks_of, presets_of
from modules.contract.errors import BadRequest
from modules.contract.request import GenerationRequest, HiresPass
from modules.families.network_blocks import blocks_of as blocks_of_model
from modules.families.network_keys import Target
from modules.families.networks import Patches, Wanted
from modules.families.unet import build_unet
from modules.pipeline.manager import PipelineManager
from modules.prompts.tags import without_tags
from modules.weights.files import write_tensors
from tests import tiny
from tests.extensions.making import REQUEST, equal, pictures, traces
from tests.families.network_files import lora_for

NAMES = {
    "IN01": "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q",
    "MID": "lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q",
    "OUT02": "lora_unet_output_blocks_2_1_transformer_blocks_0_attn1_to_q",
    "BASE": "lora_te_text_model_encoder_layers_0_mlp_fc1",
}
SD, XL = presets_of(SD_PRESETS), presets_of(XL_PRESETS)


@pytest.fixture
def lora(pipeline: PipelineManager) -> GenerationRequest:
    """A request with a LoRA on one module of each part of the model."""
    pictures(pipeline)
    loaded = pipeline.models.current()
    assert loaded is not None
    table = loaded.patches.table
    tensors: dict[str, torch.Tensor] = {}
    for number, name in enumerate(NAMES.values()):
        target = table.find(name)
        assert target is not None, name
        tensors |= {f"{name}.{part}": value * 3 for part, value in lora_for(table.modules[target], seed=number).items()}
    folder = pipeline.tools.root / "models" / "Lora"
    folder.mkdir(exist_ok=True)
    if not (folder / "parts.safetensors").exists():
        write_tensors(folder / "parts.safetensors", tensors)
        pipeline.library.loras.refresh()
    return REQUEST


def asked(arguments: str) -> GenerationRequest:
    return REQUEST.replace(prompt=f"a red star <lora:parts:1{arguments}>")


def test_the_blocks_of_sd_1_are_those_that_people_count() -> None:
    unet = build_unet({**tiny.model("sd1").unet.config, "sample_size": None})
    found = blocks_of_model(Patches(unet, []).table)
    assert found[Target(None, "down_blocks.0.resnets.0.conv1")] == "IN01"
    assert found[Target(None, "mid_block.resnets.0.conv1")] == "MID"
    assert found[Target(None, "up_blocks.0.resnets.0.conv1")] == "OUT00"
    assert Target(None, "time_embedding.linear_1") not in found


def test_a_list_and_a_preset_and_names_say_the_same() -> None:
    numbers = "1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0"
    assert blocks_of("MIDD", SD, xl=False) == blocks_of(numbers, SD, xl=False) == blocks_of("IN05,IN07-08,MID,OUT03-06", SD, xl=False)
    found = dict(blocks_of("IN=0.5,OUT11", SD, xl=False))
    assert found["IN00"] == found["IN11"] == 0.5 and found["OUT11"] == 1 and found["MID"] == 0 and found["BASE"] == 1
    assert dict(blocks_of(",".join(["0.25"] * 26), SD, xl=False)) == dict.fromkeys(ALL, 0.25)
    assert dict(blocks_of("OUTS", XL, xl=True))["OUT05"] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2,3", "has 3 numbers; this checkpoint's blocks are 17 or 26"),
        ("SOMETHING", "'SOMETHING' is unknown"),
        ("OUT12", "OUT00 to OUT11"),
    ],
)
def test_what_no_block_can_mean_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        blocks_of(text, SD, xl=False)


def test_steps_are_counted_from_one() -> None:
    (tag,) = without_tags("<lora:a:1:step=2-3>")[1]
    assert [time_of(tag).holds(number) for number in range(4)] == [False, True, True, False]
    (tag,) = without_tags("<lora:a:1:start=3>")[1]
    assert time_of(tag) == Time(3, None) and time_of(tag).holds(99)
    (tag,) = without_tags("<lora:a:1:stop=soon>")[1]
    with pytest.raises(BadRequest, match="'soon' is not a step"):
        time_of(tag)


def test_each_block_has_its_own_strength(pipeline: PipelineManager, lora: GenerationRequest) -> None:
    """The weights with factors are the originals plus factor times what the file says, block by block."""
    loaded = pipeline.models.current()
    assert loaded is not None
    network = pipeline.tools.networks.store.get(pipeline.tools.root / "models" / "Lora" / "parts.safetensors")
    factors = {"BASE": 0.5, "IN01": 0.25, "MID": 0.0, "OUT02": 2.0}
    patches = loaded.patches
    patches.applied(())
    targets = {block: patches.table.find(name) for block, name in NAMES.items()}
    before = {block: weight_of(patches, target).clone() for block, target in targets.items()}
    patches.applied((Wanted(network, blocks=tuple(factors.items())),))
    for block, target in targets.items():
        layer = network.layers[NAMES[block]]
        delta = layer.delta(before[block], multiplier=1.0, dyn=None)
        assert torch.allclose(weight_of(patches, target), before[block] + factors[block] * delta, atol=1e-5), block
    patches.applied(())
    assert all(torch.equal(weight_of(patches, target), before[block]) for block, target in targets.items())


def weight_of(patches: Patches, target: Target | None) -> torch.Tensor:
    """A module's weight."""
    assert target is not None
    weight = patches.table.modules[target].weight
    assert isinstance(weight, torch.Tensor)
    return weight


def test_it_leaves_no_trace(pipeline: PipelineManager, lora: GenerationRequest) -> None:
    """A network stays in the weights until the next picture takes it out, with this extension as without."""
    before, marked = pictures(pipeline), traces(pipeline)
    during = pictures(pipeline, asked(":lbw=0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0:stop=2"), lora_block_weight={})
    assert not equal(before, during)
    assert equal(before, pictures(pipeline)) and traces(pipeline) == marked


def test_without_it_the_words_mean_nothing(pipeline: PipelineManager, lora: GenerationRequest) -> None:
    assert equal(pictures(pipeline, asked("")), pictures(pipeline, asked(":lbw=MIDD:step=1-1")))


def test_all_and_none_are_the_whole_network_and_no_network(pipeline: PipelineManager, lora: GenerationRequest) -> None:
    plain = pictures(pipeline, REQUEST.replace(prompt="a red star "))
    assert equal(pictures(pipeline, asked(":lbw=NONE"), lora_block_weight={}), plain)
    assert equal(pictures(pipeline, asked(":lbw=ALL"), lora_block_weight={}), pictures(pipeline, asked("")))
    assert not equal(pictures(pipeline, asked("")), plain)


def test_a_network_of_no_step_is_its_text_encoder_s_part(pipeline: PipelineManager, lora: GenerationRequest) -> None:
    never = pictures(pipeline, asked(":start=50"), lora_block_weight={})
    assert equal(never, pictures(pipeline, asked(":unet=0")))
    late = pictures(pipeline, asked(":start=3"), lora_block_weight={})
    assert not equal(late, never) and not equal(late, pictures(pipeline, asked("")))


def test_the_second_pass_begins_anew(pipeline: PipelineManager, lora: GenerationRequest) -> None:
    """With a network that stops before the second pass's first step would, both passes have it in their first steps."""
    hires = HiresPass(scale=1.0, strength=0.7)
    stopped = pictures(pipeline, asked(":stop=1").replace(hires=hires), lora_block_weight={})
    never = pictures(pipeline, asked(":unet=0").replace(hires=hires), lora_block_weight={})
    assert not equal(stopped, never)
    whole = pictures(pipeline, asked("").replace(hires=hires))
    assert equal(pictures(pipeline, asked(":stop=99").replace(hires=hires), lora_block_weight={}), whole)


def test_a_batch_is_its_single_pictures(pipeline: PipelineManager, lora: GenerationRequest) -> None:
    request = asked(":lbw=OUTS:stop=2")
    batch = pictures(pipeline, request.replace(batch_size=2), lora_block_weight={})
    singles = [pictures(pipeline, request.replace(seed=seed), lora_block_weight={})[0] for seed in (7, 8)]
    assert max(np.abs(one - other).max() for one, other in zip(batch, singles, strict=True)) <= 1
    assert LoraBlockWeight.notes(LoraBlockWeight.Options(), "LoRA block weight")
