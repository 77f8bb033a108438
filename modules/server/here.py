"""Whether a request comes from the machine that the program runs on: some things only its people may do."""

import ipaddress

from starlette.requests import Request

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


def from_this_machine(request: Request) -> bool:
    """Whether client, Host and Origin are all this machine. A proxy makes strangers look local: what it adds counts against it."""
    if any(name in request.headers for name in FORWARDED):
        return False
    hosts = [request.client.host if request.client else "", named(request.headers.get("host", ""))]
    origin = request.headers.get("origin")
    if origin is not None:
        hosts.append(named(origin.partition("://")[2]))
    return all(is_loopback(host) for host in hosts)


def named(host: str) -> str:
    """A Host header without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
