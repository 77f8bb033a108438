"""Files of every family and layout to networks that compute."""

from typing import Any

import pytest
import torch
from torch import Tensor

from modules.contract.errors import NotSupported
from modules.families.base import Components
from modules.families.clip_text import TextOptions
from modules.runtime.device import Device
from modules.runtime.placement import Placing
from modules.sampling.prediction import Epsilon, Velocity, zero_terminal_snr
from modules.weights.header import BadModel
from tests import tiny

UNET = "model.diffusion_model."


def answer(components: Components, *, channels: int = 0) -> Tensor:
    """What the network says of fixed latents under a fixed prompt."""
    noise = torch.Generator().manual_seed(5)
    x = torch.randn(1, 4, 8, 8, generator=noise)
    concat = torch.randn(1, channels, 8, 8, generator=noise) if channels else None
    with torch.inference_mode():
        text = components.encode_prompts(["a (red:1.2) star"], TextOptions())
        vector = None
        if components.takes_vector:
            assert text.pooled is not None
            vector = components.vector(text.pooled, size=(64, 64), crop=(0, 0), target=(64, 64))
        return components.predict(x, torch.tensor([300.5]), text.context, vector, concat)


@pytest.mark.parametrize("family", tiny.TENSORS)
def test_every_familys_network_answers_its_own_text(family: str) -> None:
    output = answer(tiny.model(family))
    assert output.shape == (1, 4, 8, 8)
    assert output.isfinite().all()
    assert output.std() > 0.01  # it says something


def test_a_network_that_sees_more_than_latents_depends_on_it() -> None:
    first = tiny.tensors()[UNET + "input_blocks.0.0.weight"]
    wide = torch.cat([first, torch.randn(first.shape[0], 5, 3, 3)], dim=1)
    components = tiny.loaded(tiny.tensors() | {UNET + "input_blocks.0.0.weight": wide})
    with torch.inference_mode():
        text = components.encode_prompts(["a star"], TextOptions()).context
        x, t = torch.ones(1, 4, 8, 8), torch.tensor([10.0])
        one, other = (components.predict(x, t, text, concat=torch.full((1, 5, 8, 8), value)) for value in (0.0, 1.0))
    assert components.variant.inputs == "inpaint"
    assert not torch.allclose(one, other)


def test_an_sd2_file_without_yaml_is_tried_and_read_as_velocity_where_grey_comes_out_far_below_zero() -> None:
    dark = dict(tiny.sd2_tensors())
    dark[UNET + "out.2.weight"] = torch.zeros_like(dark[UNET + "out.2.weight"])
    dark[UNET + "out.2.bias"] = torch.full((4,), -0.6)  # less 0.5, the grey itself: just below -1
    velocity = tiny.loaded(dark)
    assert isinstance(velocity.prediction, Velocity)
    assert velocity.variant.prediction == "v"


def test_an_sd2_file_without_yaml_is_tried_and_read_as_noise_where_grey_stays_near_zero() -> None:
    assert isinstance(tiny.model("sd2").prediction, Epsilon)
    assert tiny.model("sd2").variant.prediction == "eps"


def test_a_file_trained_to_a_last_step_of_noise_has_that_table() -> None:
    usual = tiny.model("sdxl").prediction
    stretched = tiny.loaded(tiny.sdxl_tensors() | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)}).prediction
    assert torch.equal(stretched.alphas, zero_terminal_snr(usual.alphas))


def test_a_file_from_before_text_model_was_in_the_names_is_the_same_model() -> None:
    old = {name.replace("transformer.text_model.", "transformer."): value for name, value in tiny.tensors().items()}
    assert torch.equal(answer(tiny.loaded(old)), answer(tiny.model("sd1")))


def test_sd_turbos_names_are_sd2s() -> None:
    old, new = "cond_stage_model.model.", "conditioner.embedders.0.model."
    turbo = {name.replace(old, new): value for name, value in tiny.sd2_tensors().items()}
    components = tiny.loaded(turbo)
    assert components.variant.family == "sd2"
    assert torch.equal(answer(components), answer(tiny.model("sd2")))


def test_a_pruned_network_has_the_depth_that_its_names_say() -> None:
    kept = [name for name in tiny.sdxl_tensors() if not name.startswith((UNET + "middle_block.1.", UNET + "middle_block.2."))]
    pruned = {name: tiny.sdxl_tensors()[name] for name in kept if ".output_blocks.1.1.transformer_blocks.1." not in name}
    components = tiny.loaded(pruned)
    unet: Any = components.unet
    assert len(unet.mid_block.resnets) == 1
    depths = [len(attention.transformer_blocks) for attention in unet.up_blocks[0].attentions]
    assert depths == [2, 1]
    assert answer(components).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.bfloat16, torch.float16])
