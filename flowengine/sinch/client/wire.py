"""One request and its answer."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from flowengine.sinch.client.authentication import CONTENT_TYPE, Basic, Signed
from flowengine.sinch.client.errors import Unreachable, problem
from flowengine.sinch.client.hosts import Hosts
from flowengine.sinch.client.results import parsed

SECONDS: Final = (
    10.0  # until an answer counts as none; the platform itself waits half as long for ours
)


class Wire:
    """Sends requests, and raises an `ApiProblem` for all but success. Nothing is sent twice: it
    might be a second call.
    """

    def __init__(self, authentication: Basic | Signed, hosts: Hosts, seconds: float) -> None:
        self.hosts = hosts
        self._client = httpx.AsyncClient(
            auth=authentication, timeout=seconds, trust_env=False, follow_redirects=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    def traffic(self, path: str) -> str:
        """The address of a route that has to do with calls"""
        return f"{self.hosts.traffic.rstrip('/')}/calling/v1{path}"

    def configuration(self, path: str) -> str:
        return f"{self.hosts.configuration.rstrip('/')}/v1{path}"

    def reporting(self, path: str) -> str:
        return f"{self.hosts.reporting.rstrip('/')}/v1{path}"

    async def ask(
        self, method: str, url: str, body: Any = None, params: Mapping[str, str | int] | None = None
    ) -> Any:
        """The JSON of the answer; `body` is JSON already, or what to make it from"""
        return parsed(await self.fetch(method, url, body, params))

    async def fetch(
        self,
        method: str,
        url: str,
        body: Any = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer as it came"""
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        kind = {"content-type": CONTENT_TYPE} if content else {}
        try:
            response = await self._client.request(
                method,
                url,
                content=content,
                params=params or None,
                headers={**(headers or {}), **kind},
            )
        except httpx.HTTPError as error:  # its request carries the credentials: it goes no further
            raise Unreachable(
                0, 0, f"no answer from {httpx.URL(url).host}: {type(error).__name__}"
            ) from None
        if not response.is_success:
            raise problem(response.status_code, response.content)
        return response.content


class Routes:
    """Routes that are about the same."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
