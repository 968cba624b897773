"""The idempotent loop around the step: however often it is run for one event, the call goes on
once, and each request is made once.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from flowengine.limits import MAX_STEP_RETRIES
from flowengine.runtime.deduplication import (
    WaitState,
    find_equal_deliveries,
    is_overtaken,
    is_repetition,
)
from flowengine.runtime.delivery import CallbackDelivery, Reply
from flowengine.runtime.delivery_log import decode_log, may_hold
from flowengine.runtime.locate import (
    LocatedCall,
    Locator,
    discard_state,
    is_doubtful,
    is_unanswered_by,
    is_waiting_for_other_menu,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.reply import Answered, Overtaken, Replier
from flowengine.runtime.requester import Requester
from flowengine.runtime.step import step
from flowengine.runtime.step_outcome import Outcome
from flowengine.sinch import Ice
from flowengine.storage.sessions import SavedCall, Store, StoreError

CLAIM_POLL_SECONDS = 0.02


class Claimed(msgspec.Struct, frozen=True):
    """The requests of this delivery are its own to make, from the state that was found."""


class StepDriver:
    """Answers one delivery at a time, in as many tasks as there are deliveries."""

    def __init__(
        self,
        store: Store,
        locator: Locator,
        replier: Replier,
        requester: Requester,
        clock: Callable[[], float],
        log_once: LogOnce,
    ) -> None:
        self._store = store
        self._locator = locator
        self._replier = replier
        self._requester = requester
        self._clock = clock
        self._log_once = log_once

    async def answer_once(self, delivery: CallbackDelivery) -> Reply:
        """Step from what is saved, as often as another callback of this call has saved something
        else in the meantime.
        """
        event = delivery.event
        # One that rings is taken for new: nothing of it need be read, and where it is not new saving
        # tells.
        saved = None if type(event) is Ice else await self._load_saved(delivery)
        for _ in range(MAX_STEP_RETRIES):
            saved, located, again = await self._locate(delivery, saved)
            if again is not None:
                return again
            delivery.located, delivery.at = located, self._clock()
            now = datetime.fromtimestamp(delivery.at, UTC)
            outcome = step(located.release, located.call, event, now, located.gone)
            if outcome.waiting is not None:
                performed = await self._perform_requests(delivery, located, saved, outcome)
                if isinstance(performed, Answered):
                    return performed.reply
                if isinstance(performed, Overtaken):
                    saved = performed.saved
                    continue
                outcome = performed
            kept = await self._replier.save_and_reply(delivery, located, saved, outcome)
            if isinstance(kept, Answered):
                return kept.reply
            saved = kept.saved
        raise RuntimeError("other callbacks of this call were always first")

    async def _locate(
        self, delivery: CallbackDelivery, saved: SavedCall | None
    ) -> tuple[SavedCall | None, LocatedCall, Reply | None]:
        """What is saved of the call, and the call as that says; or the reply to an event that was
        answered already.
        """
        event = delivery.event
        while True:
            located = self._locator.find_call(event, saved)
            if not isinstance(located, LocatedCall):
                located = await self._locator.load_release(located)
            is_elsewhere = saved is not None and is_waiting_for_other_menu(located, event)
            if saved is not None and (
                is_elsewhere or type(event) is Ice or may_hold(saved, delivery.identity)
            ):
                again = await self._repeat_reply(delivery, saved, located)
                if again is not None:
                    return saved, located, again
                if is_elsewhere and self._locator.can_ask_again(located, event, saved):
                    return saved, located, None
            may_wait = not delivery.has_caught_up and (is_elsewhere or is_doubtful(located, event))
            if not may_wait or not await self._store.catch_up():
                return saved, discard_state(located) if is_elsewhere else located, None
            delivery.has_caught_up = True
            saved = await self._load_saved(delivery)

    async def _load_saved(self, delivery: CallbackDelivery) -> SavedCall | None:
        """What is saved of the call; nothing where the store fails and the state is in a cookie."""
        try:
            return await self._store.load(delivery.event.call_id)
        except StoreError as error:
            if not self._locator.is_state_in_cookie(delivery.event):
                raise
            self._log_once.error("calls go on without the store: %s", error)
            return None

    async def _repeat_reply(
        self, delivery: CallbackDelivery, saved: SavedCall, located: LocatedCall
    ) -> Reply | None:
        """The reply to an event that was answered already, or that the call has gone on without."""
        is_elsewhere = is_waiting_for_other_menu(located, delivery.event)
        unanswered = is_unanswered_by(located, delivery.event)
        waiting = WaitState(unanswered, is_elsewhere, located.release.deadline)
        if is_repetition(saved, delivery, waiting) or (
            is_elsewhere and is_overtaken(decode_log(saved), delivery)
        ):
            return await self._replier.repeat_reply(delivery, saved, located)
        return None

    async def _perform_requests(
        self,
        delivery: CallbackDelivery,
        located: LocatedCall,
        saved: SavedCall | None,
        outcome: Outcome,
    ) -> Answered | Overtaken | Outcome:
        """Make the requests of this step, unless another worker makes them, and carry it on."""
        if not delivery.is_claimed:
            claim = await self._claim_requests(delivery, located, saved)
            if not isinstance(claim, Claimed):
                return claim
        # A task of its own, as requests count on running in one, and whoever awaits an answer may
        # drive it without.
        performing = self._requester.perform_all(delivery, outcome, located.release)
        return await asyncio.create_task(performing)

    async def _claim_requests(
        self, delivery: CallbackDelivery, located: LocatedCall, saved: SavedCall | None
    ) -> Answered | Overtaken | Claimed:
        """Make sure that only one worker performs the requests of this event.

        Answered: another one has. Overtaken: the call has gone on since it was found, and the step
        is to be taken from there before anything is asked.
        """
        delivery.is_claimed = True
        if saved is not None:
            delivery.equal_events = len(find_equal_deliveries(decode_log(saved), delivery))
        key = delivery.build_claim_key(is_unanswered=is_unanswered_by(located, delivery.event))
        limit = self._clock() + located.release.deadline
        while self._clock() < limit:
            try:
                is_free = await self._store.claim(delivery.event.call_id, key, limit)
                if not is_free:
                    await asyncio.sleep(CLAIM_POLL_SECONDS)
                # Also when it is free: the other may just have answered.
                saved = await self._store.load(delivery.event.call_id)
            except StoreError as error:
                self._log_once.error("calls ask other systems without a claim: %s", error)
                again = await self._replier.repeat_ice(delivery, located)
                return Claimed() if again is None else Answered(again)
            if saved is not None and (again := await self._repeat_reply(delivery, saved, located)):
                return Answered(again)
            if is_free:
                overtaken = saved is not None and saved.counter > located.steps
                return Overtaken(saved) if saved is not None and overtaken else Claimed()
        return Claimed()
