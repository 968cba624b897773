"""Placements in simulated calls: carries out in virtual time, and in memory, what the server does by
its store and the platform's API.
"""

from functools import partial
from typing import Protocol

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.orchestration.leg_messages import (
    HANG_UP_REQUEST,
    build_leg_request,
    encode_verdict,
)
from flowengine.orchestration.matching import Queue
from flowengine.orchestration.placement import conduct_placement
from flowengine.orchestration.placement_state import Placement
from flowengine.orchestration.placement_turn import (
    AskingCallEnded,
    BeginFlow,
    FreeMember,
    PlacementBegan,
    PlacementEffect,
    PlacementEvent,
    PlacementRefused,
    PlacementVerdict,
)
from flowengine.orchestration.turn import (
    CancelLeg,
    CancelTimer,
    DialMember,
    EndLeg,
    EndWait,
    EnterQueue,
    HangUpLeg,
    PlaceLeg,
    SetTimer,
    TimerDue,
)
from flowengine.runtime.calling_hours import ReleaseHours
from flowengine.runtime.callout_data import build_callout_data, encode_callout_data
from flowengine.runtime.leg_token import PLACED_TOKEN_PREFIX
from flowengine.runtime.placement_answers import encode_dial, read_placed_event
from flowengine.runtime.queues import choose_queue
from flowengine.scenarios.simulated_queues import QueueSimulator
from flowengine.sinch import CallbackEvent
from flowengine.states import PlacementPlan
from flowengine.switch.api_error import ApiError
from flowengine.switch.clock import Timer
from flowengine.switch.exchange import Exchange

INVALID_API_CODE = 40001


class ReleaseHolder(Protocol):
    """Who knows the release by which calls are answered now."""

    release: Release


class SimulatedPlacement(msgspec.Struct):
    """One placement, with the call that has asked for it, "" where none has, its timers, and the
    request that is about to be sent.
    """

    application: str
    placement: Placement
    caller: str = ""
    timers: dict[str, Timer] = msgspec.field(default_factory=dict)
    placing: Timer | None = None


