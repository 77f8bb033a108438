"""What hooks cost: `python -m tests.benchmarks.hooks` prints microseconds for one call of each of them."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

import torch

from modules.contract.request import GenerationRequest
from modules.pipeline.hooks import POINTS, hook
from modules.pipeline.relay import Relay
from modules.sampling.guidance import Call

ROUNDS = 20_000
LATENTS = torch.zeros(1, 4, 8, 8)


class Quiet:
    """An extension that listens everywhere and changes nothing."""

    observer: ClassVar[bool] = False
    name = title = "quiet"


def listening() -> Quiet:
    """One with all hooks, its class made from the table."""
    methods = {f"at_{point.name}": getattr(hook, point.name)(lambda self, *given: None) for point in POINTS if point.name != "drive"}
    return type("Listening", (Quiet,), methods)()


def round_of(relay: Relay) -> Callable[[], None]:
    """One call of each hook with values of the right kinds."""
    anything: Any = None
    call: Any = Call(LATENTS, LATENTS[:, 0, 0, 0], (), LATENTS, None)
    request, result = GenerationRequest(), anything
    passing: Any = type("Passing", (), {"blend": None})()
    guidance: Any = type("Guidance", (), {"result": LATENTS})()
    network: Any = lambda call: LATENTS  # noqa: E731

    def calls() -> None:
        relay.request(request)
        relay.driver()
        relay.batch(anything)
        relay.conditioning(anything, passing, anything)
        with relay.denoising(anything, passing):
            pass
        relay.start(anything, passing, LATENTS)
        relay.step(anything, anything)
        relay.evaluate(anything, anything, call)
        relay.network(anything, anything, call, network)
        relay.guide(anything, guidance)
        relay.denoised(anything, anything, LATENTS)
        relay.blend(anything, passing, LATENTS, None)
        relay.latents(anything, passing, LATENTS)
        relay.picture(anything, 0, anything)
        relay.overlay(anything, 0, anything)
        relay.finished(anything, 0, anything)
        relay.saved(anything, anything, anything)
        relay.result(request, result)

    return calls


def microseconds(relay: Relay) -> float:
    """The time of one round, the best of five."""
    calls, best = round_of(relay), float("inf")
    for _ in range(5):
        begun = time.process_time()
        for _ in range(ROUNDS // 5):
            calls()
        best = min(best, (time.process_time() - begun) / (ROUNDS // 5))
    return best * 1e6


if __name__ == "__main__":
    print(f"nobody listens: {microseconds(Relay()):.1f} µs for all {len(POINTS)}")
    print(f"one listens to all but `drive`: {microseconds(Relay([listening()])):.1f} µs")
    from modules.plugins.ledger import Ledger

    note = Ledger().notes(GenerationRequest())
    print(f"the same, with its time written down: {microseconds(Relay([listening()], note)):.1f} µs")
