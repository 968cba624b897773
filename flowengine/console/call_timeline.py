"""One call as a timeline: what came, what was said, and the way through the flows, step by step."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from flowengine.console.action_words import describe_notice, describe_part
from flowengine.console.call_words import describe_end, describe_input
from flowengine.journal.format_calls import (
    format_heading,
    format_leg_callback,
    format_value,
)
from flowengine.journal.journal_entries import CallbackEntry
from flowengine.journal.passage_counts import mark_exits

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

MENU_ACTION = "runMenu"  # what it asks stands with what was said


class PassedState(msgspec.Struct, frozen=True):
    """A state on the way, and what happened in it; `exit` is "" where it was not left."""

    flow: str
    state: str
    what: str
    exit: str


class TimelineStep(msgspec.Struct, frozen=True):
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
    for number, step in enumerate(steps[first:][:limit], first):
        heard = find_heard_menu(step.call, steps[number + 1 :])
        is_own = is_leg or step.leg is None
        found.append(build_step(step, began, before, heard, is_own=is_own))
        before = step.at
    return found


def find_heard_menu(call: str, following: Iterable[CallbackEntry]) -> str:
    """The menu in which a caller was when the next input came; "" where none came."""
    own = (step for step in following if step.call == call and step.event != "notify")
    event: dict[str, Any] = next((step.shown["event"] for step in own), {})
    return str(event.get("menuResult", {}).get("menuId", ""))


def build_step(
    entry: CallbackEntry, began: float, before: float, heard_menu: str, *, is_own: bool
) -> TimelineStep:
    shown = entry.shown
    event = dict(shown["event"])
    said, does = split_answer(shown["answer"], heard_menu)
    passed = list(list_passed_states(shown["trace"]))
    if is_own:
        title = STEP_TITLES.get(entry.event, entry.event)
        what = describe_callback(entry, passed)
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
        passed,
        list(shown.get("lookups", ())),
        float(shown.get("ms", 0.0)),
        entry.outcome,
        leg,
        entry.call if leg else "",
        entry.event,
        format_json_text({"event": entry.event, **event}),
        format_json_text(shown["answer"]),
    )


def describe_callback(entry: CallbackEntry, passed: Sequence[PassedState]) -> str:
    """What came, in words."""
    event = entry.shown["event"]
    if entry.event == "dice":
        return describe_end(event)
    if entry.event == "pie":
        is_asked = not passed or any(one.what != "answers" for one in passed)
        return describe_input(event, is_asked=is_asked)
    if entry.event == "ace":
        return " ".join(map(str, event.get("amd", {}).values()))
    if entry.event == "notify":
        return describe_notice(event.get("type", ""))
    if entry.event == "orchestration":
        return f"by its exit {event.get('exit', '')}"
    return format_heading(entry).removeprefix(entry.event).strip()


def format_json_text(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode()


def split_answer(
    answer: dict[str, Any], heard_menu: str = ""
) -> tuple[list[tuple[str, str]], list[str]]:
    """What was said, each with its locale, and what was done otherwise. Of several menus the caller
    hears the main one, and the one in which the next input came.
    """
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
        heard = action.get("mainMenu", ""), heard_menu
        prompts = {
            menu["id"]: format_value(menu["mainPrompt"])
            for menu in action.get("menus", ())
            if menu["id"] in heard and menu.get("mainPrompt")
        }
        # a menu may be sent under two names
        texts = dict.fromkeys(prompts[name] for name in heard if name in prompts)
        said += [(text, action.get("locale", "")) for text in texts]
        if action["name"] != MENU_ACTION:
            silent.append(action)
    return said, [describe_part(part) for part in silent]


def split_trace_line(line: str) -> tuple[str, str, str]:
    """Its flow, state and what happened there.

    >>> split_trace_line("line/main: key 1"), split_trace_line("release x")
    (('line', 'main', 'key 1'), ('release x', '', ''))
    """
    place, _, what = line.partition(": ")
    flow, _, state = place.partition("/")
    return flow, state, what


def list_passed_states(trace: Sequence[str]) -> Iterator[PassedState]:
    """The lines of a trace, each as the state that it is about."""
    lines = [split_trace_line(line) for line in trace]
    followers = [*lines[1:], ("", "", "")][: len(lines)]
    for (flow, state, what), is_exit, after in zip(
        lines, mark_exits(lines), followers, strict=True
    ):
        if what == "answers" and after[:2] == (flow, state):
            continue
        yield PassedState(flow, state, what, what.partition(": ")[0] if is_exit else "")
