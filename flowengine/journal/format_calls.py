"""Calls as text: one line each, or one call as the conversation that it was."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from flowengine.journal.journal_entries import CallbackEntry, CallSummary
from flowengine.journal.leg_rows import JournalLeg
from flowengine.problems import to_printable
from flowengine.svaml import RunMenu
from flowengine.svaml.menu_checks import list_reachable_menus

MARKUP_PATTERN = re.compile(r"#(?:tts|ssml|href)\[([^\]]*)\];?")
MAX_COLUMN_WIDTH = 60


def format_call_list(calls: Iterable[CallSummary]) -> str:
    """Calls, one in a line, what is alike one below the other."""
    rows = [tuple(map(to_printable, format_columns(call))) for call in calls]
    # one cell that is longer, such as a strange call id, must not push all lines apart
    widths = [min(max(map(len, column)), MAX_COLUMN_WIDTH) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def format_columns(call: CallSummary) -> tuple[str, ...]:
    parties = " to ".join(
        found
        for found in (call.event.get("cli", ""), call.event.get("to", {}).get("endpoint", ""))
        if found
    )
    ended = f"{call.seconds} s, {call.reason.lower()}" if call.ended else "under way"
    outcome = "" if call.outcome == "answered" else call.outcome.upper()
    return (
        format_time(call.at),
        call.call,
        call.release,
        call.leg.describe().replace(" call ", " ") if call.leg else call.flow,
        parties,
        ended,
        call.exit,
        outcome,
    )


def format_conversation(steps: Sequence[CallbackEntry]) -> str:
    """A call from its first callback to its last. Those of a caller may have those of the caller's
    legs among them, a line each.
    """
    return "\n".join(map(to_printable, format_callbacks(steps)))


def format_callbacks(steps: Sequence[CallbackEntry]) -> Iterator[str]:
    release = machine = ""
    own_leg = steps[0].leg
    if own_leg:
        yield own_leg.describe()
    for step in steps:
        if step.leg and not own_leg:
            yield f"{format_time(step.at)}  {format_leg_callback(step, step.leg)}"
            continue
        if step.release != release:
            release = step.release
            yield f"on release {release}"
        if step.machine != machine:
            machine = step.machine
            yield f"on machine {machine}"
        yield f"{format_time(step.at)}  {format_heading(step)}"
        yield from (f"    {entry}" for entry in step.shown["trace"])
        yield from (f"    {lookup}" for lookup in step.shown.get("lookups", ()))
        yield from (f"  > {said}" for said in format_answer(step.shown["answer"]))
        if step.outcome != "answered":
            yield f"  ! {step.outcome}"


def format_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def format_leg_callback(step: CallbackEntry, leg: JournalLeg) -> str:
    """What a callback says of a leg, in words."""
    event = step.shown["event"]
    words = ", ".join(entry.partition(": ")[2] for entry in step.shown["trace"])
    to = event.get("to", {}).get("endpoint", "") if step.event == "ice" else ""
    seconds = f"after {event['duration']} s" if event.get("duration") else ""
    name = f"{'placed call' if leg.is_placed else 'leg'} {leg.number}"
    return "  ".join(filter(None, (name, step.call, f"{words} {to}{seconds}".strip())))


def format_heading(step: CallbackEntry) -> str:
    """What came, in words."""
    event = step.shown["event"]
    menu, to = event.get("menuResult", {}), event.get("to", {}).get("endpoint", "")
    words = {
        "ice": f"{event.get('cli') or 'somebody'} calls {to}",
        "ace": " ".join(["answered", *event.get("amd", {}).values()][:2]),
        "pie": " ".join(part for part in (menu.get("type", ""), menu.get("value", "")) if part),
        "dice": f"ended: {event.get('result', '')} {event.get('reason', '')}, "
        f"{event.get('duration', 0)} s",
        "notify": event.get("type", ""),
        "orchestration": event.get("exit", ""),
        "announcement": f"number {event.get('position', '')}",
    }
    return f"{step.event}  {words[step.event]}".rstrip()


def format_answer(said: Mapping[str, Any]) -> Iterator[str]:
    """What was answered, in words: instructions, then the action."""
    for instruction in said.get("instructions", ()):
        yield format_part(instruction)
    action = said.get("action")
    if action:
        yield format_part(action)
        yield from (
            f"  {format_value(menu['mainPrompt'])}"
            for menu in decode_menus(action)
            if menu.get("mainPrompt")
        )


def decode_menus(action: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The menus that a caller may come to."""
    if "menus" not in action:
        return []
    return [
        msgspec.to_builtins(menu) for menu in list_reachable_menus(msgspec.convert(action, RunMenu))
    ]


def format_part(part: Mapping[str, Any]) -> str:
    values = [
        format_value(value)
        for name, value in part.items()
        if name not in ("name", "locale", "menus", "mainMenu")
    ]
    return " ".join([part["name"], *filter(None, values)])


def format_value(value: Any) -> str:
    """A value as one reads it: the innermost texts and numbers."""
    if isinstance(value, dict):
        return " ".join(filter(None, map(format_value, value.values())))
    if isinstance(value, list):
        return " ".join(filter(None, map(format_value, value)))
    return "" if isinstance(value, bool) else MARKUP_PATTERN.sub(r"\1 ", str(value)).strip()
