"""Decides where a lookup may connect: to the hosts of the project, and to private addresses only of
hosts that are declared private. The server connects to the address that it has checked, so that a
name cannot lead elsewhere a moment later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache

import httpcore
import httpx

from flowengine.public_addresses import is_public

Hosts = Mapping[str, bool]
DEFAULT_PORTS = {"http": 80, "https": 443}
# An address without answers, as of a broken IPv6 route, must leave time for the next address.
ADDRESS_TIMEOUT_SECONDS = 0.5


class AddressNotAllowedError(httpcore.ConnectError):
    """A host that the project does not name, or a private address behind one that is not declared
    private.
    """


@lru_cache(maxsize=1024)
def parse_netloc(netloc: str) -> tuple[str, int | None]:
    """The host and the port in the form of the wire: non-ASCII names as IDNA."""
    url = httpx.URL(f"//{netloc}")
    return url.raw_host.decode(), url.port


def find_host_privacy(hosts: Hosts, host: str, port: int) -> bool | None:
    """None for a host that the project does not name, else whether it may be private."""
    wanted = host.lower()
    found = [
        private
        for netloc, private in hosts.items()
        if is_host_match(parse_netloc(netloc), wanted, port)
    ]
    return any(found) if found else None


def is_host_match(named: tuple[str, int | None], host: str, port: int) -> bool:
    return named[0] == host and (
        named[1] == port or (named[1] is None and port in DEFAULT_PORTS.values())
    )


class AddressGuard(httpcore.AsyncNetworkBackend):
    """Resolves a host, checks its addresses, and connects to a checked address."""

    def __init__(
        self, hosts: Callable[[], Hosts], resolve: Callable[[str], Awaitable[list[str]]]
    ) -> None:
        self._hosts = hosts
        self._resolve = resolve
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
        addresses = await self.resolve_allowed(host, port)
        for address in addresses:
            limit = timeout if address is addresses[-1] else ADDRESS_TIMEOUT_SECONDS
            try:
                return await self._inner.connect_tcp(
                    address, port, limit, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise problem

    async def resolve_allowed(self, host: str, port: int) -> list[str]:
        """The addresses of a host that lookups may connect to."""
        private = find_host_privacy(self._hosts(), host, port)
        if private is None:
            raise AddressNotAllowedError("the project names no such host")
        addresses = await self._resolve(host)
        if not private and not all(is_public(address) for address in addresses):
            raise AddressNotAllowedError(
                "the host has a private address and is not declared private"
            )
        return addresses

    async def sleep(self, seconds: float) -> None:
        """Part of httpcore's interface, for its own retries."""
        await asyncio.sleep(seconds)
