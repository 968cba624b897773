"""The Calling API."""

from types import TracebackType
from typing import Self

from flowengine.sinch.client.account import Callbacks, Numbers, Recordings, Reports
from flowengine.sinch.client.authentication import Basic, Signed
from flowengine.sinch.client.calls import Callouts, Calls, Conferences
from flowengine.sinch.client.hosts import Hosts
from flowengine.sinch.client.wire import SECONDS, Wire


class CallingApi:
    """Every route of the platform's Calling, configuration and Reporting APIs, on one pool of
    connections.

    What the platform refuses is raised as an `ApiProblem`, by its kind. Nothing is sent twice:
    after `Unreachable` or a `ServerProblem` a callout may be under way all the same. Phone numbers
    and secrets are in no text of an exception.

    >>> import asyncio
    >>> from flowengine.sinch import Destination
    >>> from flowengine.sinch.client import CallingApi, Hosts, NotFound, Signed, TtsCallout
    >>>
    >>> async def remind() -> None:
    ...     hosts = Hosts.at(switch)  # Hosts.of("euc1") for the platform itself
    ...     async with CallingApi(Signed(key, secret), hosts) as api:
    ...         to = Destination("number", "+46000000000")
    ...         words = "Your table is ready."
    ...         reminder = TtsCallout(destination=to, cli="+46000000001", text=words)
    ...         call = await api.callouts.place(reminder)
    ...         print((await api.calls.info(call)).status)
    ...         await api.calls.update(call, {"action": {"name": "hangup"}})
    ...         try:
    ...             await api.conferences.participants("nobody is here")
    ...         except NotFound as problem:
    ...             print(problem.code, problem.message)
    >>> asyncio.run(remind())
    ONGOING
    40400 Conference not found
    """

    def __init__(
        self,
        authentication: Basic | Signed,
        hosts: Hosts | None = None,
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._wire = wire = Wire(authentication, hosts or Hosts(), seconds)
        self.callouts = Callouts(wire)
        self.calls = Calls(wire)
        self.conferences = Conferences(wire)
        self.numbers = Numbers(wire)
        self.callbacks = Callbacks(wire)
        self.recordings = Recordings(wire)
        self.reports = Reports(wire)

    async def close(self) -> None:
        """Let go of the pool."""
        await self._wire.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
