r"""A call in virtual time, from both ends of the line: what phones, scenarios and tests in Python drive calls with.

>>> from flowengine.compile import compile_project
>>> flow = b"flow: line\nstart: hello\nstates:\n  hello: {say: Hello., hangup: }\n"
>>> talk = open_conversation(compile_project({"line.yaml": flow}).release)
>>> talk.dial("+14045550199", "+14045550100")
>>> talk.get_heard_text(), talk.is_over
('Hello.', True)
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.scenarios.backend import Backend, BackendCall, LookupFunction
from flowengine.scenarios.call_setup import SIMULATED_APPLICATION
from flowengine.scenarios.event_descriptions import describe_event, get_next_phase
from flowengine.scenarios.simulated_parkings import ParkingSimulator
from flowengine.scenarios.simulated_parties import SimulatedParties
from flowengine.scenarios.simulated_placements import PlacementSimulator
from flowengine.scenarios.simulated_rings import RingSimulator
from flowengine.scenarios.simulated_rooms import RoomSimulator
from flowengine.states import LookupResult, OwnEvent, PlacementPlan
from flowengine.svaml import encode_svaml
from flowengine.switch.calls import Leg, SwitchCall
from flowengine.switch.clock import VIRTUAL_START, VirtualClock
from flowengine.switch.exchange import Exchange
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    Role,
    SoundStarted,
    SwitchEvent,
)
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour, SwitchApplication, SwitchSetup
from flowengine.switch.wire.transport import BlockingTransport, DirectTransport, Response, Transport

SIMULATION_SECRET = "c2ltdWxhdGVkIGNhbGxzIG9ubHk="  # noqa: S105  # of simulated calls only
MAX_VIRTUAL_SECONDS = 86_400.0  # virtual seconds: no call and no notice after it takes longer
MAX_RINGS_AT_ONCE = 10  # a flow may ring again for as long as the caller waits
JSON_HEADERS = {"content-type": "application/json"}
DetectedParty = Literal["human", "machine", "notsure"]
CallSide = Literal["near", "far"]


class NotPossibleError(Exception):  # named for what it says of the step
    """What was to be done cannot be done at this point of the call."""


class TranscriptLine(msgspec.Struct, frozen=True):
    """A line of the transcript: when, who, and what."""

    seconds: float
    who: str
    what: str


class Conversation:
    """One call, driven from both ends. After each act, time passes until a party must act."""

    def __init__(
        self, exchange: Exchange, clock: VirtualClock, backend: Backend | None = None
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.backend = backend
        self.events: list[SwitchEvent] = []
        self.transcript: list[TranscriptLine] = []
        self.sounds: dict[CallSide, list[str]] = {"near": [], "far": []}
        self.phase = ""
        self.dialled = ""
        """What the caller has dialled"""
        self.on_party_line: Callable[[str, str], None] = lambda _who, _what: None
        """Hears what parties of a ring do, and what is done with them"""
        self._call: SwitchCall | None = None
        self._leg: Leg | None = None
        self._role: Role = "caller"
        self._pending_callbacks = 0
        exchange.subscribe(self._record_event)
        answer_event = backend.answer_event if backend else answer_nothing
        self.rings = RingSimulator(exchange, clock, answer_event)
        self.rooms = RoomSimulator(exchange)
        self.parkings = ParkingSimulator(exchange, answer_event)
        self.placements = None
        if backend is not None:
            self.placements = PlacementSimulator(exchange, backend, self.rings.queues)
            backend.rings, backend.rooms = self.rings, self.rooms
            backend.parkings = self.parkings
            backend.placements = self.placements
        self.parties = SimulatedParties(
            self.rings, clock, self.add_party_line, self.events.append, self.is_placed
        )

    @property
    def call(self) -> SwitchCall:
        """The call that was dialled or placed."""
        if self._call is None:
            raise NotPossibleError("nobody has called yet")
        return self._call

    @property
    def backend_call(self) -> BackendCall | None:
        """What the backend in this process knows of the call."""
        return self.backend.calls.get(self.call.id) if self.backend and self._call else None

    @property
    def is_over(self) -> bool:
        return self.call.ended is not None

    def dial(self, caller: str, to: str, **how: Any) -> None:
        """Call; `how` is what `Exchange.dial` takes besides."""
        self._role, self.dialled = "caller", to
        self.add_line("caller", f"dials {to}")
        self._call = self.exchange.dial(caller=caller, to=to, **how)
        self._leg = self._call.caller
        self.settle()

    def is_placed(self, call_id: str) -> bool:
        """Whether a placement has called here, in a call beside the one of this conversation."""
        is_own = self._call is not None and self._call.id == call_id
        return not is_own and self.placements is not None and call_id in self.placements.calls

    def place(
        self, application: str, body: Mapping[str, Any], plan: PlacementPlan | None = None
    ) -> None:
        """Place a call by a callout request, which may be the one of a placement; the callee is then
        the near end.
        """
        self._role = "callee"
        self.add_line("platform", f"places a call: {body.get('method', '')}")
        if plan is not None and self.placements is not None:
            custom = self.placements.expect_call(application, plan)
            method = body["method"]
            body = {**body, method: {**body[method], "custom": custom}}
        self._call = self.exchange.calls[self.exchange.callout(application, body)]
        self.settle()

    def press(self, keys: str) -> bool:
        """Press keys at the near end; False where they have no effect."""
        return self._perform(self.get_near_leg(), f"presses {keys}", lambda leg: leg.press(keys))

    def say(self, text: str) -> bool:
        """Speak at the near end until the platform takes the words as complete; False where it does
        not listen.
        """
        leg = self.get_near_leg()
        asking = leg is not None and leg.asking
        heard = self._perform(leg, f'says "{text}"', lambda leg: leg.say(text))
        if heard and asking:
            self.stay_silent()
        return heard

    def hang_up(self) -> None:
        """Hang up at the near end."""
        self._perform(self.get_near_leg(), "hangs up", Leg.hang_up)

    def wait(self, seconds: float) -> None:
        """Let so much time pass, and no more."""
        self.clock.advance(seconds)

    def stay_silent(self) -> None:
        """Let time pass until the backend hears of the silence, or the call is over."""
        asked = self._count_callbacks()
        self.clock.run(lambda: self._count_callbacks() > asked or self.is_over)
        self.settle()

    def answer(self, who: DetectedParty = "human") -> None:
        """The called party answers; `who` is what machine detection finds."""
        leg = self.get_far_leg()
        if leg is not None:
            leg.behaviour = replace(leg.behaviour, who=who)
        self._perform(
            leg,
            {"human": "answers", "machine": "is a machine", "notsure": "may be a machine"}[who],
            Leg.answer,
        )

    def reject(self, how: Literal["busy", "decline", "congestion", "no answer"]) -> None:
        """The called party does not answer."""
        self._perform(
            self.get_far_leg(),
            {"decline": "declines", "no answer": "does not answer"}.get(how, how),
            lambda leg: leg.reject(how),
        )

    def callee_press(self, keys: str) -> bool:
        return self._perform(self.get_far_leg(), f"presses {keys}", lambda leg: leg.press(keys))

    def callee_say(self, text: str) -> bool:
        return self._perform(self.get_far_leg(), f'says "{text}"', lambda leg: leg.say(text))

    def callee_hang_up(self) -> None:
        self._perform(self.get_far_leg(), "hangs up", Leg.hang_up)

    def apply_svaml(self, svaml: Mapping[str, Any]) -> None:
        """What a system does with the call from outside: SVAML, as the platform's API takes it."""
        self.add_line("platform", f"is told to {svaml.get('action', {}).get('name', 'go on')}")
        self.call.patch(msgspec.json.encode(svaml))
        self.settle()

    def settle(self) -> None:
        """Let time pass until a party is asked, rings, talks or waits and nothing is being spoken,
        or the call has ended.
        """
        limit = self.clock.seconds + MAX_VIRTUAL_SECONDS
        rings = self.rings.get_number(self.call.id) + MAX_RINGS_AT_ONCE
        self.clock.run(
            lambda: (
                self._is_quiet()
                or self.clock.seconds > limit
                or self.rings.get_number(self.call.id) > rings
            )
        )

    def finish(self) -> None:
        """Hang up where no party has, and let all callbacks after the end be sent."""
        if not self.is_over:
            self.hang_up()
        limit = self.clock.seconds + MAX_VIRTUAL_SECONDS
        self.clock.run(lambda: self.clock.seconds > limit)

    def get_heard_text(self, end: CallSide = "near") -> str:
        """All that was heard at one end, in order."""
        return " ".join(self.sounds[end])

    def get_near_leg(self) -> Leg | None:
        """The leg of the caller; of a placed call that of its first callee, even after it is
        connected further.
        """
        if self._leg is None and self._call is not None:
            self._leg = self._call.caller or self._call.callee
        return self._leg

    def get_far_leg(self) -> Leg | None:
        """Who was called last."""
        return self.call.callee

    def _is_quiet(self) -> bool:
        if self.is_over:
            # the legs of a ring, and others in a conference, hear of it at the same moment
            rings = bool(self.rings.find_phase(self.call.id)) or self.parties.has_callers
            placed = self.placements.calls if self.placements is not None else ()
            others = rings or any(map(self.is_placed, placed))
            is_done = self.clock.get_next_delay() != 0 and self._are_others_quiet()
            return not others or is_done
        if (
            self.phase in ("", "picked")
            or self._pending_callbacks
            or self.clock.get_next_delay() == 0
        ):
            return False
        legs = (self.call.caller, self.call.callee)
        if any(leg.line.is_speaking for leg in legs if leg is not None):
            return False
        return self._are_others_quiet()

    def _are_others_quiet(self) -> bool:
        is_settled = self.rooms.is_settled and self.parkings.is_settled
        if self.placements is not None and self.placements.is_detecting():
            return False
        return is_settled and self.parties.is_settled(self.call.id)

    def _perform(self, leg: Leg | None, what: str, do: Callable[[Leg], Any]) -> bool:
        if self.is_over or leg is None:
            raise NotPossibleError("the call is over" if self.is_over else "nobody is being called")
        self.add_line(leg.role, what)
        done = do(leg)
        self.settle()
        return done is not False

    def _get_near_role(self) -> Role:
        leg = self.get_near_leg()
        return leg.role if leg else self._role

    def add_line(self, who: str, what: str) -> None:
        """Add a line to the transcript."""
        self.transcript.append(TranscriptLine(self.clock.seconds, who, what))

    def _count_callbacks(self) -> int:
        return sum(isinstance(item, CallbackSent) for item in self.events)

    def add_party_line(self, who: str, what: str) -> None:
        """Add a line about a party of a ring."""
        self.add_line(who, what)
        self.on_party_line(who, what)

    def is_of_ring(self, event: SwitchEvent) -> bool:
        """Whether it is how a ring works, or music of which the caller hears too little."""
        if isinstance(event, SoundStarted) and event.sound.kind == "music":
            # when a member leaves the room, for the moment until the caller is brought out of it
            return self.rings.find_phase(event.call) == "joined"
        return self.rings.is_internal_event(event)

    def is_of_other_call(self, event: SwitchEvent) -> bool:
        """Whether it happens to another call beside the one of this conversation."""
        is_leg = event.call in self.rings.legs
        return is_leg if self._call is None else event.call != self._call.id

    def _record_event(self, event: SwitchEvent) -> None:
        if self.is_of_other_call(event) or self.parties.is_of_caller(event):
            return
        if self.is_of_ring(event):
            self.phase = get_next_phase(event, self.phase)
            return
        self.events.append(event)
        if isinstance(event, SoundStarted) and event.sound.text and event.sound.kind != "ringing":
            self.sounds["near" if event.role == self._get_near_role() else "far"].append(
                event.sound.text
            )
        self._pending_callbacks += isinstance(event, CallbackSent) - isinstance(
            event, AnswerReceived
        )
        self.phase = get_next_phase(event, self.phase)
        if said := describe_event(event):
            self.add_line(*said)


