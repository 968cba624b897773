"""Findings on answers that are legal, but do not do what their author expects."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from flowengine.svaml import Continue
from flowengine.switch.reading import SvamlReading
from flowengine.switch.switch_events import Finding

ANSWER_TOO_LATE: Final = Finding(
    "",
    "the call had gone on before this answer came, which has no effect",
    "answer sooner, and manage calls that go on by PATCH",
)
_NO_EFFECT: Final = Finding(
    "", "what answers the keys of a conference has no effect", "answer with {}"
)
_MISSING_ACTION_CURES: Final = {
    "ice": 'say what shall become of the call: "action": {"name": "hangup"}, or whom to connect',
    "ace": 'say so: "action": {"name": "continue"}',
    "pie": 'say what comes next: "action": {"name": "hangup"}, or another menu',
}


def describe_missing_action(event: str, policy: str) -> Finding:
    """The finding for an answer without an action; `policy` is the action that takes its place."""
    message = "there is no action"
    if policy != "error":
        message += f"; the setting empty_{event} makes it {policy}"
    return Finding("action", message, _MISSING_ACTION_CURES[event])


def describe_missing_pie(from_app: bool, waits: bool) -> Finding:
    """The finding for the result of a menu that no callback reports."""
    if not from_app:
        return Finding(
            "",
            "a menu has ended, but no PIE is sent, so the call ends",
            "place the callout with enablePie, or with a pie of its own",
        )
    then = "the caller waits until somebody hangs up" if waits else "the call ends"
    return Finding(
        "",
        f"a menu has ended, but calls from apps have no PIE; {then} (setting pie_for_apps)",
        "connect calls from apps without asking, or let the app send what it knows as call headers",
    )


def mark_without_effect(reading: SvamlReading) -> SvamlReading:
    """The answer, with a finding if it says anything, as no one carries it out."""
    idle = reading.action is None or isinstance(reading.action, Continue)
    if idle and not reading.instructions and not reading.illegal:
        return replace(reading, tolerated=())
    return replace(reading, illegal=(), tolerated=(_NO_EFFECT,))
