"""Network files in the weights of small real networks: put in as A1111 does, taken out bit for bit."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from modules.contract.errors import NotSupported
from modules.families.networks import Matched, Patches, Wanted
from modules.weights.files import write_tensors
from modules.weights.lora import read_network
from tests.families.network_files import CONV_IN, RANK, TEXT_Q, Q, lora_file, lora_for, tiny_text, tiny_unet, whole_lora

BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32}


def bits(tensor: Tensor) -> Tensor:
    """A tensor's bits as whole numbers: floats would call different zeros the same, and the same not-a-number different."""
    return tensor.contiguous().view(BITS[tensor.element_size()])


class Model:
    """A U-Net and a text encoder, their weights as they were, and the networks in them."""

    def __init__(self, dtype: torch.dtype = torch.float32, in_channels: int = 4) -> None:
        self.unet, self.text = tiny_unet(in_channels), tiny_text()
        if dtype.itemsize == 1:  # as the program stores them: matrices and convolutions only
            for module in self.modules():
                if isinstance(module, nn.Linear | nn.Conv2d):
                    module.weight.data = module.weight.data.to(dtype)
        else:
            for network in (self.unet, self.text):
                nn.Module.to(network, dtype)
        self.before = [tensor.clone() for tensor in self.tensors()]
        self.patches = Patches(self.unet, [self.text])

    def modules(self) -> Iterator[nn.Module]:
        yield from self.unet.modules()
        yield from self.text.modules()

    def tensors(self) -> list[Tensor]:
        return [*self.unet.state_dict().values(), *self.text.state_dict().values()]

    @property
    def changed(self) -> int:
        """How many tensors differ in any bit from what they were."""
        pairs = zip(self.tensors(), self.before, strict=True)
        return sum(not torch.equal(bits(now), bits(then)) for now, then in pairs if now.is_floating_point())

    def q(self) -> Tensor:
        """A weight that every LoRA here changes."""
        return self.unet.get_submodule("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q").weight  # type: ignore[return-value]

    def text_q(self) -> Tensor:
        """The same of the text encoder."""
        return next(value for name, value in self.text.named_parameters() if name.endswith("layers.0.self_attn.q_proj.weight"))


@pytest.fixture
def model() -> Model:
    return Model()


def q_change(seed: int, width: int = 16) -> Tensor:
    """What a LoRA file's layer for `q` (width 16) or `text_q` (width 24) adds at full strength."""
    parts = lora_for(nn.Linear(width, width), seed)
    return parts["lora_up.weight"] @ parts["lora_down.weight"] / RANK


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn], ids=str)
def test_a_hundred_times_on_and_off_leave_every_bit(dtype: torch.dtype, tmp_path: Path) -> None:
    model = Model(dtype)
    network = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    for round_ in range(100):
        matches = model.patches.applied([Wanted(network, te=0.5 + round_ / 100, unet=1.0)])
        assert matches[0].unmatched == ()
        if round_ in (0, 99):
            assert model.changed == len(network.layers)
        model.patches.applied([])
    assert model.changed == 0
    assert model.patches.originals == {}


def test_a_networks_change_is_added_to_the_weight(model: Model, tmp_path: Path) -> None:
    before, text_before = model.q().clone(), model.text_q().clone()
    network = whole_lora(tmp_path / "all.safetensors", model.unet, model.text, seed=3)
    model.patches.applied([Wanted(network, te=0.2, unet=0.8)])
    assert torch.allclose(model.q(), before + 0.8 * q_change(3), atol=1e-6)
    assert torch.allclose(model.text_q(), text_before + 0.2 * q_change(3, width=24), atol=1e-6)


def test_several_networks_are_added_in_order_each_sum_rounded(tmp_path: Path) -> None:
    model = Model(torch.bfloat16)
    before = model.q().clone()
    one, other = (whole_lora(tmp_path / f"{i}.safetensors", model.unet, model.text, seed=i) for i in (1, 2))
    model.patches.applied([Wanted(one, unet=0.4), Wanted(other, unet=0.6)])
    first = (before.float() + q_change(1) * 0.4).bfloat16()
    assert torch.equal(model.q(), (first.float() + q_change(2) * 0.6).bfloat16())


def test_a_lyco_layer_is_added_in_the_type_of_its_file(model: Model, tmp_path: Path) -> None:
    change = torch.randn(16, 16).half()
    write_tensors(tmp_path / "full.safetensors", {f"lora_unet_{Q}.diff": change})
    before = model.q().clone()
    model.patches.applied([Wanted(read_network(tmp_path / "full.safetensors"))])
    assert torch.equal(model.q(), (before.half() + change).float())


def test_another_strength_starts_from_the_original(model: Model, tmp_path: Path) -> None:
    network = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    model.patches.applied([Wanted(network, unet=0.3)])
    wanted = [tensor.clone() for tensor in model.tensors()]
    model.patches.applied([Wanted(network, unet=-5.0)])
    (tmp_path / "all.safetensors").unlink()  # a file is not read again for that
    model.patches.applied([Wanted(network, unet=0.3)])
    assert all(torch.equal(now, then) for now, then in zip(model.tensors(), wanted, strict=True))


def test_the_same_set_again_touches_nothing(model: Model, tmp_path: Path) -> None:
    network = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    model.patches.applied([Wanted(network)])
    version = model.q()._version
    model.patches.applied([Wanted(network)])
    assert model.q()._version == version


def test_only_what_is_changed_is_kept(model: Model, tmp_path: Path) -> None:
    whole = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    small = lora_file(tmp_path / "q.safetensors", {f"lora_unet_{Q}": nn.Linear(16, 16)})
    model.patches.applied([Wanted(whole)])
    model.patches.applied([Wanted(small)])
    assert (model.changed, len(model.patches.originals)) == (1, 1)


