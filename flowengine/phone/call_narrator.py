"""Tells a call line by line: when, who, and what; for a terminal or for a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from flowengine.phone.call_prompt import describe_waiting
from flowengine.phone.explain_callbacks import get_trace
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.event_descriptions import WORDS_BY_COMMAND
from flowengine.scenarios.then_checks import list_recording_urls
from flowengine.states import OrchestrationResult
from flowengine.switch.switch_events import (
    AnswerReceived,
    Asks,
    CallEnded,
    Finding,
    Heard,
    Joined,
    Left,
    MenuWaits,
    ParticipantChanged,
    Picked,
    Remark,
    Ringing,
    Sound,
    SwitchEvent,
)

PLATFORM = "platform"
APOLOGISED = "the flow apologised: "
MISHAPS = (
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

    def add_callback(self, happening: Asks | AnswerReceived, about: str = "") -> None:
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

    def show_event(self, happening: SwitchEvent) -> None:
        """Show an event, as far as a person could hear it or should know of it."""
        if self.talk.is_of_other_call(happening) or self.talk.is_of_ring(happening):
            return
        if isinstance(happening, Left):
            self.departed.append(self.name_party(happening.role))
            return
        if not isinstance(happening, CallEnded):
            self.show_departed()
        self.departed.clear()
        if isinstance(happening, (Asks, AnswerReceived)):
            self.show_callback(happening)
        elif isinstance(happening, Remark):
            self.show_remark(happening)
        elif isinstance(happening, Heard):
            self.show_sound(happening)
        elif said := self.describe_event(happening):
            self.add_line(*said)

    def show_sound(self, happening: Heard) -> None:
        """Show what is heard; of ringing, the line about the phone that rings says enough."""
        if happening.sound.kind != "ringing":
            self.line_count += 1
            what = f"hears {describe_sound(happening.sound)}"
            self.transcript.add_sound(self.name_party(happening.role), what, happening.sound)

    def show_remark(self, happening: Remark) -> None:
        """What the platform takes otherwise than its author may expect."""
        for finding in happening.illegal:
            self.add_line(
                PLATFORM, f"refuses {happening.about}: {format_finding(finding)}", bad=True
            )
        for finding in happening.tolerated:
            self.add_line(PLATFORM, f"remarks on {happening.about}: {format_finding(finding)}")

    def show_departed(self) -> None:
        """Somebody has left a call that goes on."""
        for who in self.departed:
            self.add_line(who, "is gone")

    def describe_event(self, happening: SwitchEvent) -> tuple[str, str] | None:
        if isinstance(happening, MenuWaits):
            return (
                None
                if self.transcript.shows_prompts
                else (PLATFORM, f"waits {describe_waiting(self.talk, happening)}")
            )
        if isinstance(happening, Picked) and self.talk.phase != "picked":
            return PLATFORM, f"answers the {self.name_party(happening.role)}"
        if isinstance(happening, Ringing):
            caller_id = f" with caller ID {happening.cli}" if happening.cli else ""
            return PLATFORM, f"calls {happening.to}{caller_id}"
        if isinstance(happening, Joined | ParticipantChanged):
            return self.near, describe_joined(happening)
        return (PLATFORM, describe_ended(happening)) if isinstance(happening, CallEnded) else None

    def show_ring_result(self, exit_name: str, svaml: bytes) -> None:
        """What a flow answers when a ring is over: to nobody's callback, but like one."""
        now = self.talk.clock.now()
        kind = OrchestrationResult.kind
        answer = AnswerReceived(self.talk.call.id, now, kind, "", 200, svaml, "", (), ())
        self.show_callback(answer, f"ring: {exit_name}")

    def show_callback(self, happening: Asks | AnswerReceived, about: str = "") -> None:
        self.transcript.add_callback(happening, about)
        if isinstance(happening, Asks):
            if happening.event == "notify":
                self.add_line(PLATFORM, f"gives notice: {describe_notice(happening.body)}")
            return
        if happening.failure:
            self.add_line(
                PLATFORM, f"gets no answer to {happening.event}: {happening.failure}", bad=True
            )
        for finding in happening.illegal:
            self.add_line(
                PLATFORM,
                f"refuses the answer to {happening.event}: {format_finding(finding)}",
                bad=True,
            )
        for reason in list_failure_reasons(get_trace(self.talk, happening)):
            self.add_line("-", reason, bad=reason.startswith(APOLOGISED))
        if not happening.failure and not happening.illegal:
            for place in list_recording_urls(happening.body):
                self.add_line(PLATFORM, f"records to {place or 'a place of its own'}")


def list_failure_reasons(trace: Sequence[TraceEntry]) -> list[str]:
    """Why a flow took another way than its author meant, or said less.

    >>> list_failure_reasons([TraceEntry("line", "look_up", "failed"), TraceEntry("line", "look_up", "fetch failed: 500")])
    ['line.look_up: fetch failed: 500']
    """
    found = [
        f"{entry.flow}.{entry.state}: {entry.what}".removeprefix(".: ")
        for entry in trace
        if entry.what.startswith(MISHAPS)
    ]
    if any(entry.what == "apology" for entry in trace):
        found[-1:] = [f"{APOLOGISED}{why}" for why in found[-1:]]
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


def describe_joined(happening: Joined | ParticipantChanged) -> str:
    if isinstance(happening, ParticipantChanged):
        return WORDS_BY_COMMAND[happening.command]
    if happening.kind == "park":
        return "is parked"
    if happening.kind == "conference":
        return f"is in conference {happening.to}"
    return f"is connected to {happening.to or 'nobody'}"


def describe_ended(happening: CallEnded) -> str:
    return f"ends the call: {happening.result}, {happening.reason}, {happening.duration} s"


def describe_notice(body: bytes) -> str:
    """A notify in words."""
    told: dict[str, Any] = msgspec.json.decode(body)
    amd = told.get("amd") or {}
    return " ".join(
        str(part)
        for part in (told.get("type"), told.get("destination"), told.get("errorMsg"), *amd.values())
        if part
    )
