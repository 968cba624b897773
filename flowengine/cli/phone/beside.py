"""Callbacks and answers for whoever wants to see them: what is special about each, and how the flow
got there.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import yaml

from flowengine.runtime.step import Entry
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.generate import Dumper
from flowengine.switch.happenings import Asks, Told

USUAL = {
    "event",
    "callid",
    "callId",
    "version",
    "timestamp",
    "applicationKey",
    "callResourceUrl",
    "userRate",
    "rdnis",
}
MARGIN = "         | "


class Beside:
    """Explains one call. `hidden` are values that nobody should see, with what to show instead."""

    def __init__(self, talk: Conversation, width: int, hidden: Mapping[str, str]) -> None:
        self.talk, self.width, self.hidden = talk, max(40, width - len(MARGIN)), hidden

    def __call__(self, happening: Asks | Told) -> list[str]:
        if isinstance(happening, Asks):
            facts = {
                name: value
                for name, value in self.decoded(happening.body).items()
                if name not in USUAL
            }
            return self.lines(
                f"{happening.event}: {self.dumped(facts, flow=True)}".replace(
                    "addToContext: [], ", ""
                )
            )
        walk = self.walk(happening)
        answer = self.decoded(happening.body)
        tolerated = [
            f"tolerated: {finding.where}: {finding.message}" for finding in happening.tolerated
        ]
        return self.lines(
            "\n".join(
                [*([walk] if walk else []), *([self.dumped(answer)] if answer else []), *tolerated]
            )
        )

    def lines(self, text: str) -> list[str]:
        return [f"{MARGIN}{part}" for line in text.splitlines() for part in self.wrapped(line)]

    def wrapped(self, line: str) -> list[str]:
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        return textwrap.wrap(
            line,
            self.width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def decoded(self, body: bytes) -> dict[str, Any]:
        text = body.decode(errors="replace")
        for value, instead in self.hidden.items():
            text = text.replace(value, instead)
        try:
            found = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return {"text": text} if text else {}
        return found if isinstance(found, dict) else {"text": text}

    def dumped(self, data: Any, *, flow: bool | None = None) -> str:
        text: str = yaml.dump(
            data,
            Dumper=Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=self.width,
            default_flow_style=flow,
        )
        return text.rstrip()

    def walk(self, told: Told) -> str:
        """The states that led to this answer, with what happened in each."""
        way = stations(trace_of(self.talk, told))
        stays = told.event in ("dice", "notify") and len(way) == 1 and "(" not in way[0]
        return f"walks: {' -> '.join(way)}" if way and not stays else ""


def trace_of(talk: Conversation, told: Told) -> Sequence[Entry]:
    """The way through the flow to this answer; nothing where the flow is elsewhere."""
    steps = talk.known.steps if talk.known else []
    same = (
        step.trace
        for step in reversed(steps)
        if step.body == told.body and step.event.kind == told.event
    )
    return next(same, ())


def stations(trace: Sequence[Entry]) -> list[str]:
    """Where a trace has been, and what happened there.

    >>> stations([Entry("line", "hello", "next"), Entry("line", "main", "answers")])
    ['line.hello (next)', 'main']
    """
    found: list[tuple[str, str, list[str]]] = []
    for entry in trace:
        if not found or found[-1][:2] != (entry.flow, entry.state):
            found.append((entry.flow, entry.state, []))
        found[-1][2].extend([entry.what] * (entry.what != "answers"))
    before = [""] + [flow for flow, _, _ in found]
    return [
        named(flow, state, what, known=flow == last)
        for (flow, state, what), last in zip(found, before, strict=False)
    ]


def named(flow: str, state: str, what: list[str], *, known: bool) -> str:
    place = state if known else f"{flow}.{state}".strip(".")
    return f"{place} ({', '.join(what)})".strip() if what else place
