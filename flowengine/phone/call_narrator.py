"""Tells a call line by line: when, who, and what; for a terminal or for a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from flowengine.phone.call_prompt import describe_waiting
from flowengine.phone.explain_callbacks import get_trace
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.event_descriptions import STATES_BY_COMMAND
from flowengine.scenarios.then_checks import list_recording_urls
from flowengine.states import OrchestrationResult
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    CallEnded,
    Finding,
    LegJoined,
    LegLeft,
    LegPickedUp,
    LegRinging,
    MenuListening,
    ParticipantChanged,
    Remark,
    Sound,
    SoundStarted,
    SwitchEvent,
)

PLATFORM = "platform"
APOLOGY_PREFIX = "the flow apologised: "
FAILURE_PREFIXES = (
    *("failed: ", "fetch failed: ", "too many ", "no flow answers"),
    *("asks without ", "left out: ", "cut: ", "valid: "),
)
"""How the lines of a trace begin that tell of something an author did not mean"""


class CallTranscript(Protocol):
    """Where the lines of a call go."""

    shows_prompts: bool
    """What is waited for stands in a prompt, so it needs no line"""

    def add_line(self, who: str, what: str, *, bad: bool = False) -> None:
        """Add one act of a party."""
        ...

    def add_sound(self, who: str, what: str, sound: Sound) -> None:
        """Add what is heard."""
        ...

    def add_callback(self, event: CallbackSent | AnswerReceived, about: str = "") -> None:
        """Add a callback or the answer to it, of which `about` says more."""
        ...


@dataclass
class CallNarrator:
    """Tells the events of a call, as far as a person could hear them or should know of them. `near`
    is what the person at the phone is called.
    """

    talk: Conversation
    near: str
    transcript: CallTranscript
    line_count: int = 0
    """How many lines there have been"""
    departed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Hear of the call, and of what parties of a ring do."""
        self.talk.exchange.subscribe(self.show_event)
        self.talk.on_party_line = self.add_line
        self.talk.rings.on_release = self.show_ring_result

    def add_line(self, who: str, what: str, *, bad: bool = False) -> None:
        """Add one act of a party."""
        self.line_count += 1
        self.transcript.add_line(who, what, bad=bad)

    def name_party(self, role: str) -> str:
        """Who is at this end of the call."""
        near = self.talk.get_near_leg()
        return self.near if near is None or near.role == role else "callee"

    def show_event(self, event: SwitchEvent) -> None:
        """Show an event, as far as a person could hear it or should know of it."""
        if self.talk.is_of_other_call(event) or self.talk.is_of_ring(event):
            return
        if isinstance(event, LegLeft):
            self.departed.append(self.name_party(event.role))
            return
        if not isinstance(event, CallEnded):
            self.show_who_has_left()
        self.departed.clear()
        if isinstance(event, (CallbackSent, AnswerReceived)):
            self.show_callback(event)
        elif isinstance(event, Remark):
            self.show_remark(event)
        elif isinstance(event, SoundStarted):
            self.show_sound(event)
        elif said := self.describe_event(event):
            self.add_line(*said)

    def show_sound(self, event: SoundStarted) -> None:
        """Show what is heard; of ringing, the line about the phone that rings says enough."""
        if event.sound.kind != "ringing":
            self.line_count += 1
            what = f"hears {describe_sound(event.sound)}"
            self.transcript.add_sound(self.name_party(event.role), what, event.sound)

    def show_remark(self, event: Remark) -> None:
        """What the platform takes otherwise than its author may expect."""
        for finding in event.illegal:
            self.add_line(PLATFORM, f"refuses {event.about}: {format_finding(finding)}", bad=True)
        for finding in event.tolerated:
            self.add_line(PLATFORM, f"remarks on {event.about}: {format_finding(finding)}")

    def show_who_has_left(self) -> None:
        """Somebody has left a call that goes on."""
        for who in self.departed:
            self.add_line(who, "is gone")

    def describe_event(self, event: SwitchEvent) -> tuple[str, str] | None:
        if isinstance(event, MenuListening):
            return (
                None
                if self.transcript.shows_prompts
                else (PLATFORM, f"waits {describe_waiting(self.talk, event)}")
            )
        if isinstance(event, LegPickedUp) and self.talk.phase != "picked":
            return PLATFORM, f"answers the {self.name_party(event.role)}"
        if isinstance(event, LegRinging):
            caller_id = f" with caller ID {event.cli}" if event.cli else ""
            return PLATFORM, f"calls {event.to}{caller_id}"
        if isinstance(event, LegJoined | ParticipantChanged):
            return self.near, describe_joined(event)
        return (PLATFORM, describe_ended(event)) if isinstance(event, CallEnded) else None

    def show_ring_result(self, exit_name: str, svaml: bytes) -> None:
        """What a flow answers when a ring is over: to nobody's callback, but like one."""
        now = self.talk.clock.now()
        kind = OrchestrationResult.kind
        answer = AnswerReceived(self.talk.call.id, now, kind, "", 200, svaml, "", (), ())
        self.show_callback(answer, f"ring: {exit_name}")

    def show_callback(self, event: CallbackSent | AnswerReceived, about: str = "") -> None:
        self.transcript.add_callback(event, about)
        if isinstance(event, CallbackSent):
            if event.event == "notify":
                self.add_line(PLATFORM, f"gives notice: {describe_notice(event.body)}")
            return
        if event.failure:
            self.add_line(
                PLATFORM,
                f"gets no answer to {event.event}: {event.failure}",
                bad=True,
            )
        for finding in event.illegal:
            self.add_line(
                PLATFORM,
                f"refuses the answer to {event.event}: {format_finding(finding)}",
                bad=True,
            )
        for reason in list_failure_reasons(get_trace(self.talk, event)):
            self.add_line("-", reason, bad=reason.startswith(APOLOGY_PREFIX))
        if not event.failure and not event.illegal:
            for place in list_recording_urls(event.body):
                self.add_line(PLATFORM, f"records to {place or 'a place of its own'}")


