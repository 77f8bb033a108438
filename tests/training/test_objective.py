import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from modules.contract.errors import BadRequest, NotSupported
from modules.contract.training import NoiseOptions
from modules.families.base import Components
from modules.sampling.prediction import Velocity, zero_terminal_snr
from modules.training.steps import noise
from modules.training.steps.objective import Objective, pseudo_huber
from tests import tiny
from tests.training.small import Drawer

FULL = torch.float32


def objective(components: Components | None = None, **options: object) -> Objective:
    return Objective(components or tiny.model("sd1"), NoiseOptions(**options), seed=3, dtype=FULL)  # type: ignore[arg-type]


def velocity_model() -> Components:
    plain = tiny.model("sd1")
    return replace(plain, prediction=Velocity(plain.prediction.alphas), variant=replace(plain.variant, prediction="v"))


def test_the_loss_is_the_squared_error_of_the_noise() -> None:
    made, page = objective(), Drawer().page([0, 1], [0, 1])
    times = torch.tensor([100, 800])
    wanted = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    alphas = tiny.model("sd1").prediction.alphas[times].view(-1, 1, 1, 1)
    noisy = alphas.sqrt() * page.latents + (1 - alphas).sqrt() * wanted
    assert page.context is not None
    with torch.no_grad():
        output = tiny.model("sd1").predict(noisy, times, page.context)
        found = made.errors(page, times, wanted, wanted)
    assert torch.allclose(found, ((output - wanted) ** 2).mean(dim=(1, 2, 3)))


def test_a_velocity_model_is_asked_for_the_velocity() -> None:
    made, page = objective(velocity_model()), Drawer().page([0], [0])
    times, wanted = torch.tensor([500]), torch.randn(1, 4, 8, 8)
    kept = made.alphas[500]
    target = kept.sqrt() * wanted - (1 - kept).sqrt() * page.latents
    assert page.context is not None
    with torch.no_grad():
        noisy = kept.sqrt() * page.latents + (1 - kept).sqrt() * wanted
        output = made.components.predict(noisy, times, page.context)
        assert torch.allclose(made.errors(page, times, wanted, wanted), ((output - target) ** 2).mean(dim=(1, 2, 3)))


def test_what_is_masked_out_does_not_count_and_the_rest_counts_whole() -> None:
    album = Drawer()
    album.mask = torch.zeros(1, 1, 8, 8)
    album.mask[..., :4] = 1
    made, times, wanted = objective(), torch.tensor([400]), torch.randn(1, 4, 8, 8)
    page = album.page([0], [0])
    spoiled = wanted.clone()
    spoiled[..., 4:] += 3  # of what is to be found, where nothing counts
    with torch.no_grad():
        one = made.errors(page, times, wanted, wanted)
        assert torch.equal(one, made.errors(page, times, spoiled, wanted))
        album.mask[...] = 0.5  # the same everywhere: as without a mask
        halved = made.errors(album.page([0], [0]), times, wanted, wanted)
        album.mask = None
        assert torch.allclose(halved, made.errors(album.page([0], [0]), times, wanted, wanted))


def test_min_snr_has_no_nan_where_nothing_of_the_picture_is_left() -> None:
    alphas = zero_terminal_snr(tiny.model("sd1").prediction.alphas)
    alphas[-1] = 0.0  # worse than A1111's table: a ratio of exactly 0
    for made, last in ((objective(min_snr=5.0), 1.0), (objective(velocity_model(), min_snr=5.0), 0.0)):
        weights = made.weights(alphas)
        assert weights.isfinite().all()
        assert weights[-1] == last
        assert weights.max() <= 1


def test_min_snr_weights_are_the_papers() -> None:
    ratio = torch.tensor([0.1, 5.0, 50.0])
    kept = ratio / (1 + ratio)
    assert torch.allclose(objective(min_snr=5.0).weights(kept), torch.tensor([1.0, 1.0, 0.1]))
    velocity = objective(velocity_model(), min_snr=5.0).weights(kept)
    assert torch.allclose(velocity, torch.tensor([0.1 / 1.1, 5 / 6, 5 / 51]))


def test_zero_terminal_snr_is_refused_for_a_network_that_predicts_noise() -> None:
    with pytest.raises(BadRequest, match="predicts noise"):
        objective(zero_snr=True)
    made = objective(velocity_model(), zero_snr=True)
    assert made.alphas[-1] < 1e-7
    own = velocity_model()
    own.variant = replace(own.variant, zero_snr=True)
    assert torch.equal(objective(own, zero_snr=True).alphas, own.prediction.alphas)  # it is stretched already


