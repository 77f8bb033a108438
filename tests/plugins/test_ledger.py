"""What extensions cost, hook by hook, and what they raised, as the page tells it."""

import time
from pathlib import Path

import pytest

from modules.contract.errors import ExtensionFailed
from modules.contract.request import GenerationRequest
from modules.pipeline.relay import Relay
from modules.plugins.desk import Desk
from modules.plugins.installation import Installation
from modules.plugins.ledger import Ledger
from tests.plugins.writing import CODE, extension

SLOW = """
import time
from modules.plugins import Extension, hook

class Slow(Extension):
    observer = True

    @hook.request
    def wait(self, request):
        time.sleep(0.02)

    @hook.latents
    def look(self, run, passing, latents):
        time.sleep(0.01)
"""


def ran(relay: Relay) -> None:
    """One pass of the sampler, as the extensions see it."""
    relay.request(GenerationRequest())
    relay.latents(None, None, None)  # type: ignore[arg-type]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.loaded(tmp_path / "program", tmp_path / "data")


def test_time_is_kept_by_hook_and_counted_for_each_picture(installation: Installation) -> None:
    extension(installation.added, "ledger_slow", SLOW)
    installation.refresh()
    for _ in range(2):
        ran(installation.registry.instances(GenerationRequest(batch_count=2, batch_size=2)))
    account = installation.registry.ledger.of("ledger_slow")
    assert {hook: spent.calls for hook, spent in account.spent.items()} == {"request": 2, "latents": 2}
    assert account.spent["request"].seconds >= 0.04 and account.spent["latents"].slowest >= 0.01
    assert account.pictures == 8
    per_picture = account.per_picture()
    assert per_picture is not None and 0.02 / 8 <= per_picture < 0.04, "what is called at the door is left out"
    row = Desk(installation).overview()["rows"][0]
    assert row["load_seconds"] > 0 and {one["hook"] for one in row["spent"]} == {"request", "latents"}


def test_what_it_raised_is_kept_with_its_traceback(installation: Installation) -> None:
    extension(installation.added, "ledger_fails", CODE.replace("return request", "raise ValueError('no moon')\n        return request"))
    installation.refresh()
    request = GenerationRequest(extensions={"ledger_fails": {}})
    with pytest.raises(ExtensionFailed, match="no moon"):
        installation.registry.instances(request).request(request)
    (failure,) = installation.registry.ledger.of("ledger_fails").failures
    assert (failure.hook, failure.text) == ("request", "ValueError: no moon") and "raise ValueError" in failure.traceback
    assert abs(failure.when - time.time()) < 60
    installation.retry("ledger_fails")
    assert not installation.registry.ledger.of("ledger_fails").failures


@pytest.mark.parametrize("body", ["raise SystemExit(3)", "import sys; sys.exit('gone')", "self.sign(request)"])
def test_an_observer_that_ends_the_program_or_never_ends_only_mutes_itself(installation: Installation, body: str) -> None:
    name = f"ledger_ends_{abs(hash(body))}"
    code = CODE.replace("class Options", "observer = True\n    class Options").replace("return request", f"{body}\n        return request")
    extension(installation.added, name, code)
    extension(installation.added, f"{name}_good")
    installation.refresh()
    request = GenerationRequest(extensions={f"{name}_good": {}})
    relay = installation.registry.instances(request)
    assert relay.request(request).prompt == "d0.5" and len(relay.warnings) == 1
    assert relay.request(request).prompt == "d0.5" and len(relay.warnings) == 1, "it is muted for the rest of the run"


def test_a_constructor_that_fails_has_an_owner(installation: Installation) -> None:
    code = CODE.replace("@hook.request", "def __init__(self, *args, **more):\n        raise KeyError('x')\n\n    @hook.request")
    extension(installation.added, "ledger_chosen", code)
    extension(installation.added, "ledger_watching", code.replace("class Options", "observer = True\n    class Options"))
    installation.refresh()
    installation.registry.instances(GenerationRequest())
    with pytest.raises(ExtensionFailed, match="Ledger Chosen could not be begun: KeyError"):
        installation.registry.instances(GenerationRequest(extensions={"ledger_chosen": {}}))
    assert installation.registry.ledger.of("ledger_watching").failures


def test_noting_costs_next_to_nothing() -> None:
    note = Ledger().notes(GenerationRequest())
    begun = time.perf_counter()
    for _ in range(10_000):
        note("a", "latents", 0.0, None)
    assert time.perf_counter() - begun < 1.0, "0.1 ms for a call of which a picture has a few hundred"
