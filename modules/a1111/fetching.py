"""A picture from an address that a client names: fetched only from public machines, whole within a time and a size, never elsewhere.

The name is looked up once, and the connection goes to the very address that was checked: a name that changes its mind between the
check and the connection (DNS rebinding) leads nowhere. Each redirect is checked in the same way.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from modules.contract.addresses import public
from modules.contract.errors import BadRequest, NotSupported

SECONDS = 30.0
MOST_BYTES = 32 * 1024 * 1024
REDIRECTS = 3
LONGEST_ADDRESS = 4096
PORTS = {"http": 80, "https": 443}



@dataclass(frozen=True)
class Rules:
    """What the settings allow."""

    enabled: bool = False
    local: bool = False
    user_agent: str = ""


def fetch(url: str, name: str, rules: Rules, *, seconds: float = SECONDS, most: int = MOST_BYTES) -> bytes:
    """What stands at an address. `name` is what the picture is called in errors.

    Raises NotSupported where the settings forbid it, BadRequest for an address that is not public or does not answer as it should.
    """
    if not rules.enabled:
        raise NotSupported(
            f"{name} is an address, and fetching pictures is switched off.", "Send the picture itself, or switch on api_enable_requests."
        )
    deadline = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        parts = checked(url, name)
        try:
            with connected(parts, name, rules, deadline) as connection:
                found = answer(connection, parts, name, rules, most)
        except (OSError, http.client.HTTPException, ValueError) as error:
            if time.monotonic() >= deadline:
                raise late(name, seconds) from None
            raise BadRequest(f"{name} could not be fetched from {parts.hostname} ({type(error).__name__}).") from None
        if time.monotonic() >= deadline:
            raise late(name, seconds)
        if isinstance(found, bytes):
            return found
        url = urljoin(url, found)
    raise BadRequest(f"{name} was redirected more than {REDIRECTS} times.")


def late(name: str, seconds: float) -> BadRequest:
    return BadRequest(f"{name} did not arrive within {seconds:g} seconds.")


def checked(url: str, name: str) -> SplitResult:
    """An address in its parts. Raises BadRequest for what is none, or holds a name and password."""
    wrong = BadRequest(f"{name} is not an http or https address of a picture.")
    if len(url) > LONGEST_ADDRESS or not url.isascii() or not url.isprintable() or " " in url:
        raise wrong
    try:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.port == 0 or "@" in parts.netloc:
            raise wrong
    except ValueError:
        raise wrong from None
    return parts


def addresses(host: str, port: int, name: str, rules: Rules) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
    """Where a host is. Raises BadRequest if any of its addresses is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadRequest(f"{name}: there is no machine named {host[:200]}.") from None
    places = [(family, (str(place[0]), port)) for family, _, _, _, place in found if family in (socket.AF_INET, socket.AF_INET6)]
    if not rules.local and not (places and all(public(place[0]) for _, place in places)):
        raise BadRequest(f"{name}: {host[:200]} is not a public address.", "Send the picture itself.")
    return places


@contextmanager
def connected(parts: SplitResult, name: str, rules: Rules, deadline: float) -> Iterator[http.client.HTTPConnection]:
    """A connection to the checked address, cut off at the deadline however the other side drags it out."""
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    family, place = addresses(host, port, name, rules)[0]
    with socket.socket(family, socket.SOCK_STREAM) as plain:
        plain.settimeout(max(deadline - time.monotonic(), 0.01))
        plain.connect(place)
        with cut_off(plain, deadline):
            if parts.scheme == "https":
                connection: http.client.HTTPConnection = http.client.HTTPSConnection(host, port)
                connection.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            else:
                connection = http.client.HTTPConnection(host, port)
                connection.sock = plain
            try:
                yield connection
            finally:
                connection.close()


@contextmanager
def cut_off(connected: socket.socket, deadline: float) -> Iterator[None]:
    """End a connection at the deadline, from a thread of its own: a timeout alone begins anew with every byte that drips in."""
    spare = connected.dup()  # TLS takes the socket itself away

    def end() -> None:
        with suppress(OSError):  # it has ended by itself
            spare.shutdown(socket.SHUT_RDWR)

    guard = threading.Timer(max(deadline - time.monotonic(), 0.0), end)
    guard.daemon = True
    guard.start()
    try:
        yield
    finally:
        guard.cancel()
        spare.close()


def answer(connection: http.client.HTTPConnection, parts: SplitResult, name: str, rules: Rules, most: int) -> bytes | str:
    """What a machine answers: a file's bytes, or the address that it sends us on to."""
    headers = {"Accept": "image/*", "Accept-Encoding": "identity", "Connection": "close", "User-Agent": rules.user_agent or "Easel"}
    connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), headers=headers)
    response = connection.getresponse()
    if response.status in (301, 302, 303, 307, 308):
        return response.getheader("location") or ""
    if response.status != 200:
        raise BadRequest(f"{name}: {parts.hostname} answered with status {response.status}.")
    if response.getheader("content-encoding", "identity") != "identity":
        raise BadRequest(f"{name}: {parts.hostname} answered with compressed data, which was not asked for.")
    data = response.read(most + 1)
    if len(data) > most:
        raise BadRequest(f"{name} is larger than {most // 2**20} MB.")
    return data
