"""Every kind of network layer against its formula written out by hand."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from modules.weights.lora import parse_layer
from modules.weights.lora_layers import Layer, Parts

EXACT = 1e-5  # float32, sums of some ten products in another order


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def layer(**parts: Tensor | float) -> Layer:
    """The layer that some parts make up; `lora_up__weight` stands for lora_up.weight."""
    named: Parts = {name.replace("__", "."): torch.as_tensor(value) for name, value in parts.items()}
    found = parse_layer(named)
    assert found is not None
    return found


def close(one: Tensor, other: Tensor, tolerance: float = EXACT) -> bool:
    return one.shape == other.shape and torch.allclose(one.float(), other.float(), rtol=tolerance, atol=tolerance)


def test_a_lora_adds_up_times_down_scaled_by_alpha_over_rank() -> None:
    up, down, weight = torch.randn(6, 4), torch.randn(4, 5), torch.randn(6, 5)
    lora = layer(lora_up__weight=up, lora_down__weight=down, alpha=2.0)
    assert close(lora.delta(weight, multiplier=0.7), 0.7 * 2.0 / 4 * up @ down)


def test_a_lora_without_alpha_is_not_scaled() -> None:
    up, down = torch.randn(6, 4), torch.randn(4, 5)
    assert close(layer(lora_up__weight=up, lora_down__weight=down).delta(torch.zeros(6, 5), multiplier=1.0), up @ down)


def test_dyn_leaves_the_first_ranks_only() -> None:
    up, down = torch.randn(6, 4), torch.randn(4, 5)
    lora = layer(lora_up__weight=up, lora_down__weight=down, alpha=4.0)
    assert close(lora.delta(torch.zeros(6, 5), multiplier=1.0, dyn=2), up[:, :2] @ down[:2])


def test_a_lora_stored_in_half_precision_is_multiplied_in_single() -> None:
    up, down = torch.randn(64, 4).half(), torch.randn(4, 64).half()
    delta = layer(lora_up__weight=up, lora_down__weight=down).delta(torch.zeros(64, 64, dtype=torch.float16), multiplier=1.0)
    assert delta.dtype == torch.float32
    assert close(delta, up.float() @ down.float())


def test_a_convolutions_lora_is_one_convolution_after_the_other() -> None:
    up, down, picture = torch.randn(6, 4, 1, 1), torch.randn(4, 5, 3, 3), torch.randn(1, 5, 8, 8)
    delta = layer(lora_up__weight=up, lora_down__weight=down).delta(torch.zeros(6, 5, 3, 3), multiplier=1.0)
    assert close(functional.conv2d(picture, delta), functional.conv2d(functional.conv2d(picture, down), up), 1e-4)


def test_a_lora_with_a_middle_is_three_convolutions_in_a_row() -> None:
    up, middle, down = torch.randn(6, 4, 1, 1), torch.randn(4, 4, 3, 3), torch.randn(4, 5, 1, 1)
    picture = torch.randn(1, 5, 8, 8)
    lora = layer(lora_up__weight=up, lora_mid__weight=middle, lora_down__weight=down)
    wanted = functional.conv2d(functional.conv2d(functional.conv2d(picture, down), middle), up)
    assert close(functional.conv2d(picture, lora.delta(torch.zeros(6, 5, 3, 3), multiplier=1.0)), wanted, 1e-4)


def test_a_file_with_1x1_convolutions_fits_a_linear_layer() -> None:
    up, down = torch.randn(6, 4, 1, 1), torch.randn(4, 5, 1, 1)
    lora = layer(lora_up__weight=up, lora_down__weight=down)
    assert lora.covers((6, 5))
    assert close(lora.delta(torch.zeros(6, 5), multiplier=1.0), up[:, :, 0, 0] @ down[:, :, 0, 0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_loha_is_the_product_of_two_products_in_its_own_type(dtype: torch.dtype) -> None:
    a1, b1, a2, b2 = (torch.randn(*shape).to(dtype) for shape in ((6, 3), (3, 5), (6, 3), (3, 5)))
    delta = layer(hada_w1_a=a1, hada_w1_b=b1, hada_w2_a=a2, hada_w2_b=b2, alpha=1.5).delta(torch.randn(6, 5), multiplier=0.5)
    assert delta.dtype == dtype
    assert torch.equal(delta, (a1 @ b1) * (a2 @ b2) * (1.5 / 3) * 0.5)


def core_product(core: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """sum over i, j of left[i, o] core[i, j] right[j, n], with loops."""
    result = torch.zeros(left.shape[1], right.shape[1], *core.shape[2:])
    for i in range(core.shape[0]):
        for j in range(core.shape[1]):
            result += left[i][:, None, None, None] * right[j][None, :, None, None] * core[i, j]
    return result


def test_a_loha_with_cores_multiplies_two_tucker_products() -> None:
    cores = [torch.randn(3, 3, 2, 2) for _ in range(2)]
    sides = [(torch.randn(3, 6), torch.randn(3, 5)) for _ in range(2)]
    loha = layer(
        hada_t1=cores[0], hada_t2=cores[1], hada_w1_a=sides[0][0], hada_w1_b=sides[0][1], hada_w2_a=sides[1][0], hada_w2_b=sides[1][1]
    )
    assert loha.covers((6, 5, 2, 2))
    wanted = core_product(cores[0], *sides[0]) * core_product(cores[1], *sides[1])
    assert close(loha.delta(torch.zeros(6, 5, 2, 2), multiplier=1.0), wanted, 1e-4)


def kronecker(one: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product of two matrices, block by block."""
    return torch.cat([torch.cat([number * other for number in row], dim=1) for row in one])


