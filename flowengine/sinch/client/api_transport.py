"""One request and its answer."""

from collections.abc import Mapping
from typing import Any, Final

import httpx
import msgspec

from flowengine.sinch.client.api_errors import UnreachableApiError, to_api_error
from flowengine.sinch.client.authentication import CALLING_API_CONTENT_TYPE, BasicAuth, SignedAuth
from flowengine.sinch.client.hosts import ApiHosts
from flowengine.sinch.client.results import parse_json

API_TIMEOUT_SECONDS: Final = (
    10.0  # until an answer counts as none; the platform itself waits half as long for ours
)


class ApiTransport:
    """Sends requests, and raises a `CallingApiError` for all but success. It retries nothing: a
    retry might place a second call.
    """

    def __init__(
        self, authentication: BasicAuth | SignedAuth, hosts: ApiHosts, seconds: float
    ) -> None:
        self.hosts = hosts
        self._client = httpx.AsyncClient(
            # no proxy of the environment and no redirect may get the credentials
            auth=authentication,
            timeout=seconds,
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        await self._client.aclose()

    def build_calling_url(self, path: str) -> str:
        """The address of a route that has to do with calls"""
        return f"{self.hosts.traffic.rstrip('/')}/calling/v1{path}"

    def build_configuration_url(self, path: str) -> str:
        return f"{self.hosts.configuration.rstrip('/')}/v1{path}"

    def build_reporting_url(self, path: str) -> str:
        return f"{self.hosts.reporting.rstrip('/')}/v1{path}"

    async def request_json(
        self, method: str, url: str, body: Any = None, params: Mapping[str, str | int] | None = None
    ) -> Any:
        """The JSON of the answer; `body` is JSON already, or what to make it from"""
        return parse_json(await self.request_bytes(method, url, body, params))

    async def request_bytes(
        self,
        method: str,
        url: str,
        body: Any = None,
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The answer as it came"""
        content = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        kind = {"content-type": CALLING_API_CONTENT_TYPE} if content else {}
        try:
            response = await self._client.request(
                method,
                url,
                content=content,
                params=params or None,
                headers={**(headers or {}), **kind},
            )
        except httpx.HTTPError as error:  # its request carries the credentials: it goes no further
            raise UnreachableApiError(
                0, 0, f"no answer from {httpx.URL(url).host}: {type(error).__name__}"
            ) from None
        if not response.is_success:
            raise to_api_error(response.status_code, response.content)
        return response.content


class ApiRoutes:
    """A group of routes."""

    def __init__(self, wire: ApiTransport) -> None:
        self._transport = wire
