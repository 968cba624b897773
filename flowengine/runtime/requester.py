"""Performs the requests of a step: the lookups and reports of a flow."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from flowengine.compile import Release
from flowengine.cooperative import waiting_on_io
from flowengine.limits import FETCH_MARGIN_SECONDS
from flowengine.runtime.delivery import CallbackDelivery, is_unique_stamp
from flowengine.runtime.orchestrations import Orchestrations
from flowengine.runtime.outbox import Outbox, needs_retry
from flowengine.runtime.step import resume
from flowengine.runtime.step_outcome import Outcome, PendingRequest, Place
from flowengine.sinch import CallbackEvent, Pie
from flowengine.states import LookupRequest, LookupResult

PerformedRequest = tuple[LookupRequest, LookupResult]
FetchFunction = Callable[[LookupRequest, float], Awaitable[LookupResult]]
IDEMPOTENCY_KEY = "idempotency-key"
_IDEMPOTENCY_KEY_BYTES = 16


class Requester:
    """Performs each request once per event; `outbox` keeps the reports that failed, and
    `orchestrations` answer those that are for a queue, or for a code of parked calls.
    """

    def __init__(
        self,
        fetch: FetchFunction,
        outbox: Outbox | None,
        orchestrations: Orchestrations | None = None,
    ) -> None:
        self._fetch = fetch
        self._outbox = outbox
        self._orchestrations = orchestrations

    async def perform_all(
        self, delivery: CallbackDelivery, outcome: Outcome, release: Release
    ) -> Outcome:
        """Perform the requests of a step one after the other, within the deadline of the callback,
        and return its outcome.
        """
        earlier = list(zip(delivery.places, delivery.performed, strict=True))
        while outcome.waiting is not None:
            asked = time.perf_counter()
            left = release.deadline - FETCH_MARGIN_SECONDS - (asked - delivery.started_at)
            fetched = take_earlier_result(earlier, outcome.waiting)
            if fetched is None:
                fetched = await self._perform_request(delivery, outcome.waiting, left)
            delivery.fetch_seconds += time.perf_counter() - asked
            outcome = resume(outcome.waiting, fetched)
        return outcome

    async def _perform_request(
        self, delivery: CallbackDelivery, waiting: PendingRequest, left: float
    ) -> LookupResult:
        request = waiting.request
        if request.queue is not None or request.parking is not None:
            fetched = await self._ask_orchestrations(delivery.event, request)
            delivery.places.append(waiting.place)
            delivery.performed.append((request, fetched))
            return fetched
        sent = add_idempotency_key(request, delivery)
        with waiting_on_io():
            fetched = (
                await self._fetch(sent, left) if left > 0 else LookupResult(0, error="timeout")
            )
        delivery.places.append(waiting.place)
        delivery.performed.append((request, fetched))
        is_report = is_caller_gone(delivery.event) and needs_retry(request, fetched)
        if self._outbox is not None and is_report:
            await self._outbox.keep_report(sent)
        return fetched

    async def _ask_orchestrations(
        self, event: CallbackEvent, request: LookupRequest
    ) -> LookupResult:
        orchestrations, key = self._orchestrations, event.application_key
        if orchestrations is None:
            return LookupResult(0, error="queues need a session store that other workers can read")
        if request.parking is not None:
            return await orchestrations.parkings.answer_request(key, event.call_id, request.parking)
        assert request.queue is not None  # noqa: S101  # it is for one of the two
        if request.queue.leaving_step:
            return await orchestrations.answer_leaving(event.call_id, request.queue.leaving_step)
        return await orchestrations.queues.answer_request(key, event.call_id, request.queue)


def is_caller_gone(event: CallbackEvent) -> bool:
    """Whether nobody on the line hears what becomes of the request."""
    return not event.is_awaited or (type(event) is Pie and event.type == "hangup")


def take_earlier_result(
    earlier: list[tuple[Place, PerformedRequest]], waiting: PendingRequest
) -> LookupResult | None:
    """Take the result of this request out of the list, where an earlier run of the step made the
    request.

    Another callback of the call may have changed a value in the request. A report is not sent again
    for that: one event makes one report. A lookup is sent again, as the result may differ.
    """
    request = waiting.request
    for index, (place, (known, result)) in enumerate(earlier):
        is_same_kind = (known.service, known.method) == (request.service, request.method)
        if place == waiting.place and is_same_kind and (known == request or known.method != "GET"):
            del earlier[index]
            return result
    return None


def add_idempotency_key(request: LookupRequest, delivery: CallbackDelivery) -> LookupRequest:
    """Add an idempotency key to the request unless it has one. The key is the same each time the
    request is made for this event: at a retry, and by another worker after the first was killed.
    """
    if request.method == "GET" or any(name.lower() == IDEMPOTENCY_KEY for name in request.headers):
        return request
    earlier = sum(known == request for known, _ in delivery.performed)
    event = delivery.equal_events
    if type(delivery.event) is Pie and is_unique_stamp(delivery.stamp):
        event = delivery.stamp
    elif type(delivery.event) is Pie and delivery.is_unanswered:
        # Keys in a conference come fast: several callbacks may be in flight from the same state.
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