def answer_nothing(_event: OwnEvent) -> bytes:
    """No flow in this process answers."""
    return encode_svaml((), None)


def open_conversation(
    release: Release,
    *,
    fetch: LookupFunction = lambda _: LookupResult(0, error="refused"),
    begin: datetime = VIRTUAL_START,
    settings: SwitchSettings | None = None,
    seed: int = 0,
    cookies_only: bool = False,
    application: str = SIMULATED_APPLICATION,
) -> Conversation:
    """A conversation with a release in this very process. The called party is driven by hand."""
    clock = VirtualClock(begin)
    backend = Backend(release, fetch, clock.now, cookies_only=cookies_only)
    transport = DirectTransport(
        lambda _url, _headers, body: Response(200, JSON_HEADERS, backend.answer_callback(body))
    )
    return Conversation(
        build_exchange(
            clock, transport, "http://in-process/callbacks", application, settings, seed
        ),
        clock,
        backend,
    )


@contextmanager
def open_http_conversation(
    url: str,
    *,
    application: str,
    secret: str,
    begin: datetime = VIRTUAL_START,
    settings: SwitchSettings | None = None,
) -> Iterator[Conversation]:
    """A conversation with any backend that takes callbacks at this URL. Time stands still while it
    answers.
    """
    clock, transport = VirtualClock(begin), BlockingTransport()
    try:
        yield Conversation(
            build_exchange(clock, transport, url, application, settings, 0, secret), clock
        )
    finally:
        transport.close()


def build_exchange(
    clock: VirtualClock,
    transport: Transport,
    url: str,
    application: str,
    settings: SwitchSettings | None,
    seed: int,
    secret: str = SIMULATION_SECRET,
) -> Exchange:
    """A switch with one application, to which every number leads."""
    world = SwitchSetup(
        applications=(SwitchApplication(application, secret, url),),
        parties={"": Behaviour("by hand")},
    )
    return Exchange(world, clock, settings or SwitchSettings(), transport, seed=seed)