def list_failure_reasons(trace: Sequence[TraceEntry]) -> list[str]:
    """Why a flow took another way than its author meant, or said less.

    >>> list_failure_reasons([TraceEntry("line", "look_up", "failed"), TraceEntry("line", "look_up", "fetch failed: 500")])
    ['line.look_up: fetch failed: 500']
    """
    found = [
        f"{entry.flow}.{entry.state}: {entry.what}".removeprefix(".: ")
        for entry in trace
        if entry.what.startswith(FAILURE_PREFIXES)
    ]
    if any(entry.what == "apology" for entry in trace):
        found[-1:] = [f"{APOLOGY_PREFIX}{why}" for why in found[-1:]]
    return found


def format_finding(finding: Finding) -> str:
    """What was found, after its place where it has one."""
    return ": ".join(filter(None, (finding.where, finding.message)))


def describe_sound(sound: Sound) -> str:
    """A sound in words."""
    if sound.kind == "speech":
        return f'"{sound.text}"'
    if sound.kind == "pause":
        return f"nothing for {sound.seconds:g} s"
    plain = {"beep": "a beep", "error": "that something went wrong"}
    return plain.get(sound.kind) or f"{sound.kind}: {sound.text}"


def describe_joined(event: LegJoined | ParticipantChanged) -> str:
    if isinstance(event, ParticipantChanged):
        return STATES_BY_COMMAND[event.command]
    if event.kind == "park":
        return "is parked"
    if event.kind == "conference":
        return f"is in conference {event.to}"
    return f"is connected to {event.to or 'nobody'}"


def describe_ended(event: CallEnded) -> str:
    return f"ends the call: {event.result}, {event.reason}, {event.duration} s"


def describe_notice(body: bytes) -> str:
    """A notify in words."""
    told: dict[str, Any] = msgspec.json.decode(body)
    amd = told.get("amd") or {}
    return " ".join(
        str(part)
        for part in (told.get("type"), told.get("destination"), told.get("errorMsg"), *amd.values())
        if part
    )
