"""The idempotent loop around the step: for one event the call moves on once and each request is
sent once, even when the loop runs several times.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeGuard

from flowengine.limits import MAX_STEP_RETRIES
from flowengine.runtime.call_state import Call
from flowengine.runtime.claims import RequestClaims
from flowengine.runtime.cookie import COOKIE_KEY
from flowengine.runtime.delivery import CallbackDelivery, Reply
from flowengine.runtime.delivery_log import may_hold
from flowengine.runtime.leg_answers import LegAnswers, is_leg_row
from flowengine.runtime.leg_token import LEG_TOKEN_PREFIX, TOKEN_PREFIXES
from flowengine.runtime.locate import (
    LocatedCall,
    Locator,
    discard_state,
    is_doubtful,
    is_waiting_for_other_menu,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.placement_answers import PlacementAnswers, is_placed_row
from flowengine.runtime.reply import Overtaken, Replier
from flowengine.runtime.requester import Requester
from flowengine.runtime.step import step
from flowengine.runtime.step_outcome import Outcome, TraceEntry
from flowengine.runtime.step_start import answers_own_menu
from flowengine.runtime.store_failures import WITHOUT_STORE
from flowengine.sinch import CallbackEvent, Ice, Pie
from flowengine.storage.sessions import SavedCall, Store, StoreError

_TRIES = range(MAX_STEP_RETRIES)


class StepDriver:
    """Answers deliveries. Each delivery runs in its own task."""

    def __init__(
        self,
        store: Store,
        locator: Locator,
        replier: Replier,
        requester: Requester,
        clock: Callable[[], float],
        log_once: LogOnce,
        legs: LegAnswers | None,
        placed_calls: PlacementAnswers | None,
        create_trace: Callable[[], list[TraceEntry]],
    ) -> None:
        self._store = store
        self._legs = legs
        self._placed_calls = placed_calls
        self._locator = locator
        self._replier = replier
        self._clock = clock
        self._log_once = log_once
        self._create_trace = create_trace
        self._claims = RequestClaims(store, replier, requester, clock, log_once)

    async def answer_once(self, delivery: CallbackDelivery) -> Reply:
        """Run `step` on the stored state, and again while another callback of the same call saves
        first.
        """
        event = delivery.event
        if event.custom and event.custom.startswith(TOKEN_PREFIXES):
            reply = await self._answer_token(delivery)
            if reply is not None:
                return reply
            event = delivery.event
        saved = None
        # An incoming call is taken as new without reading the store: saving fails where the call
        # exists, as long as no cookie says that it has gone further.
        if type(event) is not Ice or COOKIE_KEY in event.cookies:
            try:
                saved = await self._store.load(event.call_id)
            except StoreError as error:
                self._use_cookie_alone(event, error)
        for _ in _TRIES:
            located = self._locator.find_call(event, saved)
            if type(located) is not LocatedCall or not is_undisputed(delivery, saved, located):
                saved, located, again = await self._locate_disputed_call(delivery, saved, located)
                if again is not None:
                    return again
                event = delivery.event
            delivery.located = located
            delivery.at = at = self._clock()
            now, trace = datetime.fromtimestamp(at, UTC), self._create_trace()
            outcome = step(located.release, located.call, event, now, located.lost_flow, trace)
            if outcome.waiting is None:
                result = await self._replier.save_and_reply(delivery, located, saved, outcome)
            else:
                result = await self._request_and_reply(delivery, located, saved, outcome)
            if type(result) is Reply:
                return result
            saved = result.saved
        raise RuntimeError("other callbacks of this call were always first")

    async def _request_and_reply(
        self,
        delivery: CallbackDelivery,
        located: LocatedCall,
        saved: SavedCall | None,
        outcome: Outcome,
    ) -> Reply | Overtaken:
        """Perform the requests of a step, then save and reply, unless another worker does."""
        performed = await self._claims.perform_requests(delivery, located, saved, outcome)
        if type(performed) is Outcome:
            return await self._replier.save_and_reply(delivery, located, saved, performed)
        return performed

    async def _answer_token(self, delivery: CallbackDelivery) -> Reply | None:
        """The reply to a callback of a call that flowengine has placed; None where a flow answers."""
        if delivery.event.custom.startswith(LEG_TOKEN_PREFIX):
            return await self._legs.answer_leg(delivery) if self._legs is not None else None
        if self._placed_calls is None:
            return None
        return await self._placed_calls.answer_placed(delivery)

    async def _locate_disputed_call(
        self, delivery: CallbackDelivery, saved: SavedCall | None, located: LocatedCall | Call
    ) -> tuple[SavedCall | None, LocatedCall, Reply | None]:
        """The stored state and the located call; or the reply to an event that was answered
        already.
        """
        event = delivery.event
        while True:
            if not isinstance(located, LocatedCall):
                located = await self._locator.load_release(located)
            if saved is not None and self._legs is not None and is_leg_row(saved):
                return saved, located, await self._legs.answer_saved_leg(delivery, saved)
            if saved is not None and self._placed_calls is not None and is_placed_row(saved):
                reply = await self._placed_calls.answer_saved_call(delivery, saved)
                return saved, LocatedCall(None, located.release, saved.counter), reply
            is_elsewhere = saved is not None and is_waiting_for_other_menu(located, event)
            if may_hold_answer(saved, delivery, is_elsewhere=is_elsewhere):
                again = await self._replier.repeat_if_answered(delivery, saved, located)
                if again is not None:
                    return saved, located, again
                if is_elsewhere and self._locator.can_ask_again(located, event, saved):
                    return saved, located, None
            is_uncertain = is_elsewhere or is_doubtful(located, event)
            if not is_uncertain or not await self._catch_up_once(delivery):
                return saved, discard_state(located) if is_elsewhere else located, None
            try:
                saved = await self._store.load(event.call_id)
            except StoreError as error:
                self._use_cookie_alone(event, error)
                saved = None
            located = self._locator.find_call(event, saved)

    async def _catch_up_once(self, delivery: CallbackDelivery) -> bool:
        """Whether the store may have a newer state by now; at most once for a delivery."""
        if delivery.has_caught_up or not await self._store.catch_up():
            return False
        delivery.has_caught_up = True
        return True

    def _use_cookie_alone(self, event: CallbackEvent, error: StoreError) -> None:
        """Go on although the store fails, where the cookie has the state; else raise the error."""
        if not self._locator.is_state_in_cookie(event):
            raise error
        self._log_once.error(WITHOUT_STORE, error)


def may_hold_answer(
    saved: SavedCall | None, delivery: CallbackDelivery, *, is_elsewhere: bool
) -> TypeGuard[SavedCall]:
    """Whether the store may hold an answer for this delivery. `is_elsewhere` says that the delivery
    answers another menu than the one that the call waits in.
    """
    return saved is not None and (
        is_elsewhere or type(delivery.event) is Ice or may_hold(saved, delivery.identity)
    )


def is_undisputed(
    delivery: CallbackDelivery, saved: SavedCall | None, located: LocatedCall
) -> bool:
    """Whether this is certainly the next event of the call, as nearly all are. Then each check of
    `_locate_disputed_call` would say no, so the driver skips them.
    """
    event, call = delivery.event, located.call
    if type(event) is Ice:
        return saved is None
    if call is None or (saved is not None and may_hold(saved, delivery.identity)):
        return False
    if type(event) is not Pie or answers_own_menu(call, event):
        return True
    return event.menu_id == "main" and COOKIE_KEY in event.cookies
