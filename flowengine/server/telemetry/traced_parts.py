"""Parts of a worker that note in the current trace what they do."""

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from flowengine.runtime.platform_requests import CallOwner, RequestDone, RequestOutcome
from flowengine.runtime.requester import FetchFunction
from flowengine.server.callback import CallbackHandler
from flowengine.server.callback_dispatcher import CallbackRequest
from flowengine.server.orchestration_requests import OrchestrationRequests
from flowengine.server.telemetry.current_trace import (
    CURRENT_TRACE,
    CurrentTrace,
    enter_trace,
    run_in_context,
)
from flowengine.server.telemetry.trace_ids import (
    create_span_id,
    format_traceparent,
)
from flowengine.sinch import CallbackEvent
from flowengine.states import LookupRequest, LookupResult, OwnEvent
from flowengine.storage.sessions import (
    OrchestrationChange,
    OrchestrationStore,
    PendingReport,
    SavedCall,
    Store,
    StoreError,
)

TRACEPARENT = "traceparent"
# of requests that were not sent, as their address is none of the project's, or none at all
UNSENT_ERRORS = frozenset({"not allowed", "cannot be sent"})
ResultT = TypeVar("ResultT")
IsSampled = Callable[[int], bool]
"""Whether the spans of this trace are exported"""


class TracedCallbackHandler(CallbackHandler):
    """Answers each callback with a trace of its own."""

    async def answer_request(self, request: CallbackRequest) -> tuple[int, bytes]:
        answer = super().answer_request(request)
        return await run_in_context(answer, enter_trace(CurrentTrace()))

    def _parse_callback(self, request: CallbackRequest) -> CallbackEvent:
        event = super()._parse_callback(request)
        if (current := CURRENT_TRACE.get()) is not None:
            current.name_call(event.call_id)
        return event

    async def answer_result(self, result: OwnEvent, body: bytes) -> bytes | None:
        answer = super().answer_result(result, body)
        return await run_in_context(answer, enter_trace(CurrentTrace(result.call_id)))


class TracedLookups:
    """Notes each lookup, and hands the trace to the service that is asked."""

    def __init__(self, lookups: FetchFunction, is_sampled: IsSampled) -> None:
        self._lookups = lookups
        self._is_sampled = is_sampled

    async def __call__(self, request: LookupRequest, left: float) -> LookupResult:
        current = CURRENT_TRACE.get()
        if current is None or current.ids is None:
            return await self._lookups(request, left)
        span, trace = create_span_id(), current.ids.trace
        if not any(name.lower() == TRACEPARENT for name in request.headers):
            parent = format_traceparent(trace, span, is_sampled=self._is_sampled(trace))
            request = replace(request, headers={**request.headers, TRACEPARENT: parent})
        begun = time.perf_counter_ns()
        result = await self._lookups(request, left)
        name = f"{request.method} {request.service}"
        attributes = describe_request(request, has_address=result.error not in UNSENT_ERRORS)
        if result.status:
            attributes["http.response.status_code"] = result.status
        error = result.error.partition(":")[0] or (
            str(result.status) if result.status >= 400 else ""
        )
        current.add_client_call(span, name, begun, attributes, error)
        return result


def describe_request(request: LookupRequest, *, has_address: bool) -> dict[str, str | int]:
    """Attributes of a request. The path and the query are left out: they may hold what callers
    entered.
    """
    attributes: dict[str, str | int] = {
        "http.request.method": request.method,
        "flowengine.service": request.service,
    }
    if has_address:
        with suppress(ValueError):  # an address that is none, and that was not tried
            url = urlsplit(request.url)
            port = url.port or (443 if url.scheme == "https" else 80)
            attributes |= {"server.address": url.hostname or "", "server.port": port}
    return attributes


class TracedRequests(OrchestrationRequests):
    """Notes each request to the platform."""

    async def _send(
        self, owner: CallOwner, send: Callable[..., Awaitable[RequestOutcome]]
    ) -> RequestOutcome:
        begun = time.perf_counter_ns()
        outcome = await super()._send(owner, send)
        if (current := CURRENT_TRACE.get()) is not None:
            error = "" if isinstance(outcome, RequestDone) else type(outcome).__name__
            attributes: dict[str, str | int] = {"flowengine.request": send.__name__}
            name = f"platform {send.__name__}"
            current.add_client_call(create_span_id(), name, begun, attributes, error)
        return outcome


class TracedStore:
    """A session store that notes how long it takes for a call."""

    def __init__(self, store: Store, system: str) -> None:
        self._store = store
        self._system = system

    @property
    def orchestrations(self) -> OrchestrationStore | None:
        return self._store.orchestrations

    @property
    def clock(self) -> Callable[[], float]:
        return self._store.clock

    async def update_clock(self) -> None:
        await self._store.update_clock()

    async def load(self, call_id: str) -> SavedCall | None:
        return await self._note("load", self._store.load(call_id))

    async def save(
        self,
        call_id: str,
        saved: SavedCall,
        expires: float,
        changes: Sequence[OrchestrationChange] = (),
    ) -> SavedCall:
        return await self._note("save", self._store.save(call_id, saved, expires, changes))

    async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
        return await self._note("claim", self._store.claim(call_id, key, deadline))

    async def catch_up(self) -> bool:
        return await self._note("catch_up", self._store.catch_up())

    async def check_writable(self) -> None:
        await self._store.check_writable()

    async def add_report(self, report: PendingReport, due: float) -> None:
        await self._note("add_report", self._store.add_report(report, due))

    async def claim_report(
        self, now: float, lease: float, busy: Collection[bytes]
    ) -> PendingReport | None:
        return await self._store.claim_report(now, lease, busy)

    async def settle_report(self, report: PendingReport, due: float | None) -> None:
        await self._store.settle_report(report, due)

    async def find_needed_releases(self) -> set[str]:
        return await self._store.find_needed_releases()

    async def drop_expired(self, now: float) -> int:
        return await self._store.drop_expired(now)

    async def close(self) -> None:
        await self._store.close()

    async def _note(self, operation: str, work: Awaitable[ResultT]) -> ResultT:
        begun, error = time.perf_counter_ns(), ""
        try:
            return await work
        except StoreError as failure:
            error = type(failure).__name__
            raise
        finally:
            if (current := CURRENT_TRACE.get()) is not None:
                attributes: dict[str, str | int] = {
                    "db.system.name": self._system,
                    "db.operation.name": operation,
                }
                name = f"store {operation}"
                current.add_client_call(create_span_id(), name, begun, attributes, error)
