"""Rings in simulated calls: carries out in virtual time, and in memory, what the server does by its
store and the platform's API.
"""

from collections.abc import Callable
from functools import partial

import msgspec

from flowengine.orchestration.conductor import conduct
from flowengine.orchestration.leg_messages import (
    HANG_UP_REQUEST,
    PARK_REQUEST,
    build_leg_request,
    encode_verdict,
    read_leg_event,
)
from flowengine.orchestration.queue_turn import ANNOUNCE_TIMER
from flowengine.orchestration.ring_state import Ring
from flowengine.orchestration.turn import (
    AgentFacts,
    AnnounceWait,
    CallerChoseExit,
    CallerLeft,
    CallerLeftQueue,
    CallerReleased,
    CancelLeg,
    CancelTimer,
    Effect,
    EndCaller,
    HangUpLeg,
    LegPlaced,
    LegRefused,
    OrchestrationEvent,
    PlaceLeg,
    QueueEffect,
    ReleaseCaller,
    RingBegan,
    SetTimer,
    TimerDue,
    Verdict,
)
from flowengine.scenarios.simulated_queues import QueueSimulator
from flowengine.sinch import CallbackEvent
from flowengine.states import OrchestrationResult, OwnEvent, QueueAnnouncement, RingPlan
from flowengine.states.queue_plan import QueueUpdate, StayInRoom
from flowengine.svaml import encode_svaml
from flowengine.switch.api_error import ApiError
from flowengine.switch.clock import Timer, VirtualClock
from flowengine.switch.exchange import Exchange
from flowengine.switch.switch_events import LegJoined, Remark, SwitchEvent

AnswerOwnEvent = Callable[[OwnEvent], bytes]
"""What the flow of a call answers when its ring has come to an exit, or its queue announces"""


class SimulatedRing(msgspec.Struct):
    """The rings of one call, with their timers and the legs that are about to be placed."""

    application: str
    ring: Ring
    begun: int = 0
    timers: dict[str, Timer] = msgspec.field(default_factory=dict)
    placing: dict[int, Timer] = msgspec.field(default_factory=dict)


