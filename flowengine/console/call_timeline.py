"""One call as a timeline: what came, what was said, and the way through the flows, step by step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from flowengine.journal.format_calls import (
    decode_menus,
    format_answer,
    format_heading,
    format_leg_callback,
    format_value,
)
from flowengine.journal.journal_reader import CallbackEntry
from flowengine.journal.journal_row import NON_EXIT_PATTERN

SPEECH_NAMES = frozenset({"say", "playFiles"})
STEP_TITLES = {
    "ice": "Call comes in",
    "ace": "Answered",
    "pie": "Input",
    "dice": "End",
    "notify": "Notice",
    "orchestration": "Goes on",
    "announcement": "Announcement",
}

INPUT_WORDS = {
    "return": "chose",
    "sequence": "entered",
    "timeout": "stayed silent",
    "invalidinput": "did something else",
}
MENU_LINE = "runMenu"  # what it asks stands with what was said


@dataclass(frozen=True, slots=True)
class PassedState:
    """A state on the way, and what happened in it; `exit` is "" where it was not left."""

    flow: str
    state: str
    what: str
    exit: str


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """A callback and its answer. `after` is in seconds since the call began, `pause` since the
    callback before. A step of a leg has the name of the leg and its call.
    """

    at: float
    after: float
    pause: float
    title: str
    what: str
    said: list[tuple[str, str]]
    does: list[str]
    passed: list[PassedState]
    lookups: list[str]
    milliseconds: float
    outcome: str
    leg: str
    leg_call: str
    event: str
    callback: str
    answer: str


def build_timeline(
    steps: Sequence[CallbackEntry], first: int = 0, limit: int | None = None
) -> list[TimelineStep]:
    """The callbacks of a call and of its legs in order: from number `first`, at most `limit`."""
    began, before = steps[0].at, steps[max(0, first - 1)].at
    is_leg = steps[0].leg is not None
    found = []
    for step in steps[first:][:limit]:
        found.append(build_step(step, began, before, is_own=is_leg or step.leg is None))
        before = step.at
    return found


def build_step(entry: CallbackEntry, began: float, before: float, *, is_own: bool) -> TimelineStep:
    shown = entry.shown
    event = dict(shown["event"])
    said, does = split_answer(shown["answer"])
    if is_own:
        title = STEP_TITLES.get(entry.event, entry.event)
        what = describe_input(event) if entry.event == "pie" else format_heading(entry)
        what = what.removeprefix(entry.event).strip()
        leg = ""
    else:
        assert entry.leg is not None  # noqa: S101  # as it is not the call's own
        title = f"{'Placed call' if entry.leg.is_placed else 'Leg'} {entry.leg.number}"
        what = format_leg_callback(entry, entry.leg).split(entry.call, 1)[-1].strip()
        leg = title
    return TimelineStep(
        entry.at,
        entry.at - began,
        entry.at - before,
        title,
        what,
        said,
        does,
        list(list_passed_states(shown["trace"])),
        list(shown.get("lookups", ())),
        float(shown.get("ms", 0.0)),
        entry.outcome,
        leg,
        entry.call if leg else "",
        entry.event,
        format_json_text({"event": entry.event, **event}),
        format_json_text(shown["answer"]),
    )


def describe_input(event: dict[str, Any]) -> str:
    """What a caller did, in words."""
    result = event.get("menuResult", {})
    words = INPUT_WORDS.get(result.get("type", ""), result.get("type", ""))
    return f"{words} {result.get('value', '')}".strip()


def format_json_text(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def split_answer(answer: dict[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """What was said, each with its locale, and what was done otherwise."""
    said, silent = [], []
    for instruction in answer.get("instructions", ()):
        if instruction["name"] in SPEECH_NAMES:
            rest = {
                name: value for name, value in instruction.items() if name not in ("name", "locale")
            }
            said.append((format_value(rest), instruction.get("locale", "")))
        else:
            silent.append(instruction)
    action = answer.get("action")
    if action:
        prompts = [menu["mainPrompt"] for menu in decode_menus(action) if menu.get("mainPrompt")]
        said += [(format_value(prompt), action.get("locale", "")) for prompt in prompts]
    rest = {**answer, "instructions": silent}
    does = [line for line in format_answer(rest) if not line.startswith("  ") and line != MENU_LINE]
    return said, does


def list_passed_states(trace: Sequence[str]) -> Iterator[PassedState]:
    """The lines of a trace, each as the state that it is about."""
    for line, following in zip(trace, [*trace[1:], ""], strict=False):
        place, _, what = line.partition(": ")
        if what == "answers" and following.startswith(f"{place}: "):
            continue
        flow, _, state = place.partition("/")
        is_exit = state and not what.startswith("again") and not NON_EXIT_PATTERN.match(what)
        yield PassedState(flow, state, what, what.partition(": ")[0] if is_exit else "")
