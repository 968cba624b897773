"""Which addresses the public internet routes.

`ipaddress.is_global` answers differently from one Python release to the next, and knows nothing of
addresses that translate to others. So the list is our own. Its sources are the IANA registries of
special-purpose addresses for IPv4 and IPv6 (2025), RFC 6052 and RFC 8215 (NAT64), RFC 4291
(IPv4-mapped, IPv4-compatible), RFC 3056 (6to4), RFC 4380 (Teredo) and, for 168.63.129.16,
Microsoft's page "What is IP address 168.63.129.16?".
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_SPECIAL_IPV4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network", and unspecified
        "10.0.0.0/8",  # private use
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's services for its own machines, at a public address
        "169.254.0.0/16",  # link-local, and the metadata services of clouds
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # protocol assignments: DS-Lite, NAT64 discovery, port control
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# Everything outside of this is loopback, unspecified, IPv4-compatible, unique local, link-local,
# site-local, multicast or not assigned.
_UNICAST_IPV6 = IPv6Network("2000::/3")
_SPECIAL_IPV6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

# Addresses that lead to the IPv4 address in them, and by how many bits it is shifted.
_TRANSLATED = (
    (IPv6Network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64: how a machine without IPv4 reaches IPv4 hosts
    (IPv6Network("2002::/16"), 80),  # 6to4
)


def is_public(address: str) -> bool:
    """Whether this address, with or without a zone, is one of the public internet."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv4Address):
        return _is_public_ipv4(found)
    for network, shift in _TRANSLATED:
        if found in network:
            return _is_public_ipv4(IPv4Address(int(found) >> shift & 0xFFFF_FFFF))
    return _is_public_ipv6(found)


def _is_public_ipv4(address: IPv4Address) -> bool:
    return not any(address in network for network in _SPECIAL_IPV4)


def _is_public_ipv6(address: IPv6Address) -> bool:
    return address in _UNICAST_IPV6 and not any(address in network for network in _SPECIAL_IPV6)