class PlacementSimulator:
    """Conducts the placements of all calls of an exchange. `calls` are those that were placed, with
    the placement and the attempt that each is of.
    """

    def __init__(self, exchange: Exchange, releases: ReleaseHolder, queues: QueueSimulator) -> None:
        self.exchange = exchange
        self.placements: dict[str, SimulatedPlacement] = {}
        self.calls: dict[str, tuple[str, int]] = {}
        self._releases = releases
        self._hours = ReleaseHours(lambda: releases.release)
        self._queues = queues
        queues.notify_call_back = self._handle_soon

    @property
    def plans(self) -> list[PlacementPlan]:
        """What was asked for, in order."""
        return [one.placement.plan for one in self.placements.values()]

    def begin(self, call_id: str, plan: PlacementPlan) -> None:
        """Place what a call has asked for. The same key places nothing twice."""
        if plan.id in self.placements:
            return
        application = self.exchange.calls[call_id].application_key
        placement = Placement(id=plan.id, plan=plan)
        self.placements[plan.id] = SimulatedPlacement(application, placement, call_id)
        began = PlacementBegan(plan, self._now())
        self.exchange.clock.call_later(0.0, lambda: self._handle_event(plan.id, began))

    def handle_caller_left(self, call_id: str) -> None:
        """Let the placements go on that this call has asked for."""
        for placement_id, known in self.placements.items():
            if known.caller == call_id:
                self._handle_soon(placement_id, AskingCallEnded())

    def expect_call(self, application: str, plan: PlacementPlan) -> str:
        """The text by which a call is known that is placed for this plan from outside."""
        placement = Placement(
            id=plan.id, plan=plan, phase="placed", began_at=self._now(), attempts=1, tries=1
        )
        self.placements[plan.id] = SimulatedPlacement(application, placement)
        return format_custom(plan.id, 1)

    def is_awaited(self, address: str) -> bool:
        """Whether somebody at this address is yet to be called."""
        waiting = [one.placement for one in self.placements.values()]
        return any(
            one.phase in ("new", "waits", "queued", "placed") and address == one.plan.to.address
            for one in waiting
        )

    def is_detecting(self) -> bool:
        """Whether somebody has answered, and the platform has not said so yet."""
        ringing = [
            one.placement.call_id
            for one in self.placements.values()
            if one.placement.phase == "rings"
        ]
        calls = [self.exchange.calls[call] for call in ringing if call in self.exchange.calls]
        return any(one.answered_at is not None and one.ended is None for one in calls)

    def answer_call(self, event: CallbackEvent) -> CallbackEvent | bytes:
        """The answer to a callback of a placed call; or the event for its flow."""
        found = self.calls.get(event.call_id) or parse_custom(event.custom)
        if found is None or found[0] not in self.placements:
            return event
        self.calls[event.call_id] = found
        placement_id, attempt = found
        event = replace(event, custom="")
        asked = read_placed_event(event, attempt)
        if asked is None:
            return event
        verdict = self._take_turn(placement_id, asked)
        plan = self.placements[placement_id].placement.plan
        if isinstance(verdict, BeginFlow):
            handed = build_callout_data(plan)
            return replace(event, custom=encode_callout_data(handed).decode())
        if isinstance(verdict, DialMember):
            program = self._releases.release.programs[plan.flow]
            return encode_dial(verdict, asks_who=bool(program.answered_by_machine))
        if isinstance(verdict, EndLeg):
            return encode_verdict(verdict)
        return event

    def _now(self) -> float:
        return self.exchange.clock.now().timestamp()

    def _handle_soon(self, placement_id: str, event: PlacementEvent) -> None:
        self.exchange.clock.call_later(0.0, lambda: self._handle_event(placement_id, event))

    def _handle_event(self, placement_id: str, event: PlacementEvent) -> None:
        self._take_turn(placement_id, event)

    def _take_turn(self, placement_id: str, event: PlacementEvent) -> PlacementVerdict | None:
        known = self.placements[placement_id]
        turn = conduct_placement(known.placement, event, self._now(), self._hours)
        known.placement = turn.placement or known.placement
        for effect in turn.effects:
            self._apply_effect(placement_id, known, effect)
        return turn.verdict

    def _apply_effect(
        self, placement_id: str, known: SimulatedPlacement, effect: PlacementEffect
    ) -> None:
        call_later = self.exchange.clock.call_later
        match effect:
            case SetTimer(key=key, seconds=seconds):
                self._cancel_timer(known, key)
                due = partial(self._handle_event, placement_id, TimerDue(key))
                known.timers[key] = call_later(seconds, due)
            case CancelTimer(key=key):
                self._cancel_timer(known, key)
            case PlaceLeg():
                known.placing = call_later(
                    0.0, partial(self._place_call, placement_id, known, effect)
                )
            case CancelLeg():
                if known.placing is not None:
                    known.placing.cancel()
            case HangUpLeg(call_id=call):
                call_later(0.0, partial(self._hang_up, call))
            case _:
                self._apply_queue_effect(known.placement, effect)

    def _apply_queue_effect(
        self, placement: Placement, effect: EnterQueue | EndWait | FreeMember
    ) -> None:
        turn = placement.plan.turn
        match effect:
            case EndWait(group=group):
                self._queues.remove_call_back(placement.id, group)
            case FreeMember(member=member):
                self._queues.free_member(member, placement.id)
            case EnterQueue() if turn is not None:
                queue = choose_queue(None, self._releases.release.groups.get(turn.group))
                self._queues.add_call_back(placement, turn, queue or Queue(turn.group))

    def _cancel_timer(self, known: SimulatedPlacement, key: str) -> None:
        if key in known.timers:
            known.timers.pop(key).cancel()

    def _place_call(self, placement_id: str, known: SimulatedPlacement, wanted: PlaceLeg) -> None:
        custom = format_custom(placement_id, wanted.attempt)
        request = build_leg_request(wanted.member, wanted.cli, custom)
        try:
            call = self.exchange.callout(known.application, request)
        except ApiError as error:
            is_invalid = error.code == INVALID_API_CODE
            refused = PlacementRefused(wanted.attempt, str(error), is_invalid)
            self._take_turn(placement_id, refused)
            return
        self.calls[call] = (placement_id, wanted.attempt)

    def _hang_up(self, call: str) -> None:
        known = self.exchange.calls.get(call)
        if known is not None and known.ended is None:
            known.patch(HANG_UP_REQUEST)


def format_custom(placement_id: str, attempt: int) -> str:
    return f"{PLACED_TOKEN_PREFIX}{placement_id} {attempt}"


def parse_custom(custom: str) -> tuple[str, int] | None:
    """The placement and the attempt of a call that was placed here."""
    if not custom.startswith(PLACED_TOKEN_PREFIX):
        return None
    placement_id, _, attempt = custom.removeprefix(PLACED_TOKEN_PREFIX).partition(" ")
    return placement_id, int(attempt)
