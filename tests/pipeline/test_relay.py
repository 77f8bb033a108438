"""The relay: who is called, in which order, and whose fault a failure is."""

from typing import Any, ClassVar

import pytest

from modules.contract.errors import BadRequest, ExtensionFailed, NotFound
from modules.contract.progress import Cancel
from modules.contract.request import GenerationRequest
from modules.contract.result import GenerationResult
from modules.pipeline.hooks import POINTS, Hooks, hook
from modules.pipeline.relay import Relay


class Named:
    """An instance as the relay sees it."""

    observer: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.title = name.title()


class Adds(Named):
    """Adds its name to the prompt."""

    @hook.request
    def add(self, request: GenerationRequest) -> GenerationRequest:
        return request.replace(prompt=request.prompt + self.name)


class Looks(Named):
    """Answers None."""

    @hook.request
    def look(self, request: GenerationRequest) -> None:
        self.seen = request.prompt


class Fails(Named):
    """Raises what it is told to."""

    error: Exception = KeyError("x")

    @hook.request
    def fail(self, request: GenerationRequest) -> None:
        raise self.error


class Watches(Fails):
    """Nobody chose it."""

    observer: ClassVar[bool] = True


class Drives(Named):
    """Draws nothing, and keeps what it was asked."""

    @hook.drive
    def draw(self, request: GenerationRequest, drive: Any) -> GenerationResult:
        self.asked = request
        return GenerationResult(())


def test_each_extension_is_given_what_the_one_before_made() -> None:
    assert Relay([Adds("a"), Adds("b")]).request(GenerationRequest(prompt="x")).prompt == "xab"


def test_an_answer_of_none_changes_nothing() -> None:
    looks = Looks("b")
    assert Relay([Adds("a"), looks, Adds("c")]).request(GenerationRequest()).prompt == "ac" and looks.seen == "a"


def test_no_extension_is_no_change() -> None:
    request = GenerationRequest()
    relay = Relay.none()
    assert relay.request(request) is request and relay.driver() is None and relay.driver() is None


def test_a_chosen_extension_that_fails_ends_the_job_with_its_name() -> None:
    with pytest.raises(ExtensionFailed, match="Ghost failed in `request`: KeyError: 'x'"):
        Relay([Fails("ghost")]).request(GenerationRequest())


@pytest.mark.parametrize("error", [NotFound("There is none."), Cancel(), MemoryError()])
def test_what_says_itself_what_is_wrong_is_passed_on(error: Exception) -> None:
    failing = Fails("ghost")
    failing.error = error
    with pytest.raises(type(error)):
        Relay([failing]).request(GenerationRequest())


def test_an_observer_that_fails_is_muted_with_a_warning() -> None:
    relay = Relay([Watches("ghost"), Adds("a")])
    assert relay.request(GenerationRequest()).prompt == "a"
    assert relay.request(GenerationRequest()).prompt == "a"
    assert len(relay.warnings) == 1 and relay.warnings[0].startswith("Ghost failed in `request`")


def test_the_time_of_each_is_kept() -> None:
    relay = Relay([Adds("a"), Looks("b")])
    relay.request(GenerationRequest())
    assert set(relay.seconds) == {"a", "b"} and all(0 < seconds < 1 for seconds in relay.seconds.values())


def test_a_driver_s_request_no_longer_names_it() -> None:
    driver = Drives("plot")
    drive = Relay([driver]).driver()
    assert drive is not None
    drive(GenerationRequest(extensions={"plot": {}, "other": {"x": 1}}), None)  # type: ignore[arg-type]  # this driver needs nothing
    assert driver.asked.extensions == {"other": {"x": 1}}


def test_two_drivers_are_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="Plot and Matrix"):
        Relay([Drives("plot"), Drives("matrix")]).driver()


def test_a_driver_may_leave_a_run_to_another() -> None:
    class Sometimes(Drives):
        drives = False

    plot = Drives("plot")
    drive = Relay([plot, Sometimes("matrix")]).driver()
    assert drive is not None
    drive(GenerationRequest(extensions={"plot": {}, "matrix": {}}), None)  # type: ignore[arg-type]  # this driver needs nothing
    assert plot.asked.extensions == {"matrix": {}}
    assert Relay([Sometimes("matrix")]).driver() is None


def test_an_overridden_method_without_its_mark_is_no_hook() -> None:
    class Quiet(Adds):
        def add(self, request: GenerationRequest) -> GenerationRequest:
            return request.replace(prompt="never")

    assert Relay([Quiet("a")]).request(GenerationRequest(prompt="x")).prompt == "x"


def test_a_misspelt_hook_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(AttributeError, match=r"no hook named 'requets'; there are request, drive"):
        _ = hook.requets


def test_every_hook_can_be_called_by_its_name() -> None:
    assert all(callable(getattr(Relay, "driver" if point.name == "drive" else point.name)) for point in POINTS)
    assert set(Relay().listeners) == set(Hooks(POINTS).points)
