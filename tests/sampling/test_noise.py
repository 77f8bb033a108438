"""The random streams, against what A1111 drew."""

import numpy as np
import pytest
import torch

from modules.sampling.noise import NoiseSource, generator_of
from tests.golden import golden_json, golden_path

STREAMS = [case for case in golden_json("pure/rng_meta.json") if "src" in case and case["key"].split("_")[0] in ("philox", "cpu")]


@pytest.mark.parametrize("case", STREAMS, ids=lambda case: case["key"])
def test_a_stream_gives_a1111s_numbers(case: dict) -> None:
    recorded = np.load(str(golden_path("pure/rng.npz")))[case["key"]]
    drawn = generator_of(case["src"], case["seed"], torch.device("cpu")).randn(tuple(case["shape"])).numpy()
    assert np.abs(drawn - recorded).max() <= 2.5e-7  # one unit in the last place: log and sin differ from library to library


def test_philox_starts_with_the_published_number() -> None:
    assert generator_of("NV", 0, torch.device("cpu")).randn((3, 4))[0, 0].item() == pytest.approx(-0.92466259, abs=2.5e-7)


@pytest.mark.parametrize("source", ["CPU", "NV"])
@pytest.mark.parametrize("seed_delta", [0, 31337])
def test_a_picture_has_the_same_noise_alone_and_in_a_batch(source: str, seed_delta: int) -> None:
    def source_of(seeds: list[int]) -> NoiseSource:
        return NoiseSource(seeds, (4, 8, 8), source=source, device=torch.device("cpu"), seed_delta=seed_delta)  # type: ignore[arg-type]

    together, alone = source_of([5, 6, 7]), source_of([6])
    for _ in range(3):
        assert torch.equal(together.next()[1], alone.next()[0])


def test_the_seed_delta_changes_all_noise_but_the_first() -> None:
    plain = NoiseSource([5], (4, 8, 8), source="CPU", device=torch.device("cpu"))
    moved = NoiseSource([5], (4, 8, 8), source="CPU", device=torch.device("cpu"), seed_delta=10)
    other = generator_of("CPU", 15, torch.device("cpu"))
    assert torch.equal(plain.next(), moved.next())
    assert torch.equal(moved.next()[0], other.randn((4, 8, 8)))
