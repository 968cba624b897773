"""Where a lookup may connect to: the hosts of the project, and private addresses only of hosts that
are declared private.

The address that was checked is the address that is connected to, so that a name cannot point
elsewhere a moment later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache

import httpcore
import httpx

from flowengine.public_addresses import is_public

Hosts = Mapping[str, bool]
DEFAULT_PORTS = {"http": 80, "https": 443}
# An address that swallows packets, as a broken IPv6 route does, must leave time for the next one.
ADDRESS_TIMEOUT_SECONDS = 0.5


class AddressNotAllowedError(httpcore.ConnectError):
    """A host that the project does not name, or a private address behind one that is not declared
    private.
    """


@lru_cache(maxsize=1024)
def parse_netloc(netloc: str) -> tuple[str, int | None]:
    """Host and port as they are on the wire: names with other letters than ASCII are IDNA."""
    url = httpx.URL(f"//{netloc}")
    return url.raw_host.decode(), url.port


def find_host_privacy(hosts: Hosts, host: str, port: int) -> bool | None:
    """None for a host that the project does not name, else whether it may be in a private network."""
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
    """Resolves, checks, then connects to the very address it has checked."""

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
        """The addresses of a host that may be asked."""
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
