"""The parties of a simulated call whom rings call, or who call by themselves: what they do, what they
hear, and when they were rung.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import msgspec

from flowengine.scenarios.call_setup import CallerKind
from flowengine.scenarios.event_descriptions import STATES_BY_COMMAND
from flowengine.scenarios.simulated_rings import RingSimulator
from flowengine.states.ring_members import to_bare_sip
from flowengine.switch.calls import Leg, SwitchCall
from flowengine.switch.clock import VirtualClock
from flowengine.switch.switch_events import (
    CallEnded,
    LegJoined,
    LegLeft,
    LegPickedUp,
    LegRinging,
    MenuListening,
    ParticipantChanged,
    SoundStarted,
    SwitchEvent,
)
from flowengine.switch.switch_setup import Behaviour

SimulatedBehaviour = Literal[
    "", "answers", "accepts", "machine", "rings out", "busy", "declines", "calls first", "nothing"
]
"""What a party does by itself: "" is driven by steps; of `nothing` the scenario knows nothing"""
REACTION_SECONDS = 3.0  # from the first ring to the answer
KEY_SECONDS = 1.0  # from the end of the whisper to the key
SIMULATED_BEHAVIOURS: dict[SimulatedBehaviour, Behaviour] = {
    "": Behaviour("by hand"),
    "answers": Behaviour("answer", REACTION_SECONDS),
    "accepts": Behaviour("answer", REACTION_SECONDS),
    "machine": Behaviour("answer", REACTION_SECONDS, who="machine"),
    "rings out": Behaviour("no answer"),
    "busy": Behaviour("busy", REACTION_SECONDS),
    "declines": Behaviour("decline", REACTION_SECONDS),
    "calls first": Behaviour("by hand"),
    "nothing": Behaviour("no answer"),
}
ANSWERING = frozenset({"answers", "accepts"})
MEMBER_NAME = "agent"
WORDS_BY_RESULT = {"BUSY": "is busy", "NOANSWER": "does not answer"}
AddLine = Callable[[str, str], None]
OnConnected = Callable[[SwitchEvent], None]


class SimulatedParty(msgspec.Struct):
    """Somebody whom a ring may call, or who calls. `call_id` is their latest call; `rings` are the
    seconds at which they were rung, of which steps have accounted for `matched`. With `accepts_next`
    they press the key of the next menu that asks them. Who calls first `dials` this number, or that of
    the scenario.
    """

    name: str
    address: str
    does: SimulatedBehaviour = ""
    call_id: str = ""
    dials: str = ""
    rings: list[float] = msgspec.field(default_factory=list)
    matched: int = 0
    accepts_next: bool = False
    heard: list[str] = msgspec.field(default_factory=list)

    @property
    def is_accepting(self) -> bool:
        """Whether they press the key that takes a call by themselves."""
        return self.does == "accepts" or self.accepts_next

    def get_heard_text(self) -> str:
        """All that they have heard, in order."""
        return " ".join(self.heard)


class SimulatedParties:
    """All whom the rings of one caller call. `on_connected` hears of each who is connected to the
    caller, as of somebody whom the call of the caller is connected to.
    """

    def __init__(
        self,
        rings: RingSimulator,
        clock: VirtualClock,
        add_line: AddLine,
        on_connected: OnConnected,
        is_placed: Callable[[str], bool] = lambda _call: False,
    ) -> None:
        self._rings, self._clock, self._add_line = rings, clock, add_line
        self._on_connected = on_connected
        self._is_placed = is_placed
        self._exchange = rings.exchange
        self._by_address: dict[str, SimulatedParty] = {}
        self._callers: dict[str, SimulatedParty] = {}
        self._exchange.subscribe(self._record_event)

    def call(self, party: SimulatedParty, to: str, application: str = "") -> None:
        """Have a party call, beside the call of the scenario; `to` need not be what that dials."""
        self._add_line(party.name, f"dials {to}")
        kind = find_dialler_kind(party.address)
        dialled = self._exchange.dial(
            caller=party.address, to=to, kind=kind, application=application
        )
        party.call_id = dialled.id
        self._callers[party.call_id] = party

    def has_called(self, party: SimulatedParty) -> bool:
        """Whether a party has called, beside the caller of the scenario."""
        return party in self._callers.values()

    def is_of_caller(self, event: SwitchEvent) -> bool:
        """Whether it happens to a party who has called, beside the caller of the scenario."""
        return event.call in self._callers

    def add(self, name: str, address: str, does: SimulatedBehaviour = "") -> SimulatedParty:
        """Name a party, and say what they do by themselves."""
        bare = to_bare_address(address)
        known = self._by_address.setdefault(bare, SimulatedParty(name, bare))
        known.name, known.does = name, does
        self._exchange.parties[bare] = SIMULATED_BEHAVIOURS[does]
        return known

    def add_member(self, address: str, does: SimulatedBehaviour = "") -> SimulatedParty:
        """A member who has no name gets one with a number."""
        known = self._by_address.get(address)
        named = known is not None and known.name != address
        name = known.name if known and named else f"{MEMBER_NAME}{len(self.list_named()) + 1}"
        return self.add(name, address, does)

    def find_connected(self, caller_id: str) -> SimulatedParty | None:
        """The party who talks to this caller."""
        room = self._rings.find_room(caller_id)
        calls = [(one, self.find_call(one)) for one in self._by_address.values()]
        return next((one for one, call in calls if room and call and is_in_room(call, room)), None)

    def has(self, address: str) -> bool:
        """Whether a ring has called this address, or a party has it."""
        return to_bare_address(address) in self._by_address

    def get_name(self, address: str) -> str:
        """The name of the party at an address; without one, the address."""
        known = self._by_address.get(to_bare_address(address))
        return known.name if known else address

    def find(self, name: str) -> SimulatedParty | None:
        """The party of this name."""
        return next((one for one in self._by_address.values() if one.name == name), None)

    def list_named(self) -> list[SimulatedParty]:
        """All parties that were named."""
        return [one for one in self._by_address.values() if one.does != "nothing"]

    def find_call(self, party: SimulatedParty) -> SwitchCall | None:
        """Their latest leg, also when it is over."""
        return self._exchange.calls.get(party.call_id)

    def find_leg(self, party: SimulatedParty) -> Leg | None:
        """Their end of a leg that is not over."""
        call = self.find_call(party)
        if call is None or call.ended is not None:
            return None
        return call.caller if call.id in self._callers else call.callee

    @property
    def has_callers(self) -> bool:
        """Whether somebody has called who was not called."""
        return bool(self._callers)

    def is_with(self, party: SimulatedParty, call: SwitchCall) -> bool:
        """Whether a party is in the conference of this call, as after a parked call was picked up."""
        other, room = self.find_call(party), call.conference_id
        if other is None or not room:
            return False
        return is_in_room(other, room) and is_in_room(call, room)

    def find_participant(self, call: SwitchCall | None) -> Mapping[str, Any] | None:
        """How a call is in its conference, as the platform tells; None where it is in none."""
        room = self._exchange.rooms.find_room(call.conference_id) if call else None
        members = room.list_participants() if room else ()
        return next((one for one in members if call and one["id"] == call.id), None)

    def list_ringing(self, *, named: bool = True) -> list[SimulatedParty]:
        """The parties whose phone rings, those alone that were named or all."""
        parties = self.list_named() if named else self._by_address.values()
        found = [(one, self.find_leg(one)) for one in parties]
        return [one for one, leg in found if leg is not None and leg.state == "ringing"]

    def list_asked(self) -> list[SimulatedParty]:
        """The named parties whom a menu asks for a key."""
        found = [(one, self.find_leg(one)) for one in self.list_named()]
        return [one for one, leg in found if leg is not None and leg.asking]

    def is_settled(self, caller_id: str) -> bool:
        """Whether nothing goes on by itself: somebody must act, or two people talk."""
        legs = [leg for one in self._by_address.values() if (leg := self.find_leg(one))]
        if any(leg.line.is_speaking for leg in legs):
            return False
        if self._rings.find_phase(caller_id) not in ("new", "rings"):
            return True
        ringing = self.list_ringing()
        if self._rings.waits_in_queue(caller_id) and not any(
            one.does in ANSWERING for one in ringing
        ):
            return True  # as long as nobody takes the call it goes round, and the caller may act
        by_hand = [one for one in ringing if not one.does]
        asked = [one for one in self.list_asked() if not one.is_accepting]
        return bool(by_hand or asked)

    def _record_event(self, event: SwitchEvent) -> None:
        if event.call in self._callers:
            self._record_call(self._callers[event.call], event)
        elif event.call not in self._rings.legs and not self._is_placed(event.call):
            return
        elif isinstance(event, LegRinging):
            self._note_ring(event)
        else:
            self._record_leg(event)

    def _record_leg(self, event: SwitchEvent) -> None:
        """Note what happens to a party who was called."""
        party = next((one for one in self._by_address.values() if one.call_id == event.call), None)
        if party is None:
            return
        if isinstance(event, SoundStarted) and event.sound.text and event.sound.kind != "ringing":
            self._note_sound(party, event)
        elif isinstance(event, MenuListening) and party.is_accepting:
            self._clock.call_later(KEY_SECONDS, partial(self._press, party, event.keys[:1]))
        elif isinstance(event, LegPickedUp) and party.does:
            self._add_line(party.name, "answers")
        elif isinstance(event, LegJoined) and event.kind == "conference":
            self._note_connection(party, event)
        elif isinstance(event, LegLeft):
            self._add_line(party.name, "is gone")
        elif isinstance(event, CallEnded) and party.rings:
            self._note_end(party, event)

    def _record_call(self, party: SimulatedParty, event: SwitchEvent) -> None:
        """Note what happens to a party who has called."""
        if self._rings.is_internal_event(event):
            return
        if isinstance(event, SoundStarted) and event.role == "caller" and event.sound.text:
            self._note_sound(party, event)
        elif isinstance(event, ParticipantChanged):
            self._add_line(party.name, STATES_BY_COMMAND[event.command])
        elif isinstance(event, LegJoined):
            is_parked = event.kind == "park"
            self._add_line(party.name, "is parked" if is_parked else f"is in {event.to}")
        elif isinstance(event, LegLeft) and event.role == "caller":
            self._add_line(party.name, "is gone")

    def _note_ring(self, event: LegRinging) -> None:
        party = self._by_address.get(event.to) or self.add(event.to, event.to, "nothing")
        party.call_id = event.call
        party.rings.append(self._clock.seconds)
        self._add_line("platform", f"rings {party.name}")

    def _note_sound(self, party: SimulatedParty, event: SoundStarted) -> None:
        party.heard.append(event.sound.text)
        kind, text = event.sound.kind, event.sound.text
        quoted = f'"{text}"' if kind == "speech" else f"{kind}: {text}"
        self._add_line(party.name, f"hears {quoted}")

    def _note_connection(self, party: SimulatedParty, event: LegJoined) -> None:
        caller, _ = self._rings.legs.get(event.call, ("", 0))
        if caller and event.to == self._rings.find_room(caller):
            if caller in self._callers:
                other = self._callers[caller].name
                self._add_line("platform", f"connects {other} to {party.name}")
                return
            self._add_line("platform", f"connects the caller to {party.name}")
            self._on_connected(LegJoined(caller, event.at, "phone", party.address))

    def _note_end(self, party: SimulatedParty, event: CallEnded) -> None:
        """Say why a phone rings no more that nobody has answered."""
        call = self.find_call(party)
        if not party.does or call is None or call.answered_at is not None:
            return
        otherwise = "declines" if party.does == "declines" else "rings no more"
        self._add_line(party.name, WORDS_BY_RESULT.get(event.result, otherwise))

    def _press(self, party: SimulatedParty, keys: str) -> None:
        leg, party.accepts_next = self.find_leg(party), False
        if leg is not None and leg.asking:
            self._add_line(party.name, f"presses {keys}")
            leg.press(keys)


def to_bare_address(address: str) -> str:
    """An address as the platform dials it.

    >>> to_bare_address("sip:desk@pbx.example.com"), to_bare_address("+1 404 500 9001")
    ('desk@pbx.example.com', '+14045009001')
    """
    return address.replace(" ", "") if address.startswith("+") else to_bare_sip(address)


def find_dialler_kind(address: str) -> CallerKind:
    """What somebody with this address calls from."""
    return "phone" if address.startswith("+") else "sip" if "@" in address else "app"


def is_in_room(call: SwitchCall, room: str) -> bool:
    """Whether a call is in this conference just now."""
    return call.ended is None and call.conference_id == room