def test_a_lokr_of_two_whole_factors_has_no_scale() -> None:
    one, other = torch.randn(2, 3), torch.randn(4, 5)
    lokr = layer(lokr_w1=one, lokr_w2=other, alpha=7.0)
    assert lokr.covers((8, 15))
    assert close(lokr.delta(torch.zeros(8, 15), multiplier=0.5), 0.5 * kronecker(one, other))


def test_a_lokr_with_a_low_rank_factor_is_scaled_by_its_rank() -> None:
    one, left, right = torch.randn(2, 3), torch.randn(4, 2), torch.randn(2, 5)
    lokr = layer(lokr_w1=one, lokr_w2_a=left, lokr_w2_b=right, alpha=1.0)
    assert close(lokr.delta(torch.zeros(8, 15), multiplier=1.0), kronecker(one, left @ right) / 2)


def test_a_lokr_of_a_convolution_has_its_kernel_in_the_second_factor() -> None:
    one, core, left, right = torch.randn(2, 3), torch.randn(2, 2, 3, 3), torch.randn(2, 4), torch.randn(2, 5)
    lokr = layer(lokr_w1=one, lokr_t2=core, lokr_w2_a=left, lokr_w2_b=right)
    assert lokr.covers((8, 15, 3, 3))
    whole = core_product(core, left, right)
    wanted = torch.stack([torch.stack([kronecker(one, whole[:, :, y, x]) for x in range(3)], dim=-1) for y in range(3)], dim=-2)
    assert close(lokr.delta(torch.zeros(8, 15, 3, 3), multiplier=1.0), wanted, 1e-4)


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3, 3)])
@pytest.mark.parametrize("on_input", [True, False])
def test_an_ia3_scales_inputs_or_outputs(shape: tuple[int, ...], on_input: bool) -> None:
    weight, factor = torch.randn(shape), torch.randn(5 if on_input else 6)
    ia3 = layer(weight=factor, on_input=on_input)
    assert ia3.covers(shape)
    wanted = torch.einsum("oi...,i->oi..." if on_input else "oi...,o->oi...", weight, factor)
    assert close(ia3.delta(weight, multiplier=0.5), 0.5 * wanted)


def test_a_full_difference_is_added_to_weight_and_bias() -> None:
    change, bias = torch.randn(6, 5), torch.randn(6)
    full = layer(diff=change, diff_b=bias)
    assert close(full.delta(torch.randn(6, 5), multiplier=0.3), 0.3 * change)
    added = full.bias_delta(0.3)
    assert added is not None
    assert close(added, 0.3 * bias)


def test_a_difference_whose_bias_has_another_length_does_not_fit() -> None:
    assert not layer(diff=torch.randn(6, 5), diff_b=torch.randn(5)).covers((6, 5))


def test_a_norm_is_added_to_weight_and_bias() -> None:
    change, bias = torch.randn(6), torch.randn(6)
    norm = layer(w_norm=change, b_norm=bias)
    added = norm.bias_delta(2.0)
    assert added is not None
    assert close(norm.delta(torch.ones(6), multiplier=2.0), 2 * change)
    assert close(added, 2 * bias)


def test_a_glora_ignores_its_alpha_as_a1111_does() -> None:
    a1, a2, b1, b2, weight = (torch.randn(*shape) for shape in ((3, 5), (5, 3), (3, 5), (6, 3), (6, 5)))
    glora = layer(a1__weight=a1, a2__weight=a2, b1__weight=b1, b2__weight=b2, alpha=100.0)
    assert glora.covers((6, 5))
    assert close(glora.delta(weight, multiplier=0.5), 0.5 * (b2 @ b1 + weight @ a2 @ a1), 1e-4)


