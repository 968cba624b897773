"""What happens on a call, line by line: when, who, and what."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import click
import msgspec

from flowengine.cli.phone.beside import trace_of
from flowengine.cli.phone.waiting import awaited
from flowengine.runtime.step import Entry
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.verdict import recordings
from flowengine.switch.happenings import (
    Asked,
    Asks,
    Ended,
    Finding,
    Happening,
    Heard,
    Joined,
    Left,
    Picked,
    Remark,
    Ringing,
    Sound,
    Told,
)

PLATFORM = "platform"
COLOURS = {PLATFORM: "blue", "callee": "magenta", "caller": "cyan", "person": "cyan"}
APOLOGISED = "the flow apologised: "
MISHAPS = (
    *("failed: ", "fetch failed: ", "too many ", "no flow answers"),
    *("asks without ", "left out: ", "cut: ", "valid: "),
)
"""How the lines of a trace begin that tell of something an author did not mean"""
Beside = Callable[[Asks | Told], list[str]]


@dataclass
class Screen:
    """Shows a call as it goes. `width` 0 wraps nothing; `beside` explains callbacks and answers."""

    talk: Conversation
    near: str
    width: int = 0
    colour: bool = False
    prompts: bool = False
    """What is waited for stands in a prompt, so it needs no line"""
    beside: Beside | None = None
    shown: int = 0
    """How many lines there have been"""
    gone: list[str] = field(default_factory=list)

    def line(self, who: str, what: str, *, bad: bool = False) -> None:
        """One thing that somebody does."""
        self.shown += 1
        head = f"{clock(self.talk.clock.seconds):>5}  {who:<9}  "
        for number, text in enumerate(self.wrapped(what, len(head))):
            start = head if not number else " " * len(head)
            print(self.styled(who, start, text, bad=bad) if self.colour else start + text)

    def styled(self, who: str, start: str, text: str, *, bad: bool) -> str:
        """Words that are heard stand out."""
        heard = text.startswith(('hears "', 'says "'))
        coloured = start.replace(who, click.style(who, fg=COLOURS.get(who, "yellow")), 1)
        return coloured + click.style(text, fg="red" if bad else None, bold=bad or heard or None)

    def wrapped(self, what: str, indent: int) -> list[str]:
        return (
            textwrap.wrap(what, max(20, self.width - indent), break_on_hyphens=False)
            if self.width
            else [what]
        )

    def aside(self, lines: list[str]) -> None:
        """What is not part of the conversation."""
        for text in lines:
            print(click.style(text, dim=True) if self.colour else text)

    def who(self, role: str) -> str:
        """Who is at this end of the call."""
        near = self.talk.near()
        return self.near if near is None or near.role == role else "callee"

    def saw(self, happening: Happening) -> None:
        """Show what happens, as far as somebody could hear or should know of it."""
        if isinstance(happening, Left):
            self.gone.append(self.who(happening.role))
            return
        if not isinstance(happening, Ended):
            self.left()
        self.gone.clear()
        if isinstance(happening, (Asks, Told)):
            self.callback(happening)
        elif isinstance(happening, Remark):
            self.remark(happening)
        elif said := self.sentence(happening):
            self.line(*said)

    def remark(self, happening: Remark) -> None:
        """What the platform takes otherwise than its author may expect."""
        for finding in happening.illegal:
            self.line(PLATFORM, f"refuses {happening.about}: {placed(finding)}", bad=True)
        for finding in happening.tolerated:
            self.line(PLATFORM, f"remarks on {happening.about}: {placed(finding)}")

    def left(self) -> None:
        """Somebody has left a call that goes on."""
        for who in self.gone:
            self.line(who, "is gone")

    def sentence(self, happening: Happening) -> tuple[str, str] | None:
        if isinstance(happening, Heard) and happening.sound.kind != "ringing":
            return self.who(happening.role), f"hears {sounding(happening.sound)}"
        if isinstance(happening, Asked):
            return None if self.prompts else (PLATFORM, f"waits {awaited(self.talk, happening)}")
        if isinstance(happening, Picked) and self.talk.phase != "picked":
            return PLATFORM, f"answers the {self.who(happening.role)}"
        if isinstance(happening, Ringing):
            showing = f", showing {happening.cli}" if happening.cli else ""
            return PLATFORM, f"calls {happening.to}{showing}"
        if isinstance(happening, Joined):
            return self.near, joined(happening)
        return (PLATFORM, ended(happening)) if isinstance(happening, Ended) else None

    def callback(self, happening: Asks | Told) -> None:
        if self.beside is not None:
            self.aside(self.beside(happening))
        if isinstance(happening, Asks):
            if happening.event == "notify":
                self.line(PLATFORM, f"gives notice: {notice(happening.body)}")
            return
        if happening.failure:
            self.line(
                PLATFORM, f"gets no answer to {happening.event}: {happening.failure}", bad=True
            )
        for finding in happening.illegal:
            self.line(
                PLATFORM,
                f"refuses the answer to {happening.event}: {placed(finding)}",
                bad=True,
            )
        for reason in reasons(trace_of(self.talk, happening)):
            self.line("-", reason, bad=reason.startswith(APOLOGISED))
        if not happening.failure and not happening.illegal:
            for place in recordings(happening.body):
                self.line(PLATFORM, f"records to {place or 'a place of its own'}")


def reasons(trace: Sequence[Entry]) -> list[str]:
    """Why a flow took another way than its author meant, or said less.

    >>> reasons([Entry("line", "look_up", "failed"), Entry("line", "look_up", "fetch failed: 500")])
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


def clock(seconds: float) -> str:
    """Minutes and seconds.

    >>> clock(65.2)
    '1:05'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def placed(finding: Finding) -> str:
    """What was found, after its place where it has one."""
    return ": ".join(filter(None, (finding.where, finding.message)))


def sounding(sound: Sound) -> str:
    """What a sound is like to whoever hears it."""
    if sound.kind == "speech":
        return f'"{sound.text}"'
    plain = {"beep": "a beep", "error": "that something went wrong"}
    return plain.get(sound.kind) or f"{sound.kind}: {sound.text}"


def joined(happening: Joined) -> str:
    if happening.kind == "park":
        return "is parked"
    if happening.kind == "conference":
        return f"is in conference {happening.to}"
    return f"is connected to {happening.to or 'nobody'}"


def ended(happening: Ended) -> str:
    return f"ends the call: {happening.result}, {happening.reason}, {happening.duration} s"


def notice(body: bytes) -> str:
    """What the platform tells apart from the conversation."""
    told: dict[str, Any] = msgspec.json.decode(body)
    amd = told.get("amd") or {}
    return " ".join(
        str(part)
        for part in (told.get("type"), told.get("destination"), told.get("errorMsg"), *amd.values())
        if part
    )