def test_weights_stored_in_fewer_bits_are_computed_in_the_devices_type(dtype: torch.dtype) -> None:
    components = tiny.loaded({name: value.to(dtype) for name, value in tiny.tensors().items() if value.is_floating_point()})
    name = UNET + "middle_block.0.in_layers.2.weight"
    weight = components.unet.get_parameter("mid_block.resnets.0.conv1.weight")
    assert weight.dtype == torch.float32
    assert torch.equal(weight, tiny.tensors()[name].to(dtype).float())
    assert answer(components).isfinite().all()


def test_the_yaml_says_how_many_heads_there_are() -> None:
    config = {"model": {"params": {"unet_config": {"params": {"num_heads": 4}}, "scale_factor": 0.5, "linear_start": 0.001}}}
    components = tiny.loaded(tiny.tensors(), config=config)
    unet: Any = components.unet
    assert unet.down_blocks[0].attentions[0].transformer_blocks[0].attn1.heads == 4
    assert components.latents.scale == 0.5
    assert components.prediction.alphas[0].item() == pytest.approx(0.999, abs=1e-6)  # 1 - linear_start


def test_the_yaml_can_have_sd2_read_its_last_layer() -> None:
    config = {"model": {"params": {"cond_stage_config": {"params": {"layer": "last"}}}}}
    assert tiny.loaded(tiny.sd2_tensors(), config=config).encoders[0].reading.layer == 1
    assert tiny.model("sd2").encoders[0].reading.layer == 2


def test_a_misshapen_tensor_is_refused_with_the_part_it_is_in() -> None:
    name = UNET + "output_blocks.0.0.in_layers.2.weight"
    bad = tiny.tensors() | {name: torch.zeros(3, 3, 3, 3)}
    with pytest.raises(BadModel, match="its U-Net does not fit together"):
        tiny.loaded(bad)


def test_a_missing_tensor_is_refused_with_its_name() -> None:
    name = "conditioner.embedders.1.model.transformer.resblocks.1.ln_2.bias"
    with pytest.raises(BadModel, match=r"text encoder lacks 1 tensors, first '.*layers\.1\.layer_norm2\.bias'"):
        tiny.loaded({key: value for key, value in tiny.sdxl_tensors().items() if key != name})


def test_the_old_emphasis_is_refused_for_all_but_sd1() -> None:
    with pytest.raises(NotSupported, match="Stable Diffusion 1"):
        tiny.model("sd2").encode_prompts(["star"], TextOptions(old_emphasis=True))


def test_half_precision_is_close_to_full() -> None:
    place = Placing(Device(torch.device("cpu"), torch.bfloat16, torch.float32, True, "tests"))
    half, full = tiny.loaded(tiny.tensors(), place=place), tiny.model("sd1")
    assert half.unet.dtype == torch.bfloat16
    difference = (answer(half) - answer(full)).abs().max().item()
    assert difference < 0.05  # bfloat16 has 8 bits: the answers are about 1


def test_the_refiner_is_told_a_score_in_place_of_a_target_size() -> None:
    components = tiny.model("sdxl-refiner")
    pooled = torch.zeros(1, 64)
    low, high = (components.vector(pooled, size=(8, 8), crop=(0, 0), target=(9, 9), aesthetic=score) for score in (2.5, 6.0))
    assert low.shape == (1, 64 + 5 * 256)
    assert torch.equal(low[:, : 64 + 4 * 256], high[:, : 64 + 4 * 256])
    assert not torch.equal(low[:, -256:], high[:, -256:])


def test_the_numbers_of_the_added_conditioning_stand_in_sgms_order() -> None:
    components = tiny.model("sdxl")
    vector = components.vector(torch.zeros(1, 64), size=(1, 2), crop=(3, 4), target=(5, 6))[0, 64:].view(6, 256)
    assert vector[:, 0].tolist() == pytest.approx([torch.tensor(float(n)).cos().item() for n in range(1, 7)])  # the first wave: cos(n)
    assert vector[:, 128].tolist() == pytest.approx([torch.tensor(float(n)).sin().item() for n in range(1, 7)])