def test_no_strength_changes_nothing(model: Model, tmp_path: Path) -> None:
    network = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    model.patches.applied([Wanted(network, te=0.0, unet=0.0)])
    assert model.changed == 0


def test_a_network_named_twice_acts_twice_with_its_last_strength_as_in_a1111(model: Model, tmp_path: Path) -> None:
    before = model.q().clone()
    network = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    model.patches.applied([Wanted(network, unet=0.4), Wanted(network, unet=0.6)])
    assert torch.allclose(model.q(), before + 1.2 * q_change(0), atol=1e-6)


class StoppedError(Exception):
    """What a cancelled job raises."""


@pytest.mark.parametrize("after", [1, 20, 60])
def test_a_stop_on_the_way_brings_all_weights_back(model: Model, tmp_path: Path, after: int) -> None:
    one, other = (whole_lora(tmp_path / f"{i}.safetensors", model.unet, model.text, seed=i) for i in (1, 2))
    model.patches.applied([Wanted(one)])
    calls = iter(range(1000))

    def check() -> None:
        if next(calls) == after:
            raise StoppedError

    with pytest.raises(StoppedError):
        model.patches.applied([Wanted(other)], check)
    assert model.changed == 0
    model.patches.applied([Wanted(one)])
    assert model.changed == len(one.layers)


def test_a_file_for_another_model_is_refused_and_nothing_changes(model: Model, tmp_path: Path) -> None:
    fitting = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    model.patches.applied([Wanted(fitting)])
    stranger = lora_file(tmp_path / "xl.safetensors", {f"lora_unet_{Q}": nn.Linear(640, 640)}, version="sdxl_base_v1-0")
    with pytest.raises(NotSupported, match=r"'xl\.safetensors' does not fit this model.*It seems to be made for SDXL"):
        model.patches.applied([Wanted(fitting), Wanted(stranger)])
    assert model.changed == len(fitting.layers)


def test_parts_without_a_place_are_left_out_and_told(model: Model, tmp_path: Path) -> None:
    modules = {f"lora_unet_{Q}": nn.Linear(16, 16), "lora_unet_no_such": nn.Linear(4, 4), TEXT_Q: nn.Linear(99, 24)}
    (matched,) = model.patches.applied([Wanted(lora_file(tmp_path / "some.safetensors", modules))])
    assert matched == Matched("some", 3, 1, (TEXT_Q, "lora_unet_no_such"))
    assert matched.warning == "2 of the 3 parts of the network 'some' do not fit this model and are left out."


def test_a_whole_match_has_no_warning(model: Model, tmp_path: Path) -> None:
    (matched,) = model.patches.applied([Wanted(whole_lora(tmp_path / "all.safetensors", model.unet, model.text))])
    assert (matched.used, matched.warning) == (matched.total, None)


def test_a_bias_is_changed_and_brought_back(model: Model, tmp_path: Path) -> None:
    change = torch.randn(16)
    write_tensors(tmp_path / "norm.safetensors", {"lora_unet_conv_in.diff": torch.zeros(16, 4, 3, 3), "lora_unet_conv_in.diff_b": change})
    before = model.unet.conv_in.bias.clone()  # type: ignore[union-attr]
    model.patches.applied([Wanted(read_network(tmp_path / "norm.safetensors"), unet=0.5)])
    assert torch.allclose(model.unet.conv_in.bias, before + change / 2)  # type: ignore[arg-type]
    model.patches.applied([])
    assert model.changed == 0


def test_an_inpainting_models_first_layer_takes_changes_for_four_channels(tmp_path: Path) -> None:
    model = Model(in_channels=9)
    network = lora_file(tmp_path / "plain.safetensors", {CONV_IN: nn.Conv2d(4, 16, 3)})
    before = model.unet.conv_in.weight.clone()
    model.patches.applied([Wanted(network)])
    change = network.layers[CONV_IN].delta(torch.zeros(16, 4, 3, 3), multiplier=1.0)
    assert torch.allclose(model.unet.conv_in.weight[:, :4], before[:, :4] + change)
    assert torch.equal(model.unet.conv_in.weight[:, 4:], before[:, 4:])


def test_the_memory_layout_stays(tmp_path: Path) -> None:
    model = Model()
    model.unet.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.patches.applied([Wanted(whole_lora(tmp_path / "all.safetensors", model.unet, model.text))])
    assert model.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)


def test_parameters_stay_the_same_objects(model: Model, tmp_path: Path) -> None:
    before = [id(parameter) for parameter in model.unet.parameters()]
    model.patches.applied([Wanted(whole_lora(tmp_path / "all.safetensors", model.unet, model.text))])
    model.patches.applied([])
    assert [id(parameter) for parameter in model.unet.parameters()] == before


def test_the_text_state_changes_with_what_acts_on_text_alone(model: Model, tmp_path: Path) -> None:
    whole = whole_lora(tmp_path / "all.safetensors", model.unet, model.text)
    unet_only = lora_file(tmp_path / "q.safetensors", {f"lora_unet_{Q}": nn.Linear(16, 16)})
    states = []
    for wanted in ([], [Wanted(unet_only)], [Wanted(whole, te=0.0)], [Wanted(whole)], [Wanted(whole, unet=0.5)], [Wanted(whole, te=0.5)]):
        model.patches.applied(wanted)
        states.append(model.patches.text_state)
    assert states[0] == states[1] == states[2] == ()
    assert states[3] == states[4] != states[5]
    assert len({*states}) == 3
