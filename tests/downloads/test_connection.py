"""Which machines are asked, and which never."""

import socket
from typing import Any

import pytest

from modules.contract.errors import BadRequest
from modules.downloads.connection import Client, Refused, Site, Unreachable, public
from tests.downloads.site import Site as Server

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1
198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1
::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 2002:a00:1:: fc00::1 fd12::1 fe80::1 fec0::1 ff02::1
""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_this_network_are_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert public(address)


@pytest.fixture
def client(site: Server) -> Client:
    return Client(lambda: [Site("The site", site.hub, "hub-token"), Site("The bay", site.bay)], seconds=5)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://2130706433/x",
        "https://[::1]/x",
        "https://0x7f.1/x",
        "https://169.254.169.254/latest",
        "http://1.1.1.1/x",
    ],
)
def test_no_machine_of_this_network_is_asked(url: str, client: Client) -> None:
    with pytest.raises((BadRequest, Unreachable)):
        client.open(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x/y",
        "https://",
        "https://a b/",
        "https://a@b/",
        "https://a\\@b/",
        "gopher://x",
        "https://x:0/",
        "h" * 9000,
    ],
)
def test_what_is_no_address_is_refused(url: str, client: Client) -> None:
    with pytest.raises(BadRequest):
        client.open(url)


def test_a_redirect_into_this_network_is_not_followed(site: Server, client: Client) -> None:
    with socket.socket() as inner:
        inner.bind(("127.0.0.1", 0))
        inner.listen()
        inner.settimeout(0.2)
        for scheme in ("http", "https"):
            site.faults.redirect = f"{scheme}://127.0.0.1:{inner.getsockname()[1]}/x"
            with pytest.raises(BadRequest, match=r"not a public address|not asked without encryption"):
                client.open(f"{site.hub}/artist/dunes/resolve/main/dunes-lora.safetensors")
        with pytest.raises(TimeoutError):
            inner.accept()


def test_a_name_is_looked_up_once_and_the_checked_address_is_the_one_that_is_asked(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    connected: list[Any] = []

    def look_up(host: str, port: int, **how: object) -> list[Any]:
        asked.append(host)
        place = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"  # the second answer would lead here
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))]

    def connect(self: socket.socket, place: Any) -> None:
        connected.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(Unreachable, match=r"rebind\.example cannot be reached"):
        client.open("https://rebind.example/x")
    assert (asked, connected) == (["rebind.example"], [("93.184.216.34", 443)])


def test_a_token_does_not_follow_a_redirect_to_another_site(site: Server, client: Client) -> None:
    site.faults.redirect = f"{site.bay}/cdn/notes.txt"
    with client.open(f"{site.hub}/artist/dunes/resolve/main/dunes-lora.safetensors") as answer:
        assert answer.whole(100) == b"words"
    assert [one.headers.get("authorization") for one in site.asked] == ["Bearer hub-token", None]


def test_redirects_in_a_circle_end(site: Server, client: Client) -> None:
    site.faults.redirect = "/artist/dunes/resolve/main/dunes-lora.safetensors"
    with pytest.raises(BadRequest, match="redirected more than"):
        client.open(f"{site.hub}/artist/dunes/resolve/main/dunes-lora.safetensors")


def test_an_answer_too_long_is_cut_and_a_broken_one_is_said_to_be(site: Server, client: Client) -> None:
    with client.open(f"{site.hub}/cdn/vae/dunes.vae.safetensors") as answer, pytest.raises(BadRequest, match="more than 0 MB"):
        answer.whole(1000)
    with pytest.raises(Refused, match="has no such file"):
        client.open(f"{site.hub}/nothing")
    with pytest.raises(BadRequest, match="is no JSON"):
        client.json(f"{site.hub}/cdn/notes.txt")
