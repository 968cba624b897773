"""Builds the reply to a callback: fits the answer to the platform's limits, sets the cookie, saves
the state.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import perf_counter

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.orchestration.turn import RingBegan
from flowengine.runtime.call_state import Call, encode_call
from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.cookie import COOKIE_KEY, MAX_PAYLOAD_BYTES, Codec
from flowengine.runtime.deduplication import (
    WaitState,
    find_equal_deliveries,
    has_spoken,
    is_overtaken,
    is_repetition,
)
from flowengine.runtime.delivery import DICE_IDENTITY, CallbackDelivery, Reply, is_unanswered
from flowengine.runtime.delivery_log import (
    SETS_COOKIE_FLAG,
    SPOKEN_FLAG,
    append_entry,
    decode_log,
    is_over,
    mark_repeated,
    was_in_flight,
)
from flowengine.runtime.incoming_facts import expand_call_url
from flowengine.runtime.locate import (
    LocatedCall,
    Locator,
    concerns_others,
    find_parking_code,
    find_room_name,
    find_verb,
    is_unanswered_by,
    is_waiting_for_other_menu,
    list_kept_turns,
)
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestrations import Orchestrations
from flowengine.runtime.placements import Placements
from flowengine.runtime.platform_requests import CallOwner
from flowengine.runtime.state_encryption import StateEncryption
from flowengine.runtime.step_outcome import NO_EFFECTS, EffectsOnOthers, Outcome, TraceEntry
from flowengine.runtime.store_failures import DELIVERED_NOT_KEPT, IN_COOKIE_ALONE, note_saved
from flowengine.sinch import CallbackEvent, Dice, Ice
from flowengine.states import NameBindings, StepContext
from flowengine.states.place_plan import list_turns
from flowengine.states.ring_plan import HOST_FACT
from flowengine.storage.sessions import OrchestrationChange, SavedCall, Store, StoreError
from flowengine.svaml import Hangup, SetCookie, encode_svaml

NO_CHANGES: Sequence[OrchestrationChange] = ()
EMPTY_BODY = encode_svaml((), None)
HANGUP_BODY = encode_svaml((), Hangup())
EncodedAnswer = tuple[bytes, SavedCall, str]
"""The body of an answer, the call as it is to be saved, and its state as a cookie, "" where that
does not fit
"""


class Overtaken(msgspec.Struct, frozen=True):
    """Another callback of the call saved `saved` first: run the step again from there."""

    saved: SavedCall


class Replier:
    """Builds replies, and saves the states that they belong to."""

    def __init__(
        self,
        store: Store,
        codec: Codec | None,
        encryption: StateEncryption,
        locator: Locator,
        clock: Callable[[], float],
        log_once: LogOnce,
        orchestrations: Orchestrations | None,
        placements: Placements | None = None,
    ) -> None:
        self._store = store
        self._placements = placements
        self._orchestrations = orchestrations
        self._codec = codec
        self._encryption = encryption
        self._locator = locator
        self._clock = clock
        self._log_once = log_once

    async def save_and_reply(
        self,
        delivery: CallbackDelivery,
        located: LocatedCall,
        saved: SavedCall | None,
        outcome: Outcome,
    ) -> Reply | Overtaken:
        """Save the state, then reply: the server sends an answer only when its state survives a
        killed process. An answer without a call belongs to no state.
        """
        if located.note:
            outcome = _add_note(outcome, located.note)
        call = outcome.call
        if call is None:
            body = encode_svaml(outcome.instructions, outcome.action)
            return _make_reply(body, delivery, located, outcome, "unrouted")
        if call.steps <= located.steps:
            call = replace(call, steps=located.steps + 1)
        answer = self._encode_answer(delivery, located, saved, outcome, call)
        body, made, _ = answer
        event = delivery.event
        try:
            expires = delivery.at + CALL_KEPT_SECONDS
            changes = NO_CHANGES
            if outcome.effects is not NO_EFFECTS or (
                type(event) is Dice and concerns_others(located)
            ):
                changes = self._list_changes(event, located, outcome, call)
            kept = await self._store.save(event.call_id, made, expires, changes)
        except StoreError as error:
            if outcome.effects.has_code and self._orchestrations:
                await self._orchestrations.parkings.note_left(event, outcome.names)
            if type(event) is Dice and self._orchestrations:
                self._orchestrations.missed_ends.set()
            return await self._reply_without_store(delivery, located, outcome, answer, error)
        if self._log_once.has_begun:
            note_saved(self._log_once)
        if kept is not made:
            return await self._give_way(event, outcome, kept)
        failed = call.ended and "apology" in [entry.what for entry in outcome.trace]
        what = "apology" if failed else "answered"
        record = make_record(delivery, located.release.id, outcome, what)
        return Reply(body, record, delivery)

    async def _give_way(self, event: CallbackEvent, outcome: Outcome, kept: SavedCall) -> Overtaken:
        """Nothing of this step was saved, as the call had moved on."""
        if outcome.effects.has_code and self._orchestrations and is_over(kept):
            # its end came between: it has not told the code, which the call had not noted
            await self._orchestrations.parkings.note_left(event, outcome.names)
        return Overtaken(kept)

    def _list_changes(
        self, event: CallbackEvent, located: LocatedCall, outcome: Outcome, call: Call
    ) -> Sequence[OrchestrationChange]:
        """What is saved with this step for orchestrations: that one begins, what is to happen in
        conferences, the calls to place, and that the caller has hung up.
        """
        orchestrations, placements = self._orchestrations, self._placements
        if orchestrations is None or placements is None:
            if outcome.effects is not NO_EFFECTS:
                raise StoreError("flows that call others need a store that all workers share")
            return NO_CHANGES
        changes: list[OrchestrationChange] = []
        effects = outcome.effects
        if effects is not NO_EFFECTS:
            owner = CallOwner(
                event.application_key, expand_call_url(outcome.names.get(HOST_FACT, ""))
            )
            changes += list_queue_changes(orchestrations, event, effects, call)
            changes += orchestrations.rooms.build_updates(
                event.call_id, owner, call.steps, effects.rooms
            )
            changes += [
                placements.build_beginning(plan, owner, event.call_id)
                for plan in effects.placements
            ]
            if effects.ring is not None:
                began = RingBegan(call.steps, effects.ring)
                changes.append(
                    orchestrations.build_beginning(event.call_id, call.release, owner, began)
                )
        if type(event) is Dice:
            changes += list_leavings(orchestrations, event, located)
            turns = [*list_kept_turns(located), *list_turns(effects.placements)]
            changes += [placements.build_waiting(event.application_key, turn) for turn in turns]
        return changes

    async def repeat_if_answered(
        self, delivery: CallbackDelivery, saved: SavedCall, located: LocatedCall
    ) -> Reply | None:
        """The reply to an event that was answered already, or that came too late for the call; None
        for a new event.
        """
        is_elsewhere = is_waiting_for_other_menu(located, delivery.event)
        unanswered = is_unanswered_by(located, delivery.event)
        waiting = WaitState(unanswered, is_elsewhere, located.release.deadline)
        if is_repetition(saved, delivery, waiting) or (
            is_elsewhere and is_overtaken(decode_log(saved), delivery)
        ):
            return await self._repeat_reply(delivery, saved, located)
        return None

    async def _repeat_reply(
        self, delivery: CallbackDelivery, saved: SavedCall, located: LocatedCall
    ) -> Reply | None:
        """The reply to an event that was answered already: the same answer, or the answer of the
        call's present state where the call has moved on. None where no key decrypts it.
        """
        body = self._find_answer(delivery, saved, located)
        if body is None:
            return None
        if any(
            entry.is_undelivered or was_in_flight(entry, delivery)
            for entry in find_equal_deliveries(decode_log(saved), delivery)
        ):
            await self.save_log(delivery.event, saved, mark_repeated(saved, delivery))
        call = self._locator.restore_saved(delivery.event, saved)
        release_id = call.release if call else located.release.id
        record = make_record(delivery, release_id, Outcome(call, (), None, ()), "answered")
        return Reply(body, replace(record, repeated=True))

    async def save_log(self, event: CallbackEvent, saved: SavedCall, log: bytes) -> bool:
        """Save the log of the deliveries of a call, unless the call has moved on meanwhile."""
        made = replace(saved, counter=saved.counter + 1, deliveries=log)
        try:
            kept = await self._store.save(event.call_id, made, self._clock() + CALL_KEPT_SECONDS)
        except StoreError as error:
            self._log_once.error(DELIVERED_NOT_KEPT, error)
            return True
        return kept is made

    def _encode_answer(
        self,
        delivery: CallbackDelivery,
        located: LocatedCall,
        saved: SavedCall | None,
        outcome: Outcome,
        call: Call,
    ) -> EncodedAnswer:
        """Encode the answer, and the call as the store and the cookie keep it."""
        event, action, instructions = delivery.event, outcome.action, outcome.instructions
        secret_flows = located.release.secret_flows
        guarded = secret_flows and (call.stack[0].flow if call.stack else call.flow) in secret_flows
        state = encode_call(call)
        fits, cookie, flags = len(state) <= MAX_PAYLOAD_BYTES, "", 0
        if action is not None:
            flags = SPOKEN_FLAG
            if event.is_awaited and self._codec is not None:
                # An empty cookie replaces an older one, which the platform would send back.
                seal = self._codec.seal if guarded else self._codec.sign
                cookie = seal(state if fits else b"", event.call_id, call.steps)
                instructions += (SetCookie(COOKIE_KEY, cookie),)
                flags = SPOKEN_FLAG | SETS_COOKIE_FLAG
        body = kept_body = encode_svaml(instructions, action)
        log = append_entry(saved, delivery, flags)
        if guarded:
            state = self._encryption.seal_state(
                state, event.call_id, call.steps, cookie if fits else ""
            )
            kept_body = self._encryption.seal_answer(body, event.call_id, call.steps)
        if action is None and type(event) is not Dice:
            # The call still waits in the state that the previous answer led to.
            kept_body = saved.answer if saved is not None else b""
        release = "" if call.ended else call.release
        made = SavedCall(call.steps, state, log, kept_body, delivery.at, release)
        return body, made, cookie if fits else ""

    async def _reply_without_store(
        self,
        delivery: CallbackDelivery,
        located: LocatedCall,
        outcome: Outcome,
        answer: EncodedAnswer,
        error: StoreError,
    ) -> Reply:
        """Reply from the cookie alone while the store fails; raise the error where the cookie
        cannot serve. Where a platform does not send cookies back, the next callback would be
        answered from the store, whose state is older than this answer.
        """
        body, made, cookie = answer
        if not delivery.is_claimed and (again := await self.repeat_ice(delivery, located)):
            return again
        if outcome.effects is not NO_EFFECTS:  # nobody would be called, or somebody for nobody
            raise error
        comes_back = located.steps == 0 or COOKIE_KEY in delivery.event.cookies
        if made.release and not (cookie and comes_back):  # the call goes on
            raise error
        self._log_once.error(IN_COOKIE_ALONE, error)
        reply = _make_reply(body, delivery, located, outcome, "unsaved")
        return replace(reply, delivery=None)

    async def repeat_ice(self, delivery: CallbackDelivery, located: LocatedCall) -> Reply | None:
        """The stored reply to an incoming call, where the store cannot save: a full disk can still
        be read.
        """
        if type(delivery.event) is not Ice:
            return None
        try:
            saved = await self._store.load(delivery.event.call_id)
        except StoreError:
            return None
        if saved is None or not has_spoken(saved):
            return None
        return await self._repeat_reply(delivery, saved, located)

    def _find_answer(
        self, delivery: CallbackDelivery, saved: SavedCall, located: LocatedCall
    ) -> bytes | None:
        event = delivery.event
        if type(event) is not Dice:
            log = decode_log(saved)
            # The answer may have led the call to a state where keys get no answer.
            has_spoken = any(entry.is_spoken for entry in find_equal_deliveries(log, delivery))
            if is_unanswered_by(located, event) and not has_spoken:
                return EMPTY_BODY
            if any(entry.identity == DICE_IDENTITY for entry in log):
                return HANGUP_BODY
        return self._encryption.open_answer(saved.answer, event.call_id) or None


def list_leavings(
    orchestrations: Orchestrations, event: CallbackEvent, located: LocatedCall
) -> list[OrchestrationChange]:
    """What is saved with the end of a call for those whom it called, its code and its conference."""
    changes: list[OrchestrationChange] = []
    call_id, application = event.call_id, event.application_key
    verb = find_verb(located)
    if verb is not None and verb.calls_others:
        changes.append(orchestrations.build_end_of_caller(call_id))
    if code := find_parking_code(located):
        changes.append(orchestrations.parkings.build_leaving(call_id, application, code))
    if room := find_room_name(located, verb):
        changes.append(orchestrations.rooms.build_leaving(call_id, application, room))
    return changes


def list_queue_changes(
    orchestrations: Orchestrations, event: CallbackEvent, effects: EffectsOnOthers, call: Call
) -> list[OrchestrationChange]:
    """What is saved with a step for the queue of a caller, and of agents who sign in or out. A
    caller who begins to wait elsewhere leaves their queue by that.
    """
    changes: list[OrchestrationChange] = []
    if effects.queue_update is not None:
        changes.append(
            orchestrations.build_queue_update(event.call_id, call.steps, effects.queue_update)
        )
    if effects.leaves_queue and effects.ring is None:
        changes.append(orchestrations.build_departure(event.call_id, call.steps))
    if effects.agent_statuses:
        changes.append(
            orchestrations.build_agent_statuses(event.application_key, effects.agent_statuses)
        )
    return changes


def _make_reply(
    body: bytes, delivery: CallbackDelivery, located: LocatedCall, outcome: Outcome, what: str
) -> Reply:
    return Reply(body, make_record(delivery, located.release.id, outcome, what), delivery)


def make_record(
    delivery: CallbackDelivery, release_id: str, outcome: Outcome, what: str
) -> CallbackRecord:
    """The record of a delivery at this moment."""
    seconds = perf_counter() - delivery.started_at
    at = delivery.at or delivery.arrived_at  # a repeated callback may have run no step
    return CallbackRecord(
        delivery.event, release_id, outcome.call, outcome.trace, seconds, delivery.fetch_seconds,
        False, what, at, delivery.performed, outcome.names, delivery.located, delivery.leg,
    )  # fmt: skip


def render_apology(release: Release, event: CallbackEvent) -> bytes:
    """The apology and a hang-up; nothing for events whose answer the platform ignores."""
    if is_unanswered(event):
        return EMPTY_BODY
    run = StepContext(
        event, NameBindings.from_values({}, {}, event, datetime.now(UTC)), release.locale, 0
    )
    return encode_svaml(release.apology.build_instructions(run), Hangup())


def _add_note(outcome: Outcome, note: str) -> Outcome:
    call = outcome.call
    entry = TraceEntry(call.flow if call else "", call.state if call else "", note, is_note=True)
    return replace(outcome, trace=(entry, *outcome.trace))