def test_networks_that_see_more_than_latents_are_refused() -> None:
    plain = tiny.model("sd1")
    with pytest.raises(NotSupported, match="inpainting"):
        objective(replace(plain, variant=replace(plain.variant, inputs="inpaint")))


def test_the_pseudo_huber_loss_is_squared_near_zero_and_straight_far_away() -> None:
    zero = torch.zeros(1)
    assert pseudo_huber(torch.tensor([1e-3]), zero).item() == pytest.approx(1e-6, rel=1e-3)
    assert pseudo_huber(torch.tensor([100.0]), zero).item() == pytest.approx(0.2 * 100, rel=2e-3)


def test_sdxl_is_told_each_pictures_own_numbers() -> None:
    model = tiny.model("sdxl")
    page = Drawer().page([0, 1], [0, 1])
    context, pooled = torch.randn(2, 77, 128), torch.randn(2, 64)
    page = replace(page, context=context, pooled=pooled, sizes=[(64, 64), (512, 640)])
    vector = objective(model).conditions(page)[1]
    assert vector is not None and vector.shape == (2, 64 + 6 * 256)
    assert torch.equal(vector[1], model.vector(pooled[1:], size=(512, 640), crop=(0, 0), target=(64, 64))[0])
    with pytest.raises(BadRequest, match="pooled"):
        objective(model).conditions(replace(page, pooled=None))


def test_captions_that_come_unencoded_are_encoded() -> None:
    page = replace(Drawer().page([0], [0]), context=None, captions=("a red (star)",))
    context = objective().conditions(page)[0]
    assert context.shape == (1, 77, 64)


def drawn(options: NoiseOptions, step: int, slots: list[int]) -> Tensor:
    return noise.noise(options, 1, step, slots, (4, 16, 16))[1]


def test_noise_depends_on_seed_step_and_slot_alone() -> None:
    options = NoiseOptions(offset=0.1, pyramid=0.3, perturbation=0.1)
    together = drawn(options, 5, [0, 1, 2])
    torch.rand(9)
    assert torch.equal(together[1:], drawn(options, 5, [1, 2]))
    others = [drawn(options, 6, [1])[0], noise.noise(options, 2, 5, [1], (4, 16, 16))[1][0], together[2]]
    assert not any(torch.equal(together[1], other) for other in others)


def test_kinds_of_noise_do_not_change_each_other() -> None:
    plain, offset = drawn(NoiseOptions(), 0, [0]), drawn(NoiseOptions(offset=0.5), 0, [0])
    difference = offset - plain
    assert torch.allclose(difference, difference[..., :1, :1].expand_as(difference), atol=1e-6)
    wanted, mixed = noise.noise(NoiseOptions(perturbation=0.5), 1, 0, [0], (4, 64, 64))
    assert torch.equal(wanted, noise.noise(NoiseOptions(), 1, 0, [0], (4, 64, 64))[0])
    assert (mixed - wanted).std().item() == pytest.approx(0.5, rel=0.03)


def test_pyramid_noise_keeps_its_variance_and_holds_coarse_parts() -> None:
    white = drawn(NoiseOptions(), 0, list(range(64)))
    coarse = drawn(NoiseOptions(pyramid=0.8), 0, list(range(64)))
    assert torch.allclose(coarse.flatten(1).std(dim=1), torch.ones(64))
    assert coarse.mean(dim=(2, 3)).std() > 3 * white.mean(dim=(2, 3)).std()


def test_timesteps_are_uniform_and_a_steps_are_spread() -> None:
    all_of = torch.cat([noise.timesteps(1, step, [0, 1, 2, 3], 0, 999) for step in range(1000)])
    shares = torch.histc(all_of.float(), 10, 0, 1000) / len(all_of)
    assert torch.allclose(shares, torch.full((10,), 0.1), atol=0.01)
    widest = [noise.timesteps(1, step, list(range(8)), 0, 999).sort().values.diff().max().item() for step in range(50)]
    assert max(widest) < 300  # eight by lot leave a gap that large in half of all steps
    some = noise.timesteps(1, 3, [0, 5, 9], 200, 203)
    assert ((some >= 200) & (some <= 203)).all()
    assert torch.equal(noise.timesteps(1, 3, [5], 200, 203), some[1:2])


def test_the_table_of_losses_is_complete() -> None:
    page, wanted = Drawer().page([0], [0]), torch.randn(1, 4, 8, 8)
    for name in ("squared", "absolute", "Huber"):
        with torch.no_grad():
            assert math.isfinite(objective(loss=name).errors(page, torch.tensor([5]), wanted, wanted).item())
