"""Performs the requests of flows. Never raises, never logs what is sent or received."""

import asyncio
import time
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx
import msgspec

from flowengine.limits import MAX_FETCH_BYTES, MAX_FETCH_REDIRECTS
from flowengine.server.fetch.guard import Guard, Hosts, NotAllowed, allowed
from flowengine.states import Fetched, Request

MAX_CONNECTIONS = 100
KEPT_CONNECTIONS = 20
KEPT_SECONDS = 30.0
RETRY_PAUSE = 0.05
ACCEPT = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "flowengine"}
Observe = Callable[[str, str, float], None]


class TooBig(Exception):  # noqa: N818  # named for what the answer is
    """An answer longer than a flow can use."""


class GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx has no option for the network below its pool, so the pool is replaced by one that has."""

    def __init__(self, guard: Guard) -> None:
        context = httpx.create_ssl_context()
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=guard,
        )


class Client:
    """One per worker. Calling it performs a request within the seconds that are left."""

    def __init__(self, hosts: Callable[[], Hosts], observe: Observe | None = None) -> None:
        self._hosts = hosts
        self._observe = observe
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(Guard(hosts)),
            headers=ACCEPT,
            cookies=CookieJar(
                DefaultCookiePolicy(allowed_domains=[])
            ),  # a cookie of one call must not travel with another
            timeout=None,  # noqa: S113  # the whole of a request has one limit, below
            trust_env=False,
        )

    async def __call__(self, request: Request, left: float) -> Fetched:
        """The outcome of a request: a status with its body, or an error."""
        begun = time.perf_counter()
        fetched = await self._tried(request, begun + left)
        if self._observe:
            self._observe(
                request.service,
                fetched.error or f"{fetched.status // 100}xx",
                time.perf_counter() - begun,
            )
        return fetched

    async def close(self) -> None:
        """Let go of the pool."""
        await self._client.aclose()

    async def _tried(self, request: Request, deadline: float) -> Fetched:
        for _ in range(request.retries):
            fetched = await self._once(request, deadline)
            worth = fetched.error in ("connection", "refused") or fetched.status >= 500
            if not worth or deadline - time.perf_counter() <= RETRY_PAUSE:
                return fetched
            await asyncio.sleep(RETRY_PAUSE)
        return await self._once(request, deadline)

    async def _once(self, request: Request, deadline: float) -> Fetched:
        try:
            async with asyncio.timeout(min(request.timeout, deadline - time.perf_counter())):
                return await self._followed(request)
        except TimeoutError:
            return Fetched(0, error="timeout")
        except TooBig:
            return Fetched(0, error="too big")
        except Exception as error:  # noqa: BLE001  # whatever it is, the flow goes on by its exit
            return Fetched(0, error=reason(error))

    async def _followed(self, request: Request) -> Fetched:
        """Perform, and follow the redirects of a GET as long as they stay among the project's
        hosts.
        """
        sent = self._client.build_request(
            request.method, request.url, headers=dict(request.headers), content=request.body or None
        )
        for _ in range(MAX_FETCH_REDIRECTS + 1):
            if allowed(self._hosts(), sent.url.host, port(sent.url)) is None:
                return Fetched(0, error="not allowed")
            response = await self._client.send(sent, stream=True, follow_redirects=False)
            try:
                following = response.next_request if request.method == "GET" else None
                if following is None:
                    return Fetched(response.status_code, decoded(await body(response)))
            finally:
                await response.aclose()
            if sent.url.scheme == "https" and following.url.scheme != "https":
                return Fetched(0, error="not allowed")
            sent = self._bare(following) if origin(following.url) != origin(sent.url) else following
        return Fetched(0, error="too many redirects")

    def _bare(self, following: httpx.Request) -> httpx.Request:
        """Without the headers of the first host: they may hold its secrets."""
        return self._client.build_request("GET", following.url)


def port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, port(url)


async def body(response: httpx.Response) -> bytes:
    whole = b""
    async for piece in response.aiter_raw():
        whole += piece
        if len(whole) > MAX_FETCH_BYTES:
            raise TooBig
    return whole


def decoded(content: bytes) -> Any:
    """JSON where it is JSON, else the text."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return content.decode(errors="replace")


def reason(error: BaseException) -> str:
    """Why there is no answer, in a word: the message of an error may hold an address with a
    caller's data in it.
    """
    chain = causes(error)
    if any(isinstance(cause, NotAllowed) for cause in chain):
        return "not allowed"
    return (
        "refused"
        if any(isinstance(cause, ConnectionRefusedError) for cause in chain)
        else "connection"
    )


def causes(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
