"""The connections, slots and circuit breaker of one service."""

import asyncio
import ssl
import time
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore
import httpx

from flowengine.server.fetch.breaker import CircuitBreaker, CircuitState
from flowengine.server.fetch.guard import AddressGuard

# 50 lookups of 200 ms are 250 a second, more than one worker answers; and a hanging service holds
# no more descriptors than that.
MAX_LOOKUPS_PER_SERVICE = 50
MAX_IDLE_CONNECTIONS = 20
IDLE_SECONDS = 30.0
DEFAULT_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "user-agent": "flowengine",
}


class GuardedTransport(httpx.AsyncHTTPTransport):
    """The transport of httpx with our network: httpx has no option for it, so this replaces its
    pool.
    """

    def __init__(self, guard: AddressGuard, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=MAX_LOOKUPS_PER_SERVICE,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            network_backend=guard,
        )


class ServicePool:
    """The connections to one service at one address. `slots` limit the lookups at the same time."""

    def __init__(
        self,
        guard: AddressGuard,
        context: ssl.SSLContext,
        changed: Callable[[CircuitBreaker, CircuitState], None],
    ) -> None:
        self.breaker = CircuitBreaker(changed)
        self.slots = asyncio.Semaphore(MAX_LOOKUPS_PER_SERVICE)
        self.lookup_count = 0
        self.used_at = time.monotonic()
        self.client = httpx.AsyncClient(
            transport=GuardedTransport(guard, context),
            headers=DEFAULT_HEADERS,
            cookies=CookieJar(
                DefaultCookiePolicy(allowed_domains=[])
            ),  # a cookie of one call must not go out with another
            timeout=None,  # noqa: S113  # the whole of a request has one limit
            trust_env=False,
        )
