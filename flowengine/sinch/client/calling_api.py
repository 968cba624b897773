"""The Calling API."""

from types import TracebackType
from typing import Self

from flowengine.sinch.client.account_routes import (
    CallbackRoutes,
    NumberRoutes,
    RecordingRoutes,
    ReportRoutes,
)
from flowengine.sinch.client.api_transport import API_TIMEOUT_SECONDS, ApiTransport
from flowengine.sinch.client.authentication import BasicAuth, SignedAuth
from flowengine.sinch.client.call_routes import Callouts, Calls, Conferences
from flowengine.sinch.client.hosts import ApiHosts


class CallingApi:
    """Every route of the platform's Calling, configuration and Reporting APIs, on one pool of
    connections.

    A refused request raises the `CallingApiError` of its kind. Nothing is sent twice: after
    `UnreachableApiError` or a `ServerError` a callout may have been placed all the same. No text of
    an exception holds phone numbers or secrets.

    >>> import asyncio
    >>> from flowengine.sinch import CallTarget
    >>> from flowengine.sinch.client import CallingApi, ApiHosts, NotFoundError, SignedAuth, TtsCallout
    >>>
    >>> async def remind() -> None:
    ...     hosts = ApiHosts.from_base_url(switch)  # ApiHosts.from_region("euc1") for the platform itself
    ...     async with CallingApi(SignedAuth(key, secret), hosts) as api:
    ...         to = CallTarget("number", "+46000000000")
    ...         words = "Your table is ready."
    ...         reminder = TtsCallout(destination=to, cli="+46000000001", text=words)
    ...         call = await api.callouts.place(reminder)
    ...         print((await api.calls.get_info(call)).status)
    ...         await api.calls.update(call, {"action": {"name": "hangup"}})
    ...         try:
    ...             await api.conferences.list_participants("nobody is here")
    ...         except NotFoundError as problem:
    ...             print(problem.code, problem.message)
    >>> asyncio.run(remind())
    ONGOING
    40400 Conference not found
    """

    def __init__(
        self,
        authentication: BasicAuth | SignedAuth,
        hosts: ApiHosts | None = None,
        *,
        seconds: float = API_TIMEOUT_SECONDS,
    ) -> None:
        self._transport = wire = ApiTransport(authentication, hosts or ApiHosts(), seconds)
        self.callouts = Callouts(wire)
        self.calls = Calls(wire)
        self.conferences = Conferences(wire)
        self.numbers = NumberRoutes(wire)
        self.callbacks = CallbackRoutes(wire)
        self.recordings = RecordingRoutes(wire)
        self.reports = ReportRoutes(wire)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
