"""Which IP addresses lie on the internet, and which within somebody's network."""

import ipaddress

NOT_PUBLIC = tuple(
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3",
                 "::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "fc00::/7", "fe80::/9", "ff00::/8")
)  # fmt: skip
EMBEDDED_V4 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits


def public(text: str) -> bool:
    """Whether an IP address is one that anybody on the internet reaches, whatever it is wrapped in."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in EMBEDDED_V4:
            inner = ipaddress.IPv4Address(address.packed[-4:])
        if inner is not None:
            return public(str(inner))
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not special and not any(address in network for network in NOT_PUBLIC if network.version == address.version)