def test_a_scale_in_the_file_takes_the_place_of_alpha() -> None:
    up, down = torch.randn(6, 4), torch.randn(4, 5)
    lora = layer(lora_up__weight=up, lora_down__weight=down, alpha=2.0, scale=3.0)
    assert close(lora.delta(torch.zeros(6, 5), multiplier=1.0), 3 * up @ down, 1e-4)


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3, 3), (5, 5)])
@pytest.mark.parametrize("by", ["columns", "rows"])
def test_a_doras_columns_or_rows_get_the_lengths_it_names(shape: tuple[int, ...], by: str) -> None:
    axis = 1 if by == "columns" else 0
    weight, change, length = torch.randn(shape), torch.randn(shape), torch.rand(shape[axis]) + 1
    ones = [1] * (len(shape) - 2)
    magnitude = length.reshape((1, -1, *ones) if by == "columns" else (-1, 1, *ones))
    merged = weight + layer(diff=change, dora_scale=magnitude).delta(weight, multiplier=1.0)
    direction = (merged / (weight + change)).transpose(0, axis).flatten(1)
    assert close(merged.transpose(0, axis).flatten(1).norm(dim=1), length)
    assert close(direction, direction[:, :1].expand_as(direction), 1e-3)  # the quotient of nearly 0 and nearly 0 is rough


def test_a_doras_strength_goes_between_the_weight_and_the_whole_change() -> None:
    weight, change, magnitude = torch.randn(6, 5), torch.randn(6, 5), torch.rand(6) + 1
    dora = layer(diff=change, dora_scale=magnitude)
    assert close(dora.delta(weight, multiplier=0.25), 0.25 * dora.delta(weight, multiplier=1.0))


def cayley(block: Tensor) -> Tensor:
    skew = block - block.T
    identity = torch.eye(len(block))
    return (identity + skew) @ torch.linalg.inv(identity - skew)


@pytest.mark.parametrize("shape", [(8, 5), (8, 5, 3, 3)])
def test_an_oft_turns_blocks_of_outputs(shape: tuple[int, ...]) -> None:
    blocks, weight = torch.randn(2, 4, 4) / 4, torch.randn(shape)
    oft = layer(oft_blocks=blocks, alpha=0.0)
    assert oft.covers(shape)
    turned = torch.cat([torch.einsum("nm,n...->m...", cayley(block), part) for block, part in zip(blocks, weight.split(4), strict=True)])
    assert close(oft.delta(weight, multiplier=0.5), 0.5 * (turned - weight), 1e-4)


def test_an_ofts_alpha_bounds_how_far_it_turns() -> None:
    blocks, weight = torch.randn(2, 4, 4), torch.randn(8, 5)
    skew = blocks - blocks.mT
    bounded = layer(oft_blocks=blocks * (0.01 * 8 / skew.norm()), alpha=0.0)
    assert close(layer(oft_blocks=blocks, alpha=0.01).delta(weight, multiplier=1.0), bounded.delta(weight, multiplier=1.0))


def test_an_old_ofts_blocks_are_the_rotations_themselves() -> None:
    rotations, weight = torch.stack([cayley(torch.randn(4, 4)) for _ in range(2)]), torch.randn(8, 5)
    turned = torch.cat([rotation.T @ part for rotation, part in zip(rotations, weight.split(4), strict=True)])
    assert close(layer(oft_diag=rotations).delta(weight, multiplier=1.0), turned - weight)


def test_an_ofts_rescale_stretches_the_outputs() -> None:
    stretch, weight = torch.rand(8) + 1, torch.randn(8, 5)
    oft = layer(oft_blocks=torch.zeros(2, 4, 4), rescale=stretch[:, None])
    assert close(oft.delta(weight, multiplier=1.0), (stretch[:, None] - 1) * weight)


def test_a_boft_turns_by_one_butterfly_after_another() -> None:
    blocks, weight = torch.randn(2, 4, 2, 2) / 4, torch.randn(8, 5)
    turned = weight
    for power, factor in enumerate(blocks):
        # outputs that lie 2**power apart are neighbours while this factor acts
        order = [base + side * 2**power + place for base in range(0, 8, 2 * 2**power) for place in range(2**power) for side in range(2)]
        neighbours = torch.cat([cayley(block) @ part for block, part in zip(factor, turned[order].split(2), strict=True)])
        turned = torch.empty_like(turned)
        turned[order] = neighbours
    boft = layer(oft_blocks=blocks)
    assert boft.covers((8, 5))
    assert close(boft.delta(weight, multiplier=1.0), turned - weight, 1e-4)


def test_a_bofts_weight_keeps_its_lengths() -> None:
    weight = torch.randn(16, 5)
    merged = weight + layer(oft_blocks=torch.randn(3, 4, 4, 4)).delta(weight, multiplier=1.0)
    assert close(merged.T @ merged, weight.T @ weight, 1e-3)  # inverses of matrices of single precision


@pytest.mark.parametrize(
    "parts", [{"lora_up.weight": (6, 4)}, {"weight": (6,)}, {"lokr_w1": (2, 2), "lokr_w2_a": (2, 2)}, {"alpha": ()}, {"b_norm": (6,)}]
)
def test_parts_that_do_not_go_together_are_no_layer(parts: dict[str, tuple[int, ...]]) -> None:
    assert parse_layer({name: torch.ones(shape) for name, shape in parts.items()}) is None