class RingSimulator:
    """Conducts the rings and queues of all calls of an exchange. `on_begin` hears of a ring before anybody is
    rung, and `on_release` of its exit with what the flow answers to it. While `is_requesting`,
    what happens on the exchange is of a request of its own.
    """

    def __init__(
        self, exchange: Exchange, clock: VirtualClock, answer_own_event: AnswerOwnEvent
    ) -> None:
        self.exchange = exchange
        self.answer_own_event = answer_own_event
        self.rings: dict[str, SimulatedRing] = {}
        self.legs: dict[str, tuple[str, int]] = {}
        self.agents: dict[str, AgentFacts] = {}
        self.queues = QueueSimulator(clock, self.agents, self._later)
        self.is_requesting = False
        self.on_begin: Callable[[RingPlan], None] = lambda _plan: None
        self.on_release: Callable[[str, bytes], None] = lambda _exit_name, _svaml: None

    def begin(self, call_id: str, step: int, plan: RingPlan) -> None:
        """Ring for this call, as soon as its callback is answered."""
        application = self.exchange.calls[call_id].application_key
        self.rings.setdefault(call_id, SimulatedRing(application, Ring(id=call_id)))
        self.on_begin(plan)
        self._later(call_id, RingBegan(step, plan))

    def note_queue_update(self, call_id: str, step: int, queue_update: QueueUpdate) -> None:
        """A caller stays in their queue, or asks to leave it."""
        if call_id not in self.rings:
            return
        if isinstance(queue_update, StayInRoom):
            timer = SetTimer(ANNOUNCE_TIMER, queue_update.seconds)
            self._apply_effect(call_id, self.rings[call_id], timer)
        else:
            self._later(call_id, CallerChoseExit(step, queue_update.exit))

    def note_departure(self, call_id: str, step: int) -> None:
        """A caller has left their queue by themselves."""
        if call_id in self.rings:
            self._later(call_id, CallerLeftQueue(step))

    def answer_leg(self, event: CallbackEvent) -> bytes | None:
        """The answer to a callback of a leg; None for any other call."""
        if event.call_id not in self.legs:
            return None
        orchestration, attempt = self.legs[event.call_id]
        told = read_leg_event(event, attempt)
        verdict = self._take_turn(orchestration, told) if told else None
        return encode_verdict(verdict) if verdict else encode_svaml((), None)

    def handle_caller_left(self, call_id: str) -> None:
        """The caller has hung up."""
        if call_id in self.rings:
            self._take_turn(call_id, CallerLeft())

    def find_phase(self, call_id: str) -> str:
        """How far the ring of a call has come, or ""."""
        known = self.rings.get(call_id)
        return known.ring.phase if known else ""

    def get_number(self, call_id: str) -> int:
        """How many rings of this call have begun."""
        known = self.rings.get(call_id)
        return known.begun if known else 0

    def waits_in_queue(self, call_id: str) -> bool:
        """Whether the call is in a queue, or with a member of its group."""
        known = self.rings.get(call_id)
        return known is not None and known.ring.plan.queue is not None

    def find_room(self, call_id: str) -> str:
        """The conference in which the caller waits, or ""."""
        known = self.rings.get(call_id)
        return known.ring.plan.room if known else ""

    def is_internal_event(self, event: SwitchEvent) -> bool:
        """Whether an event is how a ring works, of which callers notice nothing: the room that one
        waits in, or the way out of it.
        """
        if isinstance(event, LegJoined) and event.kind == "conference":
            return event.to == self.find_room(event.call)
        return self.is_requesting and isinstance(event, LegJoined | Remark)

    def _later(self, call_id: str, event: OrchestrationEvent, seconds: float = 0.0) -> Timer:
        return self.exchange.clock.call_later(seconds, lambda: self._handle_event(call_id, event))

    def _handle_event(self, call_id: str, event: OrchestrationEvent) -> None:
        self._take_turn(call_id, event)

    def _take_turn(self, call_id: str, event: OrchestrationEvent) -> Verdict | None:
        known = self.rings[call_id]
        now = self.exchange.clock.now().timestamp()
        turn = conduct(known.ring, event, now, self.agents)
        known.begun += turn.ring is not None and turn.ring.number > known.ring.number
        known.ring = turn.ring or known.ring
        self.agents.update((facts.address, facts) for facts in turn.agents)
        for effect in turn.effects:
            self._apply_effect(call_id, known, effect)
        self.queues.match_soon()
        return turn.verdict

    def _apply_effect(self, call_id: str, known: SimulatedRing, effect: Effect) -> None:
        call_later = self.exchange.clock.call_later
        match effect:
            case SetTimer(key=key, seconds=seconds):
                self._cancel_timer(known, key)
                known.timers[key] = self._later(call_id, TimerDue(key), seconds)
            case CancelTimer(key=key):
                self._cancel_timer(known, key)
            case PlaceLeg(attempt=attempt):
                known.placing[attempt] = call_later(
                    0.0, partial(self._place_leg, call_id, known, effect)
                )
            case CancelLeg(attempt=attempt):
                if attempt in known.placing:
                    known.placing.pop(attempt).cancel()
            case HangUpLeg(call_id=leg):
                call_later(0.0, partial(self._hang_up, leg))
            case _:
                self._apply_caller_effect(call_id, known, effect)

    def _apply_caller_effect(
        self,
        call_id: str,
        known: SimulatedRing,
        effect: QueueEffect | AnnounceWait | ReleaseCaller | EndCaller,
    ) -> None:
        call_later = self.exchange.clock.call_later
        match effect:
            case AnnounceWait():
                call_later(0.0, partial(self._announce, call_id, known))
            case ReleaseCaller(number=number, exit=name):
                call_later(0.0, partial(self._release_caller, call_id, number, name))
            case EndCaller(number=number):
                call_later(0.0, partial(self._end_caller, call_id, number))
            case _:
                self.queues.apply_effect(known.ring, effect)

    def _cancel_timer(self, known: SimulatedRing, key: str) -> None:
        if key in known.timers:
            known.timers.pop(key).cancel()

    def _place_leg(self, call_id: str, known: SimulatedRing, wanted: PlaceLeg) -> None:
        known.placing.pop(wanted.attempt, None)
        custom = f"{call_id} {wanted.attempt}"
        request = build_leg_request(wanted.member, wanted.cli, custom)
        try:
            leg = self.exchange.callout(known.application, request)
        except ApiError as error:
            self._take_turn(call_id, LegRefused(wanted.attempt, str(error)))
            return
        self.legs[leg] = (call_id, wanted.attempt)
        self._take_turn(call_id, LegPlaced(wanted.attempt, leg))

    def _release_caller(self, call_id: str, number: int, exit_name: str) -> None:
        svaml = self.answer_own_event(OrchestrationResult(call_id=call_id, exit=exit_name))
        self.on_release(exit_name, svaml)
        if self._request_change(call_id, PARK_REQUEST):
            self._request_change(call_id, svaml)
        self._take_turn(call_id, CallerReleased(number))

    def _announce(self, call_id: str, known: SimulatedRing) -> None:
        """Let the caller hear how it stands, unless a member has come meanwhile."""
        if known.ring.phase not in ("waits", "rings"):
            return
        facts = self.queues.find_own_facts(known.ring)
        svaml = self.answer_own_event(
            QueueAnnouncement(call_id=call_id, position=facts.position, wait=facts.wait)
        )
        if self._request_change(call_id, PARK_REQUEST):
            self._request_change(call_id, svaml)

    def _end_caller(self, call_id: str, number: int) -> None:
        self._hang_up(call_id)
        self._take_turn(call_id, CallerReleased(number))

    def _hang_up(self, call_id: str) -> None:
        self._request_change(call_id, HANG_UP_REQUEST)

    def _request_change(self, call_id: str, svaml: bytes) -> bool:
        """Whether the platform has obeyed. A call that is over needs no change."""
        self.is_requesting = True
        try:
            self.exchange.calls[call_id].patch(svaml)
        except ApiError:
            return False
        finally:
            self.is_requesting = False
        return True
