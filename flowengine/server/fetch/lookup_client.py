"""Performs lookups. It never raises, and never logs what it sends or receives. Each service has its
own pool, so that a hanging one blocks no other.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial

import httpx

from flowengine.limits import MAX_FETCH_BYTES, MAX_FETCH_REDIRECTS
from flowengine.server.fetch.breaker import CircuitBreaker, CircuitState
from flowengine.server.fetch.guard import (
    AddressGuard,
    AddressNotAllowedError,
    Hosts,
    find_host_privacy,
)
from flowengine.server.fetch.resolver import Resolver
from flowengine.server.fetch.service_pool import ServicePool
from flowengine.states import LookupRequest, LookupResult
from flowengine.states.response_body import parse_body
from flowengine.states.state_results import CIRCUIT_OPEN_PREFIX, TRANSIENT_ERRORS

RETRY_PAUSE_SECONDS = 0.05
# A failed lookup with less time than its author gave it, because of the callback's deadline, does
# not count against the service.
MIN_COUNTED_SECONDS = 1.0
# The pools of services that no release names any more are closed after this.
UNUSED_POOL_SECONDS = 600.0
ObserveLookup = Callable[[str, str, float], None]
ObserveCircuit = Callable[[str, CircuitState], None]
log = logging.getLogger(__name__)


class ResponseTooBigError(Exception):
    """The response is longer than a flow can use."""


class LookupClient:
    """Makes the lookups of one worker. Calling it performs a request within the seconds that are
    left. `observe` is called after each lookup, `observe_circuit` after each change of a circuit
    breaker.
    """

    def __init__(
        self,
        hosts: Callable[[], Hosts],
        observe: ObserveLookup | None = None,
        observe_circuit: ObserveCircuit | None = None,
    ) -> None:
        self._hosts = hosts
        self._observe = observe
        self._observe_circuit = observe_circuit
        self._guard = AddressGuard(hosts, Resolver().resolve)
        self._context = httpx.create_ssl_context()
        self._pools: dict[tuple[str, str], ServicePool] = {}

    async def __call__(self, request: LookupRequest, left: float) -> LookupResult:
        """Perform a request, and return its status and body, or an error."""
        begun = time.perf_counter()
        pool = await self._get_pool(request)
        pool.lookup_count += 1
        try:
            fetched = await self._attempt_with_retries(pool, request, begun + left)
        finally:
            pool.lookup_count -= 1
            pool.used_at = time.monotonic()
        if self._observe:
            self._observe(
                request.service,
                fetched.error.partition(":")[0] or f"{fetched.status // 100}xx",
                time.perf_counter() - begun,
            )
        return fetched

    async def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            await pool.client.aclose()

    async def _get_pool(self, request: LookupRequest) -> ServicePool:
        """The pool of a service at its address. A new address gets a new pool, with a closed
        circuit.
        """
        key = (request.service, "/".join(request.url.split("/", 3)[:3]))
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = ServicePool(
                self._guard, self._context, partial(self._log_circuit, request.service)
            )
            await self._close_unused_pools()
        return pool

    async def _close_unused_pools(self) -> None:
        since = time.monotonic() - UNUSED_POOL_SECONDS
        for key, pool in [*self._pools.items()]:
            if not pool.lookup_count and pool.used_at < since:
                del self._pools[key]
                await pool.client.aclose()

    async def _attempt_with_retries(
        self, pool: ServicePool, request: LookupRequest, deadline: float
    ) -> LookupResult:
        for _ in range(request.retries):
            fetched = await self._attempt_request(pool, request, deadline)
            worth = fetched.error in ("connection", "refused") or fetched.status >= 500
            if not worth or deadline - time.perf_counter() <= RETRY_PAUSE_SECONDS:
                return fetched
            await asyncio.sleep(RETRY_PAUSE_SECONDS)
        return await self._attempt_request(pool, request, deadline)

    async def _attempt_request(
        self, pool: ServicePool, request: LookupRequest, deadline: float
    ) -> LookupResult:
        """Send the request once, unless the circuit is open."""
        breaker = pool.breaker
        period = breaker.begin_lookup()
        if period is None:
            return LookupResult(0, error=CIRCUIT_OPEN_PREFIX + breaker.cause)
        seconds = min(request.timeout, deadline - time.perf_counter())
        counted: str | None = None
        sent = False
        try:
            async with asyncio.timeout(seconds), pool.slots:
                sent = True
                fetched = await self._send_following_redirects(pool.client, request)
            counted = None if fetched.error else ""
        except TimeoutError:
            fetched = LookupResult(0, error="timeout")
            if sent and seconds >= min(request.timeout, MIN_COUNTED_SECONDS):
                counted = fetched.error
        except ResponseTooBigError:
            fetched, counted = LookupResult(0, error="too big"), ""
        except Exception as error:  # noqa: BLE001  # whatever it is, the flow goes on by its exit
            fetched = LookupResult(0, error=classify_error(error))
            counted = fetched.error if fetched.error in TRANSIENT_ERRORS else None
        finally:  # also when the callback was cancelled
            breaker.end_lookup(period, counted)
        return fetched

    async def _send_following_redirects(
        self, client: httpx.AsyncClient, request: LookupRequest
    ) -> LookupResult:
        """Send the request, and follow the redirects of a GET within the hosts of the project."""
        headers = [
            (name.encode(), value.encode("utf-8", "replace"))
            for name, value in request.headers.items()
        ]
        sent = client.build_request(
            request.method, request.url, headers=headers, content=request.body or None
        )
        for _ in range(MAX_FETCH_REDIRECTS + 1):
            if (
                find_host_privacy(self._hosts(), sent.url.raw_host.decode(), get_port(sent.url))
                is None
            ):
                return LookupResult(0, error="not allowed")
            response = await client.send(sent, stream=True, follow_redirects=False)
            try:
                following = response.next_request if request.method == "GET" else None
                if following is None:
                    return LookupResult(
                        response.status_code, parse_body(await read_response_body(response))
                    )
            finally:
                await response.aclose()
            if sent.url.scheme == "https" and following.url.scheme != "https":
                return LookupResult(0, error="not allowed")
            sent = build_redirect(client, sent, following)
        return LookupResult(0, error="too many redirects")

    def _log_circuit(self, service: str, breaker: CircuitBreaker, before: CircuitState) -> None:
        """Log when a circuit opens and closes. Only the metric shows the trials in between."""
        if self._observe_circuit:
            self._observe_circuit(service, breaker.state)
        if breaker.state is CircuitState.CLOSED:
            log.warning("%s answers again: its circuit is closed", service)
        elif breaker.state is CircuitState.OPEN and before is CircuitState.CLOSED:
            log.error(
                "%s does not answer (%s): its circuit is open, and its lookups take their exits "
                "at once; one is tried after %g seconds",
                service,
                breaker.cause,
                breaker.pause,
            )


def build_redirect(
    client: httpx.AsyncClient, sent: httpx.Request, following: httpx.Request
) -> httpx.Request:
    """The request to the target of a redirect. At another origin it has no headers of the first
    request, which may hold secrets, and no user and password from the redirect.
    """
    url = following.url.copy_with(userinfo=b"")
    if get_origin(url) != get_origin(sent.url):
        return client.build_request("GET", url)
    following.url = url
    return following


def get_port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def get_origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, get_port(url)


async def read_response_body(response: httpx.Response) -> bytes:
    whole = bytearray()
    async for piece in response.aiter_raw():
        whole += piece
        if len(whole) > MAX_FETCH_BYTES:
            raise ResponseTooBigError
    return bytes(whole)


def classify_error(error: BaseException) -> str:
    """The kind of error as a word: the message of an error may hold an address with data of a
    caller.
    """
    chain = list_causes(error)
    if any(isinstance(cause, AddressNotAllowedError) for cause in chain):
        return "not allowed"
    if isinstance(error, (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return "cannot be sent"
    return (
        "refused"
        if any(isinstance(cause, ConnectionRefusedError) for cause in chain)
        else "connection"
    )


def list_causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
