"""The random streams and what is made of them, against what A1111 drew."""

import ast
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.sampling.noise import NoiseSource, StepNoise, Variation, generator_of, pasted, slerp
from tests.golden import golden_json, golden_path, needs_golden

RECORDED = golden_json("pure/rng_meta.json")
STREAMS = [case for case in RECORDED if "src" in case and case["key"].split("_")[0] in ("philox", "cpu")]
SOURCES = [case for case in RECORDED if case["key"].startswith("imagerng") and case["key"].endswith("next0")]
PATHS = [case for case in RECORDED if case["key"].startswith("brownian")]
CPU = torch.device("cpu")
ULP = 2.5e-7  # one unit in the last place: log and sin differ from library to library


def numbers(key: str) -> Tensor:
    return torch.from_numpy(np.load(str(golden_path("pure/rng.npz")))[key])


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case["key"])
def test_a_stream_gives_a1111s_numbers(case: dict[str, Any]) -> None:
    drawn = generator_of(case["src"], case["seed"], CPU).randn(tuple(case["shape"]))
    assert (drawn - numbers(case["key"])).abs().max() <= ULP


@pytest.mark.parametrize("case", SOURCES, ids=lambda case: case["key"].removeprefix("imagerng_").removesuffix("_next0"))
def test_a_batchs_noise_is_a1111s(case: dict[str, Any]) -> None:
    told = ast.literal_eval(case["kw"])
    _, source, *_, delta, _ = case["key"].split("_")
    noise = NoiseSource(
        told.get("seeds", [5]),
        (4, 16, 16),
        source=source,
        device=CPU,
        seed_delta=int(delta.removeprefix("ensd")),
        variation=Variation(tuple(told["subseeds"]), told["subseed_strength"]) if "subseeds" in told else None,
        resize_from=(told["seed_resize_from_h"] // 8, told["seed_resize_from_w"] // 8) if "seed_resize_from_h" in told else None,
    )
    for i in range(3):
        assert (noise.next() - numbers(case["key"][:-1] + str(i))).abs().max() <= 2 * ULP  # after slerp's arithmetic


@pytest.mark.parametrize("case", PATHS, ids=lambda case: case["key"])
def test_the_noise_of_a_path_is_a1111s(case: dict[str, Any]) -> None:
    low, high = (float(end) for end in case["key"].split("_")[1:3])
    noise = StepNoise(NoiseSource(case["seeds"], (4, 8, 8), source="CPU", device=CPU))
    noise.along(torch.zeros(2, 4, 8, 8), torch.tensor([high, low, 0.0]))
    drawn = noise.between(torch.tensor(case["sigma"]), torch.tensor(case["sigma_next"]))
    assert (drawn - numbers(case["key"])).abs().max() <= 2 * ULP


@pytest.mark.parametrize("case", golden_json("pure/slerp.json"), ids=lambda case: str(case["val"]))
def test_slerp_is_a1111s(case: dict[str, Any]) -> None:
    low, high = torch.tensor([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]]), torch.tensor([[0.2, -2.0, 1.0], [0.5, -1.0, 2.0001]])
    assert torch.allclose(slerp(case["val"], low, high), torch.tensor(case["result"]), atol=1e-6)


def test_nearly_equal_noise_is_mixed_with_the_shares_exchanged() -> None:
    low = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(slerp(0.25, low, low * 1.5), low * 0.25 + low * 1.5 * 0.75)


@pytest.mark.parametrize(("small", "large"), [((2, 2), (4, 6)), ((6, 3), (4, 4)), ((4, 4), (4, 4)), ((5, 7), (4, 4))])
def test_noise_of_another_size_lies_in_the_middle(small: tuple[int, int], large: tuple[int, int]) -> None:
    inner, outer = torch.ones(1, *small), torch.zeros(1, *large)
    result = pasted(inner, outer)[0]
    rows, columns = result.sum(1).count_nonzero().item(), result.sum(0).count_nonzero().item()
    assert (rows, columns) == tuple(a if a <= b else a - 2 * ((a - b + 1) // 2) for a, b in zip(small, large, strict=True))
    assert torch.equal(outer, torch.zeros(1, *large))


def test_philox_starts_with_the_published_number() -> None:
    assert generator_of("NV", 0, CPU).randn((3, 4))[0, 0].item() == pytest.approx(-0.92466259, abs=ULP)


@pytest.mark.parametrize("source", ["CPU", "NV"])
@pytest.mark.parametrize("seed_delta", [0, 31337])
@pytest.mark.parametrize("variation", [None, Variation((1, 2, 3), 0.4)])
def test_a_picture_has_the_same_noise_alone_and_in_a_batch(source: str, seed_delta: int, variation: Variation | None) -> None:
    def source_of(seeds: list[int], variation: Variation | None) -> NoiseSource:
        return NoiseSource(seeds, (4, 8, 8), source=source, device=CPU, seed_delta=seed_delta, variation=variation)  # type: ignore[arg-type]

    together = source_of([5, 6, 7], variation)
    alone = source_of([6], Variation((2,), 0.4) if variation else None)
    for _ in range(3):
        assert torch.equal(together.next()[1], alone.next()[0])


def test_the_seed_delta_changes_all_noise_but_the_first() -> None:
    plain = NoiseSource([5], (4, 8, 8), source="CPU", device=CPU)
    moved = NoiseSource([5], (4, 8, 8), source="CPU", device=CPU, seed_delta=10)
    other = generator_of("CPU", 15, CPU)
    assert torch.equal(plain.next(), moved.next())
    assert torch.equal(moved.next()[0], other.randn((4, 8, 8)))


def test_the_initial_noise_is_the_first_draw_however_often_it_is_asked_for() -> None:
    noise = NoiseSource([5], (4, 8, 8), source="CPU", device=CPU, variation=Variation((9,), 0.3))
    assert torch.equal(noise.initial, noise.initial)
    later = noise.next()
    assert torch.equal(noise.initial, NoiseSource([5], (4, 8, 8), source="CPU", device=CPU, variation=Variation((9,), 0.3)).next())
    assert not torch.equal(later, noise.initial)


def test_the_largest_seed_has_a_stream_of_its_delta_too() -> None:
    noise = NoiseSource([2**64 - 1], (1, 2, 2), source="CPU", device=CPU, seed_delta=2)
    noise.next()
    assert torch.equal(noise.next()[0], generator_of("CPU", 1, CPU).randn((1, 2, 2)))


@needs_golden
def test_all_recorded_kinds_of_noise_are_compared() -> None:
    assert len(STREAMS) + 3 * len(SOURCES) + len(PATHS) >= len(RECORDED) - 4  # philox_7's draws one after another are left
