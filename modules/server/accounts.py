"""Names and passwords, who is logged in, and how often a wrong password may be tried."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Mapping

from modules.contract.errors import BadRequest

TRIES, TRY_SECONDS = 5, 60.0
ADDRESSES_KEPT = 10_000
SESSION_SECONDS = 7 * 24 * 3600.0
SESSIONS_KEPT = 1_000


def accounts_from(text: str) -> dict[str, str]:
    """The accounts of `name:password,name:password`, as A1111's flags have them. Raises BadRequest, without the passwords."""
    accounts: dict[str, str] = {}
    for number, part in enumerate(text.replace("\n", ",").split(","), start=1):
        name, colon, password = part.strip().partition(":")
        if not (name and colon and password):
            if part.strip():
                raise BadRequest(f"Account {number} is not of the form name:password.")
            continue
        accounts[name] = password
    if not accounts:
        raise BadRequest("There is no account in the list.", "Give them as name:password, with commas between them.")
    return accounts


class Accounts:
    """Who may enter. Of names and passwords only digests under a key of this process are kept, so none can be printed."""

    def __init__(self, accounts: Mapping[str, str]) -> None:
        self.key = secrets.token_bytes(32)
        self.digests = [(self.digest(name), self.digest(password)) for name, password in accounts.items()]

    def digest(self, text: str) -> bytes:
        return hmac.digest(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def match(self, name: str, password: str) -> bool:
        """Whether this is an account. Takes the same time whichever part is wrong."""
        given_name, given_password = self.digest(name), self.digest(password)
        found = False
        for known_name, known_password in self.digests:
            found |= hmac.compare_digest(known_name, given_name) & hmac.compare_digest(known_password, given_password)
        return found


class Tries:
    """Wrong passwords by address. After five within a minute nothing more is tried from there until the first is a minute old."""

    def __init__(self) -> None:
        self.failures: OrderedDict[str, deque[float]] = OrderedDict()

    def seconds_to_wait(self, address: str) -> float:
        """0 if a try is allowed now."""
        times = self.failures.get(address, deque())
        while times and times[0] <= time.monotonic() - TRY_SECONDS:
            times.popleft()
        return times[0] + TRY_SECONDS - time.monotonic() if len(times) >= TRIES else 0.0

    def failed(self, address: str) -> None:
        """Count a wrong password."""
        self.failures.setdefault(address, deque()).append(time.monotonic())
        self.failures.move_to_end(address)
        if len(self.failures) > ADDRESSES_KEPT:
            self.failures.popitem(last=False)


class Sessions:
    """Who is logged in, until the program ends. Of the tokens only digests are kept."""

    def __init__(self) -> None:
        self.ends: OrderedDict[bytes, float] = OrderedDict()

    def begin(self) -> str:
        """A new token."""
        token = secrets.token_urlsafe(32)
        self.ends[digest_of(token)] = time.monotonic() + SESSION_SECONDS
        if len(self.ends) > SESSIONS_KEPT:
            self.ends.popitem(last=False)
        return token

    def holds(self, token: str) -> bool:
        """Whether a token is one of ours that has not ended."""
        return self.ends.get(digest_of(token), 0.0) > time.monotonic()

    def end(self, token: str) -> None:
        """Log out."""
        self.ends.pop(digest_of(token), None)


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
