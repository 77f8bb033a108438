"""Everything a person can act on, as exceptions that carry a message, a hint and an HTTP status."""

import difflib
from collections.abc import Iterable


class WebuiError(Exception):
    """Something a person can act on. `message` says what is wrong, `hint` what to do; both are shown."""

    status = 500

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadRequest(WebuiError):
    """A value that cannot be."""

    status = 400


class NotFound(WebuiError):
    """No such model, sampler, style, job."""

    status = 404

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> "NotFound":
        """The error for a `name` that is not among the `known` ones; its hint lists the nearest."""
        known = list(known)
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known[:5]
        hint = f"Did you mean {', '.join(near)}?" if near else f"There is no {kind} at all yet."
        return cls(f"There is no {kind} named '{name}'.", hint)


class NotSupported(WebuiError):
    """This model or this version cannot do that."""

    status = 409


class TooBusy(WebuiError):
    """The queue is full; the same request can be sent again later."""

    status = 429


class Unavailable(WebuiError):
    """The program is starting or stopping; the same request can be sent again later."""

    status = 503


class ExtensionFailed(WebuiError):
    """An extension that a person switched on failed; says which one and where."""


class OutOfMemory(WebuiError):
    """There was not enough memory; says how much was wanted and what to try."""

    status = 507
