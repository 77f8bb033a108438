"""Asks other machines, only public ones and over https; a site that a person has set (a mirror) may be anywhere.

A name is looked up once, and the connection goes to the very address that was checked: a name that changes its mind between the check
and the connection (DNS rebinding) leads nowhere. Each redirect is checked in the same way, and a token only ever goes to its own site.
"""

import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from modules.contract.addresses import public
from modules.contract.errors import BadRequest, Unavailable, WebuiError

SECONDS = 30.0  # without a byte
REDIRECTS = 6
LONGEST_ADDRESS = 8192  # those of signed downloads are long
LARGEST_JSON = 16 * 2**20
PORTS = {"http": 80, "https": 443}
# Addresses that lead into this machine or its network, beyond those that `ipaddress` knows in every version of Python.
Origin = tuple[str, str, int]


class Unreachable(Unavailable):
    """There is no connection, or it broke; the same may work later."""


class Refused(WebuiError):
    """A machine answered with an error. `code` is its status; `wait`: the seconds after which it wants to be asked again, if it said so."""

    status = 502

    def __init__(self, message: str, hint: str, code: int, wait: float | None = None) -> None:
        super().__init__(message, hint)
        self.code = code
        self.wait = wait

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered later."""
        return self.code in (408, 425, 429) or self.code >= 500


@dataclass(frozen=True)
class Site:
    """A place that models come from. `base`: its address without a path; `token` goes nowhere else, and is never printed."""

    name: str
    base: str
    token: str = field(default="", repr=False)

    @property
    def origin(self) -> Origin:
        return origin_of(urlsplit(self.base))


class Answer:
    """What a machine answers, its body read piece by piece. To be closed."""

    def __init__(self, url: str, name: str, response: http.client.HTTPResponse, connection: http.client.HTTPConnection,
                 spare: socket.socket) -> None:  # fmt: skip
        self.url = url
        self.name = name
        self.response = response
        self.connection = connection
        self.spare = spare
        self.status = response.status

    def header(self, name: str) -> str:
        """A header's value; "" without it."""
        return self.response.getheader(name) or ""

    def read(self, most: int) -> bytes:
        """Up to `most` bytes, b"" at the end. Raises Unreachable where the connection breaks."""
        try:
            return self.response.read1(most)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise unreachable(self.name, reason(error)) from None

    def whole(self, most: int) -> bytes:
        """All of the body. Raises BadRequest for more than `most` bytes."""
        pieces: list[bytes] = []
        while piece := self.read(1 << 16):
            pieces.append(piece)
            if sum(map(len, pieces)) > most:
                raise BadRequest(f"{self.name} answered with more than {most // 2**20} MB.")
        return b"".join(pieces)

    def interrupt(self) -> None:
        """End the connection from another thread; whoever reads gets Unreachable or the end."""
        with suppress(OSError):  # it has ended by itself
            self.spare.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let the connection go."""
        self.connection.close()
        self.spare.close()

    def __enter__(self) -> "Answer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class Client:
    """Asks machines. `sites` are those that may be anywhere, each with its token; all others must be public and speak https."""

    def __init__(self, sites: Callable[[], Sequence[Site]], *, seconds: float = SECONDS) -> None:
        self.sites = sites
        self.seconds = seconds

    def open(self, url: str, headers: Mapping[str, str] | None = None, *, seen: Callable[[Answer], None] | None = None) -> Answer:
        """The answer to a GET, redirects followed. `seen` is called with each answer on the way, the last one included.

        Raises BadRequest for an address that may not be asked, Unreachable, and Refused for any status but 200 and 206.
        """
        first = self.name_of(url)
        for _ in range(REDIRECTS + 1):
            answer = self.asked(url, first, headers or {})
            if seen:
                seen(answer)
            if answer.status in (301, 302, 303, 307, 308):
                url = urljoin(url, answer.header("location"))
                answer.close()
                continue
            if answer.status not in (200, 206):
                with answer:
                    raise refused(answer)
            if answer.header("content-encoding") not in ("", "identity"):
                answer.close()
                raise BadRequest(f"{first} answered with compressed data, which was not asked for.")
            return answer
        raise BadRequest(f"{first} redirected more than {REDIRECTS} times.")

    def json(self, url: str) -> Any:
        """A JSON answer. Raises as `open` does, and BadRequest for what is no JSON."""
        with self.open(url, {"Accept": "application/json"}) as answer:
            body = answer.whole(LARGEST_JSON)
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise BadRequest(
                f"{self.name_of(url)} answered with something that is no JSON.", "Is its address right in the settings?"
            ) from None

    def site_of(self, url: str) -> Site | None:
        """The site that an address is of, if any."""
        origin = origin_of(checked(url))
        return next((site for site in self.sites() if site.origin == origin), None)

    def name_of(self, url: str) -> str:
        """What a machine is called in messages."""
        site = self.site_of(url)
        return site.name if site else str(checked(url).hostname)

    def asked(self, url: str, name: str, headers: Mapping[str, str]) -> Answer:
        """One answer, whatever it says."""
        parts, site = checked(url), self.site_of(url)
        if site is None and parts.scheme != "https":
            raise BadRequest(f"{parts.hostname} is not asked without encryption.", "Give an address that begins with https://.")
        sent = {"User-Agent": "Easel", "Accept": "*/*", "Accept-Encoding": "identity", "Connection": "close", **headers}
        if site and site.token:
            sent["Authorization"] = f"Bearer {site.token}"
        try:
            connection, spare = self.connected(parts, name, anywhere=site is not None)
        except (OSError, ValueError) as error:
            raise unreachable(name, reason(error)) from None
        try:
            connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=sent)
            return Answer(url, name, connection.getresponse(), connection, spare)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            spare.close()
            raise unreachable(name, reason(error)) from None

    def connected(self, parts: SplitResult, name: str, *, anywhere: bool) -> tuple[http.client.HTTPConnection, socket.socket]:
        """A connection to a checked address, and a second handle on its socket, by which it can be ended while somebody reads."""
        host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
        places = addresses(host, port, name, anywhere=anywhere)
        for number, (family, place) in enumerate(places, start=1):
            plain = socket.socket(family, socket.SOCK_STREAM)
            plain.settimeout(self.seconds)
            try:
                plain.connect(place)
            except OSError:
                plain.close()
                if number == len(places):
                    raise
                continue
            break
        spare = plain.dup()
        try:
            if parts.scheme == "https":
                connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port, timeout=self.seconds)
                connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            else:
                connection = http.client.HTTPConnection(host, port, timeout=self.seconds)
                connection.sock = plain
        except BaseException:
            plain.close()
            spare.close()
            raise
        return connection, spare


def checked(url: str) -> SplitResult:
    """An address in its parts. Raises BadRequest for what is none, or holds a name and password."""
    wrong = BadRequest("This is not an address of a file.", "An address begins with https://.")
    if len(url) > LONGEST_ADDRESS or not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.port == 0 or "@" in parts.netloc or "\\" in url:
            raise wrong
    except ValueError:
        raise wrong from None
    return parts


def origin_of(parts: SplitResult) -> Origin:
    """What tells one site from another: scheme, name, port."""
    return parts.scheme, (parts.hostname or "").lower(), parts.port or PORTS.get(parts.scheme, 0)


def addresses(host: str, port: int, name: str, *, anywhere: bool) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """Where a host is. Raises BadRequest if any of its addresses is not public, unless it may be `anywhere`; Unreachable."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise unreachable(name, f"no machine named {host[:200]} was found") from None
    places = [(family, (str(place[0]), port)) for family, _, _, _, place in found if family in (socket.AF_INET, socket.AF_INET6)]
    if not places or not (anywhere or all(public(place[0]) for _, place in places)):
        raise BadRequest(f"{host[:200]} is not a public address, and is not asked.")
    return places


