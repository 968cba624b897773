"""Where a lookup may connect to: the hosts of the project, and private addresses only of hosts that
are declared private.

The address that was checked is the address that is connected to, so that a name cannot point
elsewhere a moment later.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import httpcore

Hosts = Mapping[str, bool]
DEFAULT_PORTS = {"http": 80, "https": 443}


class NotAllowed(httpcore.ConnectError):
    """A host that the project does not name, or a private address behind one that is not declared
    private.
    """


def place(netloc: str) -> tuple[str, int | None]:
    parts = urlsplit(f"//{netloc}")
    return parts.hostname or "", parts.port


def allowed(hosts: Hosts, host: str, port: int) -> bool | None:
    """None for a host that the project does not name, else whether it may be private."""
    found = [
        private for netloc, private in hosts.items() if fits(place(netloc), host.lower(), port)
    ]
    return any(found) if found else None


def fits(named: tuple[str, int | None], host: str, port: int) -> bool:
    return named[0] == host and (
        named[1] == port or (named[1] is None and port in DEFAULT_PORTS.values())
    )


def is_public(address: str) -> bool:
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        return found.is_global and not found.is_multicast if inner is None else inner.is_global
    return found.is_global and not found.is_multicast


class Guard(httpcore.AsyncNetworkBackend):
    """Resolves, checks, then connects to the very address it has checked."""

    def __init__(self, hosts: Callable[[], Hosts]) -> None:
        self._hosts = hosts
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that answers."""
        problem: Exception = httpcore.ConnectError("the name has no address")
        for address in await self.addresses(host, port):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                problem = error
        raise problem

    async def addresses(self, host: str, port: int) -> list[str]:
        private = allowed(self._hosts(), host, port)
        if private is None:
            raise NotAllowed("the project names no such host")
        addresses = await resolve(host, port)
        if not private and not all(is_public(address) for address in addresses):
            raise NotAllowed("the host has a private address and is not declared private")
        return addresses

    async def sleep(self, seconds: float) -> None:
        """Part of httpcore's interface, for its own retries."""
        await asyncio.sleep(seconds)


async def resolve(host: str, port: int) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError("the name has no address") from error
    return list(dict.fromkeys(str(item[4][0]) for item in found))
