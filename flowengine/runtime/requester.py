"""Performs the requests of a step: what a flow asks or tells other systems."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from flowengine.compile import Release
from flowengine.cooperative import waiting_on_io
from flowengine.limits import FETCH_MARGIN_SECONDS
from flowengine.runtime.delivery import CallbackDelivery, is_unique_stamp
from flowengine.runtime.outbox import Outbox, needs_retry
from flowengine.runtime.step import resume
from flowengine.runtime.step_outcome import Outcome
from flowengine.sinch import Pie
from flowengine.states import LookupRequest, LookupResult

FetchFunction = Callable[[LookupRequest, float], Awaitable[LookupResult]]
IDEMPOTENCY_KEY = "idempotency-key"
_IDEMPOTENCY_KEY_BYTES = 16


class Requester:
    """Performs requests, each once for its event; `outbox` keeps reports that could not be made."""

    def __init__(self, fetch: FetchFunction, outbox: Outbox | None) -> None:
        self._fetch = fetch
        self._outbox = outbox

    async def perform_all(
        self, delivery: CallbackDelivery, outcome: Outcome, release: Release
    ) -> Outcome:
        """Perform the requests of a step, one after the other, within the callback's deadline."""
        known = list(delivery.performed)
        while outcome.waiting is not None:
            asked = time.perf_counter()
            left = release.deadline - FETCH_MARGIN_SECONDS - (asked - delivery.started_at)
            fetched = await self._perform_request(delivery, known, outcome.waiting.request, left)
            delivery.fetch_seconds += time.perf_counter() - asked
            outcome = resume(outcome.waiting, fetched)
        return outcome

    async def _perform_request(
        self,
        delivery: CallbackDelivery,
        performed: list[tuple[LookupRequest, LookupResult]],
        request: LookupRequest,
        seconds_left: float,
    ) -> LookupResult:
        """The outcome of a request; the one known already where this step was taken before."""
        if performed and performed[0][0] == request:
            return performed.pop(0)[1]
        performed.clear()
        sent = add_idempotency_key(request, delivery)
        with waiting_on_io():
            fetched = (
                await self._fetch(sent, seconds_left)
                if seconds_left > 0
                else LookupResult(0, error="timeout")
            )
        delivery.performed.append((request, fetched))
        is_report = not delivery.event.is_awaited and needs_retry(request, fetched)
        if self._outbox is not None and is_report:
            await self._outbox.keep_report(sent)
        return fetched


def add_idempotency_key(request: LookupRequest, delivery: CallbackDelivery) -> LookupRequest:
    """The request with a header by which its receiver can know it again, unless it has one.

    It is the same whenever this request is made for this event: tried again, or by another worker
    as the first one was killed.
    """
    if request.method == "GET" or any(name.lower() == IDEMPOTENCY_KEY for name in request.headers):
        return request
    earlier = sum(known == request for known, _ in delivery.performed)
    event = delivery.equal_events
    if type(delivery.event) is Pie and is_unique_stamp(delivery.stamp):
        event = delivery.stamp
    elif type(delivery.event) is Pie and delivery.is_unanswered:
        # Keys in a conference come fast, so that several may be under way from the same state.
        event = round(delivery.arrived_at * 1_000_000)
    parts = (
        delivery.event.call_id.encode("utf-8", "surrogatepass"),
        delivery.identity,
        b"%d %d" % (event, earlier),
        f"{request.service} {request.method} {request.url}".encode("utf-8", "surrogatepass"),
        request.body,
    )
    key = hashlib.blake2b(digest_size=_IDEMPOTENCY_KEY_BYTES)
    for part in parts:
        key.update(b"%d:%b" % (len(part), part))
    return replace(request, headers={**request.headers, IDEMPOTENCY_KEY: key.hexdigest()})
