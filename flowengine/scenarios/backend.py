"""The backend of simulated calls: answers the bytes of callbacks in process, by the very step that
the server takes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.runtime.call_state import Call, decode_call, encode_call
from flowengine.runtime.cookie import COOKIE_KEY, MAX_PAYLOAD_BYTES, Codec, derive_key
from flowengine.runtime.step import resume, step
from flowengine.runtime.step_outcome import NO_EFFECTS, EffectsOnOthers, Outcome, TraceEntry
from flowengine.scenarios.simulated_parkings import ParkingSimulator
from flowengine.scenarios.simulated_placements import PlacementSimulator
from flowengine.scenarios.simulated_rings import RingSimulator
from flowengine.scenarios.simulated_rooms import RoomSimulator
from flowengine.sinch import Dice, decode
from flowengine.states import (
    LookupRequest,
    LookupResult,
    QueueFacts,
    QueueRequest,
    StepEvent,
)
from flowengine.states.queue_plan import LEFT, TAKEN
from flowengine.svaml import SetCookie, encode_svaml

SIMULATION_CODEC = Codec((derive_key("a call that nobody makes"),))
LookupFunction = Callable[[LookupRequest], LookupResult]


class AnsweredCallback(msgspec.Struct, frozen=True):
    """One callback as it was answered: what came, the way through the flow, and where the call is
    now.
    """

    event: StepEvent
    trace: tuple[TraceEntry, ...]
    call: Call | None
    body: bytes


class BackendCall(msgspec.Struct):
    """What is known of one call: its state as bytes, its steps so far, and the last value that each
    variable was given.
    """

    state: bytes = b""
    steps: list[AnsweredCallback] = msgspec.field(default_factory=list)
    values: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def call(self) -> Call | None:
        return decode_call(self.state) if self.state else None


class Backend:
    """One backend for any number of calls. With `cookies_only` the state of a call is nowhere but
    in its cookie.
    """

    def __init__(
        self,
        release: Release,
        fetch: LookupFunction,
        now: Callable[[], datetime],
        *,
        cookies_only: bool = False,
    ) -> None:
        self.release = release
        self.fetch = fetch
        self.now = now
        self.cookies_only = cookies_only
        self.calls: dict[str, BackendCall] = {}
        self.rings: RingSimulator | None = None
        self.placements: PlacementSimulator | None = None
        self.rooms: RoomSimulator | None = None
        self.parkings: ParkingSimulator | None = None
        self.lookup_state = ("", "")
        """Flow and state of the lookup that is being made"""
        self.lookup_trace: Sequence[TraceEntry] = ()
        """The way to it since the callback"""

    def answer_callback(self, body: bytes) -> bytes:
        """The answer to one callback."""
        event = decode(body)
        if self.rings and (answer := self.rings.answer_leg(event)) is not None:
            return answer
        if self.placements:
            placed = self.placements.answer_call(event)
            if isinstance(placed, bytes):
                return placed
            if type(event) is Dice and placed is not event and event.call_id not in self.calls:
                return encode_svaml((), None)  # nobody has answered, so no flow has begun
            event = placed
        answer = self.answer_event(event)
        if self.rings and type(event) is Dice:
            self.rings.handle_caller_left(event.call_id)
        for others in (self.rooms, self.parkings, self.placements) if type(event) is Dice else ():
            if others:
                others.handle_caller_left(event.call_id)
        return answer

    def answer_event(self, event: StepEvent) -> bytes:
        known = self.calls.setdefault(event.call_id, BackendCall())
        before = self.read_cookie_call(event) if self.cookies_only else known.call
        gone = "" if before is None and known.steps else None
        begun = step(self.release, before, event, self.now(), gone)
        outcome = self.perform_lookups(event.call_id, begun)
        known.values.update(find_changed_values(self.release, before, outcome))
        known.state = encode_call(outcome.call) if outcome.call else b""
        answer = encode_svaml(
            (*outcome.instructions, *self.build_cookies(event, outcome, known.state)),
            outcome.action,
        )
        known.steps.append(AnsweredCallback(event, outcome.trace, outcome.call, answer))
        if self.rings and outcome.call and outcome.effects is not NO_EFFECTS:
            self.note_others(self.rings, event.call_id, outcome.call.steps, outcome.effects)
        if self.placements:
            for plan in outcome.effects.placements:
                self.placements.begin(event.call_id, plan)
        return answer

    def note_others(
        self, rings: RingSimulator, call_id: str, step_number: int, effects: EffectsOnOthers
    ) -> None:
        """Let rings and queues know what a step wants of them."""
        if effects.ring is not None:
            rings.begin(call_id, step_number, effects.ring)
        elif effects.leaves_queue:
            rings.note_departure(call_id, step_number)
        if effects.queue_update is not None:
            rings.note_queue_update(call_id, step_number, effects.queue_update)
        for agent_status in effects.agent_statuses:
            rings.queues.set_agent_status(agent_status)
        if self.rooms:
            self.rooms.handle_updates(call_id, effects.rooms)

    def ask_queue(self, call_id: str, request: QueueRequest) -> LookupResult:
        """How it stands in a queue; without rings, nobody else is in it."""
        if request.leaving_step:
            is_taken = self.rings is not None and self.rings.find_phase(call_id) == "joined"
            return LookupResult(200, TAKEN if is_taken else LEFT)
        if self.rings:
            return self.rings.queues.answer_request(request)
        alone = QueueFacts(1, signed_in=len(request.members))
        return LookupResult(200, msgspec.to_builtins(alone))

    def ask_others(self, call_id: str, request: LookupRequest) -> LookupResult:
        """The result of a request that goes to nobody outside, or of a lookup."""
        if request.queue is not None:
            return self.ask_queue(call_id, request.queue)
        if request.parking is not None and self.parkings is not None:
            return self.parkings.answer_request(call_id, request.parking)
        return self.fetch(request)

    def perform_lookups(self, call_id: str, outcome: Outcome) -> Outcome:
        while outcome.waiting is not None:
            walk, request = outcome.waiting.walk, outcome.waiting.request
            self.lookup_state = walk.program.flow, walk.state
            self.lookup_trace = walk.trace
            outcome = resume(outcome.waiting, self.ask_others(call_id, request))
        return outcome

    def read_cookie_call(self, event: StepEvent) -> Call | None:
        payload = SIMULATION_CODEC.open(event.cookies.get(COOKIE_KEY, ""), event.call_id)
        return decode_call(payload) if payload else None

    def build_cookies(
        self, event: StepEvent, outcome: Outcome, state: bytes
    ) -> tuple[SetCookie, ...]:
        """The state as a cookie, where the platform takes one and it fits."""
        wanted = (
            self.cookies_only
            and outcome.call is not None
            and outcome.action is not None
            and event.is_awaited
        )
        if not wanted or outcome.call is None or len(state) > MAX_PAYLOAD_BYTES:
            return ()
        return (
            SetCookie(
                key=COOKIE_KEY,
                value=SIMULATION_CODEC.seal(state, event.call_id, outcome.call.steps),
            ),
        )


def find_changed_values(
    release: Release, before: Call | None, outcome: Outcome
) -> Mapping[str, Any]:
    """The variables that a step has given a value, by their bare names."""
    program = release.programs.get(before.flow) if before else None
    old = {**(program.initial if program else {}), **(before.values if before else {})}
    new = {
        name: value
        for name, value in outcome.names.items()
        if name.startswith("vars.") and not name.endswith("~")
    }
    return {
        name.removeprefix("vars."): value
        for name, value in new.items()
        if name not in old or old[name] != value
    }
