"""Transports of callbacks: within this process, or by HTTP one after the other."""

from collections.abc import Callable, Mapping
from itertools import takewhile
from time import monotonic
from typing import Protocol

import httpx
import msgspec


class Response(msgspec.Struct, frozen=True):
    """The response of a backend. With `failure`, why there is none (then the status is 0); `late`
    is whether it timed out.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    failure: str = ""
    late: bool = False


OnReply = Callable[[Response | None], None]
"""Takes the answer; None is as good as one that is `late`"""


class Transport(Protocol):
    """Sends requests to backends."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: OnReply
    ) -> None:
        """Send a request. `reply` is called once, maybe before this returns."""


class DirectTransport:
    """A backend in this process, which answers at once (None: not at all)."""

    def __init__(self, answer: Callable[[str, Mapping[str, str], bytes], Response | None]) -> None:
        self._answer = answer

    def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,  # noqa: ARG002
        reply: OnReply,
    ) -> None:
        reply(self._answer(url, headers, body))


class BlockingTransport:
    """HTTP requests that block: for virtual time, which stands still meanwhile."""

    def __init__(self) -> None:
        self._client = httpx.Client(trust_env=False)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float, reply: OnReply
    ) -> None:
        reply(self._send(url, headers, body, timeout))

    def _send(self, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        end = monotonic() + timeout
        try:
            with self._client.stream(
                "POST", url, content=body, headers=dict(headers), timeout=timeout
            ) as answer:
                pieces = list(takewhile(lambda _: monotonic() <= end, answer.iter_bytes()))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return build_failed_response(error, timeout)
        return (
            build_timeout_response(timeout)
            if monotonic() > end
            else Response(answer.status_code, dict(answer.headers), b"".join(pieces))
        )

    def close(self) -> None:
        self._client.close()


def build_timeout_response(timeout: float) -> Response:
    return Response(0, {}, b"", f"no answer within {timeout:g} seconds", late=True)


def build_failed_response(error: Exception, timeout: float) -> Response:
    """Why a request came to nothing, for a person"""
    if isinstance(error, httpx.ReadTimeout | httpx.WriteTimeout):
        return build_timeout_response(timeout)
    return Response(0, {}, b"", f"could not be reached: {error or type(error).__name__}")
