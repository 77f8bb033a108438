"""The Brownian path, against torchsde's and as a path."""

import importlib
import random

import pytest
import torch
from torch import Tensor

from modules.sampling.brownian import BrownianTree
from modules.sampling.noise import NoiseSource, StepNoise

SHAPE = (4, 8, 8)


def draw(seed: int) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def asked(low: float, high: float) -> list[tuple[float, float]]:
    """Pairs of times within, at and beyond the ends, and some that differ by hardly more than the rounding."""
    chance = random.Random(4)
    pairs = [tuple(sorted((chance.uniform(low, high), chance.uniform(low, high)))) for _ in range(40)]
    near = [(time, time + 2e-6) for time, _ in pairs[:5]]
    return [*pairs, *near, (low, high), (low, (low + high) / 2), (low - 1, high + 1)]  # type: ignore[list-item]


@pytest.mark.parametrize("entropy", [0, 5, 4294967295, 123456789012])
@pytest.mark.filterwarnings("ignore:Should have")  # torchsde's word on times beyond the ends
def test_increments_are_torchsdes_to_the_last_bit(entropy: int) -> None:
    torchsde = pytest.importorskip("torchsde")
    low, high = 0.029167532920837402, 14.614643096923828
    theirs = torchsde.BrownianTree(torch.tensor(low), torch.zeros(SHAPE), torch.tensor(high), entropy=entropy)
    ours = BrownianTree(low, high, entropy, draw)
    for start, end in asked(low, high):
        assert torch.equal(ours.increment(start, end), theirs(start, end)), (start, end)


def test_torchsde_draws_as_we_do() -> None:
    inner = pytest.importorskip("torchsde._brownian.brownian_interval")
    assert torch.equal(importlib.import_module(inner.__name__)._randn(SHAPE, torch.float32, torch.device("cpu"), 9), draw(9))


def test_increments_add_up() -> None:
    tree = BrownianTree(0.1, 10.0, 3, draw)
    assert torch.allclose(tree.increment(0.5, 2.0) + tree.increment(2.0, 7.3), tree.increment(0.5, 7.3), atol=1e-5)  # float32


def test_increments_have_the_variance_of_their_length() -> None:
    wide = BrownianTree(0.0, 10.0, 3, lambda seed: torch.randn(100, 100, generator=torch.Generator().manual_seed(seed)))
    for start, end in ((1.0, 1.5), (2.0, 9.0), (0.0, 0.01)):
        assert wide.increment(start, end).var().item() == pytest.approx(end - start, rel=0.05)  # 10 000 numbers


def test_the_order_of_questions_does_not_matter() -> None:
    pairs = asked(0.1, 10.0)
    forwards, backwards = BrownianTree(0.1, 10.0, 3, draw), BrownianTree(0.1, 10.0, 3, draw)
    increments = [forwards.increment(*pair) for pair in pairs]
    assert all(
        torch.equal(increment, backwards.increment(*pair)) for increment, pair in reversed(list(zip(increments, pairs, strict=True)))
    )


def test_times_that_round_to_the_same_have_no_increment() -> None:
    assert BrownianTree(0.1, 10.0, 3, draw).increment(1.0, 1.0 + 1e-8).abs().max() == 0


def noise_between(seeds: list[int], *, random: bool = False, source: str = "CPU") -> Tensor:
    noise = StepNoise(NoiseSource(seeds, SHAPE, source=source, device=torch.device("cpu")), random=random)  # type: ignore[arg-type]
    sigmas = torch.tensor([14.6146, 3.0, 0.0292, 0.0])
    noise.along(torch.zeros(len(seeds), *SHAPE), sigmas, part=sigmas[1:])
    return noise.between(torch.tensor(3.0), torch.tensor(1.0))


@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_a_picture_has_the_same_path_alone_and_in_a_batch(source: str) -> None:
    assert torch.equal(noise_between([5, 6], source=source)[1:], noise_between([6], source=source))


def test_nv_noise_is_not_cpu_noise() -> None:
    assert not torch.allclose(noise_between([5]), noise_between([5], source="NV"))


def test_a_random_path_is_the_batchs() -> None:
    torchsde = pytest.importorskip("torchsde")
    ours = noise_between([5, 6], random=True)
    torch.manual_seed(6)  # as A1111 leaves torch's own generator: at the last picture's seed
    entropy = torch.randint(0, 2**63 - 1, []).item()
    tree = torchsde.BrownianTree(torch.tensor(0.0292), torch.zeros(2, *SHAPE), torch.tensor(3.0), entropy=entropy)
    wanted = -tree(torch.tensor(1.0), torch.tensor(3.0)) / torch.tensor(2.0).sqrt()
    assert torch.equal(ours, wanted)


def test_the_way_back_has_the_other_sign() -> None:
    noise = StepNoise(NoiseSource([5], SHAPE, source="CPU", device=torch.device("cpu")))
    noise.along(torch.zeros(1, *SHAPE), torch.tensor([10.0, 0.1, 0.0]))
    down, up = noise.between(torch.tensor(3.0), torch.tensor(1.0)), noise.between(torch.tensor(1.0), torch.tensor(3.0))
    assert torch.equal(down, -up)
