"""Calls as text: one line each, or one call as the conversation that it was."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from flowengine.journal.reader import Call, Step
from flowengine.svaml import RunMenu
from flowengine.svaml.menus import heard

MARKUP = re.compile(r"#(?:tts|ssml|href)\[([^\]]*)\];?")


def listing(calls: Iterable[Call]) -> str:
    """Calls, one in a line, what is alike one below the other."""
    rows = [columns(call) for call in calls]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(part.ljust(width) for part, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def columns(call: Call) -> tuple[str, ...]:
    parties = " to ".join(
        found
        for found in (call.event.get("cli", ""), call.event.get("to", {}).get("endpoint", ""))
        if found
    )
    ended = f"{call.seconds} s, {call.reason.lower()}" if call.ended else "under way"
    outcome = "" if call.outcome == "answered" else call.outcome.upper()
    return moment(call.at), call.call, call.release, call.flow, parties, ended, call.exit, outcome


def conversation(steps: Sequence[Step]) -> str:
    """A call from its first callback to its last."""
    return "\n".join(told(steps))


def told(steps: Sequence[Step]) -> Iterator[str]:
    release = ""
    for step in steps:
        if step.release != release:
            release = step.release
            yield f"on release {release}"
        yield f"{moment(step.at)}  {heading(step)}"
        yield from (f"    {entry}" for entry in step.shown["trace"])
        yield from (f"    {lookup}" for lookup in step.shown.get("lookups", ()))
        yield from (f"  > {said}" for said in answer(step.shown["answer"]))
        if step.outcome != "answered":
            yield f"  ! {step.outcome}"


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def heading(step: Step) -> str:
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
    }
    return f"{step.event}  {words[step.event]}".rstrip()


def answer(said: Mapping[str, Any]) -> Iterator[str]:
    """What was answered, in words: instructions, then the action."""
    for instruction in said.get("instructions", ()):
        yield worded(instruction)
    action = said.get("action")
    if action:
        yield worded(action)
        yield from (
            f"  {plain(menu['mainPrompt'])}" for menu in menus(action) if menu.get("mainPrompt")
        )


def menus(action: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The menus that a caller may come to."""
    if "menus" not in action:
        return []
    return [msgspec.to_builtins(menu) for menu in heard(msgspec.convert(action, RunMenu))]


def worded(part: Mapping[str, Any]) -> str:
    values = [
        plain(value)
        for name, value in part.items()
        if name not in ("name", "locale", "menus", "mainMenu")
    ]
    return " ".join([part["name"], *filter(None, values)])


def plain(value: Any) -> str:
    """A value as one reads it: the innermost texts and numbers."""
    if isinstance(value, dict):
        return " ".join(filter(None, map(plain, value.values())))
    if isinstance(value, list):
        return " ".join(filter(None, map(plain, value)))
    return "" if isinstance(value, bool) else MARKUP.sub(r"\1 ", str(value)).strip()
