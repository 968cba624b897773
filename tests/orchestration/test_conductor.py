"""Rings told as stories: what happens on the left, what follows on the right."""

from typing import Any

import pytest

from flowengine.orchestration.conductor import Turn, conduct, list_addresses
from flowengine.orchestration.ring_state import Ring, decode_ring, encode_ring
from flowengine.orchestration.turn import (
    AgentFacts,
    AskMember,
    CallerLeft,
    CallerReleased,
    CancelLeg,
    DialMember,
    EndCaller,
    EndLeg,
    HangUpLeg,
    JoinRoom,
    LegAnswered,
    LegAsked,
    LegEnded,
    LegPlaced,
    LegPressed,
    LegRefused,
    OrchestrationEvent,
    PlaceLeg,
    ReleaseCaller,
    RingBegan,
    TimerDue,
)
from flowengine.states.ring_plan import RingMember, RingPlan

NAMES = ("anna", "bo", "cy")
MEMBERS = tuple(RingMember("number", name) for name in NAMES)
EXITS = frozenset({"busy", "no_answer", "after"})

STORIES: dict[str, tuple[dict[str, Any], str]] = {
    "the second takes it by key, and the caller goes on when they hang up": ({}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna ends noanswer  : place bo
        bo is asked for     : dial for 20 s
        bo answers          : whisper
        bo presses 1        : join
        bo ends answered    : release after
    """),
    "without a whisper the first who answers has the call": ({"order": "all at once", "whisper": ""}, """
        begins              : place anna, place bo, place cy
        anna is asked for   : dial for 20 s
        bo is asked for     : dial for 20 s
        bo answers          : hang up anna, drop cy, join
        cy is asked for     : end
        anna answers        : say Taken.
        anna ends answered  : -
        bo ends answered    : release after
    """),
    "of two who press in the same moment one is told that the call is taken": ({"order": "all at once"}, """
        begins              : place anna, place bo, place cy
        anna is asked for   : dial for 20 s
        bo is asked for     : dial for 20 s
        cy is refused       : drop cy
        anna answers        : whisper
        bo answers          : whisper
        bo presses 1        : hang up anna, join
        anna presses 1      : say Taken.
    """),
    "a wrong key or silence lets the next one ring at once": ({}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna answers        : whisper
        anna presses        : place bo, end
        anna presses        : end
        bo is asked for     : dial for 20 s
        bo ends busy        : place cy
        cy is refused       : drop cy, release nobody
    """),
    "a member who hangs up in the whisper has declined": ({}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna answers        : whisper
        anna ends answered  : place bo
    """),
    "all are busy": ({}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna ends busy      : place bo
        bo is asked for     : dial for 20 s
        bo ends busy        : place cy
        cy is asked for     : dial for 20 s
        cy ends busy        : release busy
        is released         : -
    """),
    "nobody answers": ({"order": "all at once"}, """
        begins              : place anna, place bo, place cy
        anna is asked for   : dial for 20 s
        bo is asked for     : dial for 20 s
        cy is asked for     : dial for 20 s
        anna ends noanswer  : -
        bo ends noanswer    : -
        cy ends noanswer    : release no_answer
    """),
    "without these exits both are nobody": ({"exits": frozenset()}, """
        cy, bo are occupied : -
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna ends busy      : release nobody
    """),
    "without after the caller is hung up when the member leaves": ({"exits": frozenset(), "whisper": ""}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna answers        : join
        anna ends answered  : end caller
    """),
    "members of other rings are left out": ({}, """
        anna, bo are occupied : -
        begins              : place cy
        cy is asked for     : dial for 20 s
        cy ends busy        : release busy
    """),
    "a member of another ring has their turn when they are free by then": ({}, """
        anna is occupied    : -
        begins              : place bo
        bo is asked for     : dial for 20 s
        anna is free        : -
        bo ends noanswer    : place anna
    """),
    "when all are occupied it is as if all were busy": ({}, """
        anna, bo, cy are occupied : -
        begins              : release busy
    """),
    "round robin begins with the one who was rung longest ago": ({"order": "round robin"}, """
        anna was rung       : -
        bo was rung         : -
        begins              : place cy
        cy is asked for     : dial for 20 s
        cy ends noanswer    : place anna
    """),
    "longest idle begins with the one who had no call for the longest time": ({"order": "longest idle"}, """
        anna had a call     : -
        cy had a call       : -
        begins              : place bo
        bo is asked for     : dial for 20 s
        bo ends noanswer    : place anna
    """),
    "a second call for one request is ended, and its end says nothing": ({}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna is asked for, again by a second call : end
        the second call of anna ends : -
        anna is refused     : -
        anna answers        : whisper
        anna is placed      : -
        anna answers        : whisper
        anna presses 1      : join
        anna presses 1      : join
        anna answers        : join
    """),
    "the caller leaves while phones ring": ({"order": "all at once"}, """
        begins              : place anna, place bo, place cy
        anna is asked for   : dial for 20 s
        bo is asked for     : dial for 20 s
        bo answers          : whisper
        the caller leaves   : hang up anna, hang up bo, drop cy
        anna answers        : end
        bo presses 1        : end
        cy is asked for     : end
        the caller leaves   : -
    """),
    "the caller leaves before anything is done": ({}, """
        the caller leaves   : -
        begins              : -
    """),
    "the caller leaves the member": ({"whisper": ""}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna answers        : join
        the caller leaves   : hang up anna
        anna ends answered  : -
    """),
    "a leg that never reports is over in the end": ({}, """
        begins              : place anna
        after 19 s          : -
        after 1 s           : drop anna, place bo
        bo is asked for     : dial for 20 s
        after 29 s          : -
        after 1 s           : hang up bo, place cy
        bo answers          : end
    """),
    "a caller may be in one ring after the other": ({"exits": frozenset({"after"})}, """
        begins              : place anna
        anna is asked for   : dial for 20 s
        anna ends noanswer  : place bo
        bo is asked for     : dial for 20 s
        bo ends noanswer    : place cy
        cy is asked for     : dial for 20 s
        cy answers          : whisper
        cy presses          : release nobody, end
        begins              : -
        begins again        : place anna
        is released         : -
        cy ends answered    : -
        anna is asked for   : dial for 20 s
    """),
}  # fmt: skip


class Story:
    """A ring, and the words for what happens to it."""

    def __init__(self, changes: dict[str, Any]) -> None:
        values: dict[str, Any] = {
            "room": "room", "members": MEMBERS, "order": "in turn", "each": 20, "cli": "+46", "locale": "en-US",
            "whisper": "A call.", "taken": "Taken.", "exits": EXITS, **changes,
        }  # fmt: skip
        self.plan = RingPlan(**values)
        self.ring: Ring | None = Ring(id="call-1")
        self.agents: dict[str, AgentFacts] = {}
        self.attempts: dict[str, int] = {}
        self.number = 1
        self.now = 1000.0
        self.timers: dict[str, float] = {}

    def tell(self, what: str) -> str:
        """Let this happen, and return what follows."""
        who, _, does = what.partition(" ")
        if what.startswith("after "):
            return self.wait(float(what.split()[1]))
        if "occupied" in what or "free" in what:
            for name in NAMES:
                if name in what:
                    other = "another" if "occupied" in what else ""
                    self.agents[name] = AgentFacts(name, other)
            return "-"
        if does == "was rung":
            self.agents[who] = AgentFacts(who, rung_at=float(len(self.agents) + 1))
            return "-"
        if does == "had a call":
            self.agents[who] = AgentFacts(who, idle_since=float(len(self.agents) + 1))
            return "-"
        return self.take_turn(self.find_event(what))

    def find_event(self, what: str) -> OrchestrationEvent:
        if what in ("begins", "begins again"):
            self.number += what == "begins again"
            return RingBegan(self.number, self.plan)
        if what == "the caller leaves":
            return CallerLeft()
        if what == "is released":
            return CallerReleased(1)
        if what.startswith("the second call of "):
            name = what.split()[4]
            return LegEnded(self.attempts[name], f"{name}-second", "noanswer")
        return self.find_leg_event(*what.split())

    def find_leg_event(self, name: str, verb: str, *rest: str) -> OrchestrationEvent:
        attempt, call_id = self.attempts[name], f"{name}-{self.attempts[name]}"
        events: dict[str, OrchestrationEvent] = {
            "refused": LegRefused(attempt, ""),
            "placed": LegPlaced(attempt, f"{name}-second"),
            "asked": LegAsked(attempt, f"{name}-second" if "second" in rest else call_id),
            "answers": LegAnswered(attempt, call_id),
            "presses": LegPressed(attempt, call_id, "".join(rest)),
            "ends": LegEnded(attempt, call_id, "".join(rest)),
        }
        return events[rest[0] if verb == "is" else verb]

    def wait(self, seconds: float) -> str:
        """Let all timers run out that are due by then; the platform has said nothing."""
        self.now += seconds
        due = [key for key, at in self.timers.items() if at <= self.now]
        return ", ".join(self.take_turn(TimerDue(key)) for key in due) or "-"

    def take_turn(self, event: OrchestrationEvent) -> str:
        known = list_addresses(self.ring, event)
        assert known <= set(NAMES)
        turn = conduct(self.ring, event, self.now, self.agents)
        assert turn.ring is not None
        self.ring = decode_ring(encode_ring(turn.ring))
        self.agents |= {facts.address: facts for facts in turn.agents}
        return self.format_turn(turn)

    def format_turn(self, turn: Turn) -> str:
        is_taken = isinstance(turn.verdict, DialMember)
        effects = [one for one in turn.effects if not (is_taken and isinstance(one, CancelLeg))]
        words = [word for effect in effects if (word := self.format_effect(effect))]
        match turn.verdict:
            case DialMember(seconds=seconds):
                words.append(f"dial for {seconds} s")
            case AskMember("A call.", "en-US", "1", 8):
                words.append("whisper")
            case JoinRoom("room"):
                words.append("join")
            case EndLeg(text):
                words.append(f"say {text}" if text else "end")
        return ", ".join(words) or "-"

    def format_effect(self, effect: Any) -> str:
        names = {attempt: name for name, attempt in self.attempts.items()}
        match effect:
            case PlaceLeg(attempt, member):
                self.attempts[member.address] = attempt
                return f"place {member.address}"
            case CancelLeg(attempt):
                return f"drop {names[attempt]}"
            case HangUpLeg(attempt, call_id):
                assert call_id == f"{names[attempt]}-{attempt}"
                return f"hang up {names[attempt]}"
            case ReleaseCaller(exit=name):
                return f"release {name}"
            case EndCaller():
                return "end caller"
        if hasattr(effect, "seconds"):
            self.timers[effect.key] = self.now + effect.seconds
        else:
            self.timers.pop(effect.key)
        return ""


@pytest.mark.parametrize("name", STORIES)
def test_ring_goes_as_told(name: str) -> None:
    changes, text = STORIES[name]
    story = Story(changes)
    told = [line.rpartition(":")[0].strip() for line in text.strip().splitlines()]
    assert [f"{what}: {story.tell(what)}" for what in told] == [
        f"{what}: {line.rpartition(':')[2].strip()}"
        for what, line in zip(told, text.strip().splitlines(), strict=True)
    ]


def test_member_after_a_call_rests_before_the_next() -> None:
    story = Story({"whisper": "", "wrap_up": 30, "exits": frozenset({"after"})})
    for what in ("begins", "anna is asked for", "anna answers", "anna ends answered"):
        story.tell(what)
    assert story.agents["anna"] == AgentFacts(
        "anna", "", idle_since=1000.0, not_before=1030.0, rung_at=1000.0
    )
    assert story.tell("begins again") == "place bo"
    assert story.tell("bo is asked for") == "dial for 20 s"
    story.now += 30
    assert story.tell("bo ends busy") == "place anna"


def test_turn_of_a_forgotten_ring_ends_its_legs_and_does_nothing() -> None:
    for event in (LegAsked(1, "a"), LegAnswered(1, "a"), LegPressed(1, "a", "1")):
        assert conduct(None, event, 0.0, {}) == Turn(None, verdict=EndLeg())
    assert conduct(None, LegEnded(1, "a", "answered"), 0.0, {}) == Turn(None)
    assert conduct(None, CallerLeft(), 0.0, {}) == Turn(None)


def test_ring_of_another_format_is_not_read() -> None:
    ring = encode_ring(Ring(id="call-1"))
    assert decode_ring(ring) == Ring(id="call-1")
    assert decode_ring(ring.replace(b"\x01", b"\x02", 1)) is None
    assert decode_ring(b"\xff") is None
