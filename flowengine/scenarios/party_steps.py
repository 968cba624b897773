"""Runs the steps of parties in a scenario: what they do and hear, and when they are rung."""

from collections.abc import Callable, Mapping
from typing import Any

from flowengine.scenarios.conversation import Conversation, NotPossibleError
from flowengine.scenarios.heard_words import HeardWords
from flowengine.scenarios.party_acts import PartyActs
from flowengine.scenarios.party_checks import list_fields
from flowengine.scenarios.result import ExpectationMissedError
from flowengine.scenarios.scenario_parties import (
    CALLS_FIRST,
    ROOM_WORDS,
    WAITS,
    Parties,
    parse_party_act,
)
from flowengine.scenarios.scenario_steps import CalleeStep, StepPartyAct
from flowengine.scenarios.simulated_parties import SimulatedBehaviour, SimulatedParty
from flowengine.states.field_types import parse_millis
from flowengine.switch.calls import SwitchCall

PARTY_EXPECTATIONS = frozenset({"is rung", "is not rung", "is free", *ROOM_WORDS})
HEAD_START_SECONDS = 1.0
HEARING_FIELDS = frozenset({"hears", "hears_only", "does_not_hear"})


class PartySteps:
    """The parties of a scenario that is being played. `noted_at` is the second of the last action,
    or of the ring that a step has asked for since.
    """

    def __init__(self, talk: Conversation, parties: Parties) -> None:
        self.talk = talk
        self.noted_at = 0.0
        self.acts = PartyActs(talk)
        self.heard: dict[str, HeardWords] = {}
        for name, party in parties.items():
            does: SimulatedBehaviour = "" if party.does == WAITS or not party.does else party.does
            added = talk.parties.add(name, party.is_ or "", does)
            added.dials = party.to or ""
            self.heard[name] = HeardWords(added.get_heard_text, name)

    def call_first(self, to: str) -> None:
        """Let those call who call before the caller of the scenario."""
        for party in self.talk.parties.list_named():
            if party.does == CALLS_FIRST:
                self.talk.parties.call(party, party.dials or to)
                self.talk.wait(HEAD_START_SECONDS)

    def add_caller(self, name: str, address: str, dials: str) -> None:
        """Name somebody who calls first, at this number, or "" for that of the scenario."""
        self.talk.parties.add(name, address, CALLS_FIRST).dials = dials

    def begin_action(self) -> None:
        """Note that something is done: what is heard from now on comes after it."""
        self.noted_at = self.talk.clock.seconds
        for heard in self.heard.values():
            heard.reset()

    def run_step(self, name: str, written: StepPartyAct, after: str = "") -> None:
        """What a step says of a party, `after` so long."""
        party, act = self.find_party(name), parse_party_act(written)
        if act == "is rung":
            self.check_rung(party, after)
        elif act == "is not rung":
            self.check_not_rung(party)
        elif act == "is free":
            self.check_free(party)
        elif act in ROOM_WORDS:
            check_participant(self.talk, self.talk.parties.find_call(party), name, str(act))
        elif isinstance(act, CalleeStep):
            (field,) = list_fields(act)
            self.run_long_form(party, field, getattr(act, field))
        else:
            self.act(party, str(act))

    def find_party(self, name: str) -> SimulatedParty:
        party = self.talk.parties.find(name)
        if party is None:
            raise NotPossibleError(f"there is no party {name}")
        return party

    def check_rung(self, party: SimulatedParty, after: str) -> None:
        """Their phone has rung once more than the steps before have said."""
        self.wait_for_placement(party)
        if party.matched == len(party.rings):
            raise ExpectationMissedError(f"{party.name} is not rung", "", describe_rings(self.talk))
        at = party.rings[party.matched]
        if after and round((at - self.noted_at) * 1000) != parse_millis(after):
            found = f"{at - self.noted_at:g}s"
            raise ExpectationMissedError(f"{party.name} is rung at another time", after, found)
        party.matched += 1
        self.noted_at = at

    def wait_for_placement(self, party: SimulatedParty) -> None:
        """Let time pass until they are called, where that was asked for."""
        placements, clock = self.talk.placements, self.talk.clock

        def is_due() -> bool:
            is_awaited = placements is not None and placements.is_awaited(party.address)
            return not is_awaited or party.matched < len(party.rings)

        clock.run(is_due)
        self.talk.settle()

    def check_not_rung(self, party: SimulatedParty) -> None:
        if party.matched < len(party.rings):
            raise ExpectationMissedError(f"{party.name} is rung")

    def check_free(self, party: SimulatedParty) -> None:
        """Their phone does not ring, and they are in no call."""
        leg = self.talk.parties.find_leg(party)
        if leg is not None and leg.state != "gone":
            found = "their phone rings" if leg.state == "ringing" else "they are in a call"
            raise ExpectationMissedError(f"{party.name} is not free", "", found)

    def run_long_form(self, party: SimulatedParty, field: str, value: Any) -> None:
        heard = self.heard.setdefault(party.name, HeardWords(party.get_heard_text, party.name))
        expectations: Mapping[str, Callable[[Any], None]] = {
            "hears": heard.check_hears,
            "hears_only": heard.check_hears_only,
            "does_not_hear": heard.check_does_not_hear,
        }
        if field in expectations:
            expectations[field](value)
        elif field == "presses":
            require_listener(self.acts.press(party, str(value)), "keys")
        else:
            require_listener(self.acts.say(party, str(value)), "words")

    def act(self, party: SimulatedParty, does: str) -> None:
        acts: Mapping[str, Callable[[SimulatedParty], None]] = {
            "calls": lambda one: self.acts.dial(one, one.dials),
            "answers": self.acts.answer,
            "accepts": self.acts.accept,
            "machine": self.acts.answer_as_machine,
            "rings out": self.acts.ring_out,
            "busy": lambda one: self.acts.reject(one, "busy"),
            "declines": lambda one: self.acts.reject(one, "decline"),
            "stays silent": self.acts.stay_silent,
            "hangs up": self.acts.hang_up,
        }
        acts[does](party)
        self.noted_at = self.acts.acted_at


def check_participant(
    talk: Conversation, call: SwitchCall | None, name: str, expected: str
) -> None:
    """How a call is in its conference: on hold, muted, or heard by the others."""
    found = talk.parties.find_participant(call)
    if found is None:
        raise ExpectationMissedError(f"{name} is in no conference")
    states = {"is on hold": found["onhold"], "is muted": found["muted"]}
    actual = [words for words, is_so in states.items() if is_so] or ["is heard"]
    if expected not in actual:
        raise ExpectationMissedError(f"{name} is otherwise", expected, " and ".join(actual))


def is_expectation(written: StepPartyAct) -> bool:
    """Whether a step of a party only looks at what is so."""
    act = parse_party_act(written)
    if isinstance(act, CalleeStep):
        return not HEARING_FIELDS.isdisjoint(list_fields(act))
    return act in PARTY_EXPECTATIONS


def describe_rings(talk: Conversation) -> str:
    """Whose phone rings just now."""
    ringing = [party.name for party in talk.parties.list_ringing(named=False)]
    return f"{' and '.join(ringing)} ring{'s' * (len(ringing) == 1)}" if ringing else "nobody rings"


def require_listener(heard: bool, what: str) -> None:
    if not heard:
        raise ExpectationMissedError(f"nobody listens to these {what} here")
