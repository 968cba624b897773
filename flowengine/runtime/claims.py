"""Decides which worker performs the requests of an event when several workers have a delivery of
it.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

import msgspec

from flowengine.limits import FETCH_MARGIN_SECONDS
from flowengine.runtime.deduplication import find_equal_deliveries
from flowengine.runtime.delivery import CallbackDelivery, Reply
from flowengine.runtime.delivery_log import decode_log
from flowengine.runtime.locate import LocatedCall, is_unanswered_by, resumes_on_events
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.reply import Overtaken, Replier
from flowengine.runtime.requester import Requester
from flowengine.runtime.step_outcome import Outcome
from flowengine.runtime.store_failures import UNCLAIMED
from flowengine.storage.sessions import SavedCall, Store, StoreError

CLAIM_POLL_SECONDS = 0.02
REPEATED_FETCH_SECONDS = 1.0  # left for the requests of a worker that was killed


class Claimed(msgspec.Struct, frozen=True):
    """The claim is this worker's: it performs the requests, starting from the state that it loaded."""


class RequestClaims:
    """Lets only one worker perform the requests of an event, by claims in the store that all
    workers share.
    """

    def __init__(
        self,
        store: Store,
        replier: Replier,
        requester: Requester,
        clock: Callable[[], float],
        log_once: LogOnce,
    ) -> None:
        self._store = store
        self._replier = replier
        self._requester = requester
        self._clock = clock
        self._log_once = log_once

    async def perform_requests(
        self,
        delivery: CallbackDelivery,
        located: LocatedCall,
        saved: SavedCall | None,
        outcome: Outcome,
    ) -> Reply | Overtaken | Outcome:
        """Perform the requests of this step and finish it, unless another worker performs them."""
        if not delivery.is_claimed:
            claim = await self._claim_requests(delivery, located, saved)
            if not isinstance(claim, Claimed):
                return claim
        # The requests run in a task of their own: the HTTP client needs one, and the direct
        # protocol may run a callback without a task.
        performing = self._requester.perform_all(delivery, outcome, located.release)
        return await asyncio.create_task(performing)

    async def _claim_requests(
        self, delivery: CallbackDelivery, located: LocatedCall, saved: SavedCall | None
    ) -> Reply | Overtaken | Claimed:
        """Claim the requests of this event. Returns the reply where another worker has answered the
        event, and Overtaken when the call has moved on since this worker loaded it: the step then
        starts again from the newer state, before any request is sent.
        """
        delivery.is_claimed = True
        if saved is not None:
            delivery.equal_events = len(find_equal_deliveries(decode_log(saved), delivery))
        key = build_claim_key(delivery, located)
        limit = self._clock() + located.release.deadline
        # This worker's own wait is by a clock that nobody sets: a step back would prolong it.
        end = monotonic() + compute_claim_patience(located.release.deadline)
        while monotonic() < end:
            try:
                is_free = await self._store.claim(delivery.event.call_id, key, limit)
                if not is_free:
                    await asyncio.sleep(CLAIM_POLL_SECONDS)
                # Load again even when the claim succeeds: the other worker may just have answered
                # and released it.
                saved = await self._store.load(delivery.event.call_id)
            except StoreError as error:
                self._log_once.error(UNCLAIMED, error)
                again = await self._replier.repeat_ice(delivery, located)
                return Claimed() if again is None else again
            if saved is not None and (
                again := await self._replier.repeat_if_answered(delivery, saved, located)
            ):
                return again
            # a claim on a step is over with the step, though it is held until its limit
            is_over = is_free or resumes_on_events(located)
            if saved is not None and saved.counter > located.steps and is_over:
                return Overtaken(saved)
            if is_free:
                return Claimed()
        return Claimed()


def compute_claim_patience(deadline: float) -> float:
    """How long to wait for a claim that another worker has. That one may have been killed: then the
    platform has sent the event again, and there must be time left for the request and the answer.
    """
    return max(deadline / 2, deadline - FETCH_MARGIN_SECONDS - REPEATED_FETCH_SECONDS)


def build_claim_key(delivery: CallbackDelivery, located: LocatedCall) -> bytes:
    """The key of the claim on the requests of an event. Where any of several events lets the call
    go on, such as the hang-up in a menu and the end of the call, they share one claim: the first
    makes the requests, and the others find that the call has moved on.
    """
    if resumes_on_events(located):
        return b"step %d" % located.steps
    return delivery.build_claim_key(is_unanswered=is_unanswered_by(located, delivery.event))
