"""What each extension has cost since the program started: seconds hook by hook, and what went wrong in them."""

import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from modules.contract.request import GenerationRequest

FAILURES_KEPT = 10
ROUTE, WORK = "route", "work"  # what an extension does outside of hooks: answers to its own addresses, jobs of its own
# Not counted for each picture. `request` is called for requests that never become pictures, too; the time of `drive` is mostly that
# of the pictures that it asks for.
APART = frozenset({"request", "drive", ROUTE, WORK})

Note = Callable[[str, str, float, BaseException | None], None]


@dataclass
class Spent:
    """The calls of one hook, in seconds."""

    calls: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


@dataclass(frozen=True)
class Failure:
    """What an extension raised: in which hook, in one sentence and at length; `when` is Unix time."""

    hook: str
    text: str
    traceback: str
    when: float


@dataclass
class Account:
    """All that is known of one extension. `pictures` is how many were asked for in the runs that it took part in."""

    spent: dict[str, Spent] = field(default_factory=dict[str, Spent])
    failures: deque[Failure] = field(default_factory=lambda: deque[Failure](maxlen=FAILURES_KEPT))
    pictures: int = 0

    def per_picture(self) -> float | None:
        """Its own seconds for each picture; None while it has had no part in any."""
        own = [one.seconds for hook, one in self.spent.items() if hook not in APART]
        return sum(own) / self.pictures if self.pictures else None


class Ledger:
    """The accounts of all extensions, by name. Jobs and routes write into it from several threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.accounts: dict[str, Account] = {}

    def of(self, name: str) -> Account:
        """An extension's account, as a copy."""
        with self.lock:
            found = self.accounts.get(name, Account())
            spent = {hook: Spent(one.calls, one.seconds, one.slowest) for hook, one in found.spent.items()}
            return Account(spent, deque(found.failures, FAILURES_KEPT), found.pictures)

    def forget(self, name: str) -> None:
        """Begin an extension's account anew, for another version of it."""
        with self.lock:
            self.accounts.pop(name, None)

    def notes(self, request: GenerationRequest) -> Note:
        """What writes down the calls of one run."""
        pictures = request.batch_count * request.batch_size
        counted: set[str] = set()

        def note(name: str, hook: str, seconds: float, error: BaseException | None) -> None:
            self.note(name, hook, seconds, error)
            if hook not in APART and name not in counted:
                counted.add(name)
                with self.lock:
                    self.accounts.setdefault(name, Account()).pictures += pictures

        return note

    def note(self, name: str, hook: str, seconds: float, error: BaseException | None) -> None:
        """Write down one call of an extension: how long it took, and what it raised."""
        with self.lock:
            account = self.accounts.setdefault(name, Account())
            spent = account.spent.setdefault(hook, Spent())
            spent.calls += 1
            spent.seconds += seconds
            spent.slowest = max(spent.slowest, seconds)
            if error is not None:
                account.failures.append(failure(hook, error))


def failure(hook: str, error: BaseException) -> Failure:
    """An exception as the page shows it."""
    text = "".join(traceback.format_exception(error))
    return Failure(hook, f"{type(error).__name__}: {error}"[:500], text[-8000:], time.time())