def reason(error: Exception) -> str:
    """Why a connection did not come about, or broke, in a few words."""
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, ConnectionResetError | BrokenPipeError | http.client.IncompleteRead | http.client.RemoteDisconnected):
        return "the connection broke"
    text = getattr(error, "strerror", None) or type(error).__name__
    return re.sub(r"[^ -~]", " ", str(text))[:120]


def unreachable(name: str, why: str) -> Unreachable:
    """The error for a machine that there is no connection to."""
    return Unreachable(f"{name} cannot be reached ({why}).", "Is this machine connected to the internet?")


def refused(answer: Answer) -> Refused:
    """The error for an answer that is none."""
    code, name = answer.status, answer.name
    said = answer.header("x-error-message")[:300]  # Hugging Face's own words
    hints = {
        401: f"It wants to know who asks. Set a token for {name} below, under Tokens.",
        403: "The file's page may ask you to log in and agree to its terms; then set a token under Tokens.",
        404: "The file may have been deleted or renamed, or be private.",
        410: "The file has been taken away.",
        429: "It was asked too often, and wants a pause.",
        451: "It may not be had in this country.",
    }
    wait = answer.header("retry-after")
    words = {401: "asks for a login", 403: "refuses this file", 404: "has no such file", 429: "is busy"}
    what = words.get(code, "is out of order" if code >= 500 else "refuses")
    return Refused(f"{name} {what} (status {code}).", said or hints.get(code, ""), code, float(wait) if wait.isdigit() else None)
