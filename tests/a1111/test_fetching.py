"""Pictures from addresses: only from public machines, and never for long."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from modules.a1111 import fetching
from modules.a1111.fetching import Rules, fetch, public
from modules.contract.errors import BadRequest, NotSupported
from tests.a1111.pretended import png

LOCAL = Rules(enabled=True, local=True)
PUBLIC = Rules(enabled=True)


class Pages(http.server.BaseHTTPRequestHandler):
    """A picture, and machines that behave badly."""

    def do_GET(self) -> None:
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
            return
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            except OSError:
                return
        body = {"/picture": png(), "/big": bytes(3000)}.get(self.path)
        self.send_response(200 if body else 404)
        if self.path == "/picture":
            self.send_header("Content-Length", str(len(png())))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_picture_is_fetched_where_that_is_allowed(site: str) -> None:
    assert fetch(f"{site}/picture", "mask", LOCAL) == png()
    assert fetch(f"{site}/to?/picture", "mask", LOCAL) == png()


def test_nothing_is_fetched_unless_it_is_switched_on(site: str) -> None:
    with pytest.raises(NotSupported, match="mask is an address"):
        fetch(f"{site}/picture", "mask", Rules())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x", "http://localhost/x", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://[::1]/",
        "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/", "http://10.0.0.1/", "http://172.16.0.1/",
        "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data", "http://100.64.0.1/", "http://0.0.0.0/", "http://[::]/",
        "http://[fe80::1]/", "http://[fc00::1]/", "http://224.0.0.1/", "http://255.255.255.255/", "http://198.18.0.1/", "http://[ff02::1]/",
        "http://192.0.2.1/", "http://240.0.0.1/", "https://127.0.0.1/x",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_without_a_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("connected")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(BadRequest, match=r"public|no machine"):
        fetch(url, "mask", PUBLIC)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_public(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize(
    "url", ["ftp://example.org/x", "http://", "http://name:word@example.org/x", "http://example.org:0/", "http://ex ample.org/",
            "http://example.org/\r\nX: y", "http://exämple.org/", "http://example.org/" + "x" * 5000, "http://[::1/", "http://example.org:99999/"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match="not an http or https address"):
        fetch(url, "mask", LOCAL)


def test_a_redirect_to_an_address_that_is_not_public_is_refused(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address passes for a public one."""
    first = site.removeprefix("http://").partition(":")[0]
    monkeypatch.setattr(fetching, "public", lambda address: address == first and not seen.append(address))
    seen: list[str] = []
    with pytest.raises(BadRequest, match="not a public address"):
        fetch(f"{site}/to?http://127.0.0.2:1/secret", "mask", PUBLIC)
    assert seen == [first]  # and the second was looked at, and refused


def test_the_connection_goes_to_the_address_that_was_checked(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that changes its mind between the check and the connection leads nowhere: it is looked up once."""
    lookups: list[str] = []
    real = socket.getaddrinfo

    def changing(host: str, port: int, *args: object, **more: object) -> object:
        lookups.append(host)
        return real("127.0.0.1" if len(lookups) == 1 else "127.0.0.2", port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    port = site.rpartition(":")[2]
    assert fetch(f"http://pictures.example:{port}/picture", "mask", LOCAL) == png()
    assert lookups == ["pictures.example"]


def test_too_many_redirects_are_refused(site: str) -> None:
    with pytest.raises(BadRequest, match="redirected"):
        fetch(f"{site}/to?{site}/to?{site}/to?{site}/to?{site}/picture", "mask", LOCAL)


def test_too_large_a_file_is_refused(site: str) -> None:
    with pytest.raises(BadRequest, match="larger"):
        fetch(f"{site}/big", "mask", LOCAL, most=1000)


def test_a_machine_that_drips_is_cut_off(site: str) -> None:
    started = time.monotonic()
    with pytest.raises(BadRequest, match=r"within 0\.5 seconds"):
        fetch(f"{site}/drip", "mask", LOCAL, seconds=0.5)
    assert time.monotonic() - started < 3


def test_a_machine_that_says_no_is_named(site: str) -> None:
    with pytest.raises(BadRequest, match="status 404"):
        fetch(f"{site}/nothing", "mask", LOCAL)


def test_a_machine_that_is_not_there_is_named() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(BadRequest, match="could not be fetched"):
        fetch(f"http://127.0.0.1:{port}/", "mask", LOCAL)
