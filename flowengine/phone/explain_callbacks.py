"""Explains callbacks and answers: what is special about each, and the path that the flow took."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import yaml

from flowengine.runtime.step_outcome import TraceEntry
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.generate import ScenarioDumper
from flowengine.switch.switch_events import AnswerReceived, CallbackSent

USUAL_FIELDS = {
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


class CallbackExplainer:
    """Explains the callbacks of one call. `hidden` are values that nobody may see, with what to
    show instead.
    """

    def __init__(self, talk: Conversation, width: int, hidden: Mapping[str, str]) -> None:
        self.talk, self.width, self.replacements = talk, max(40, width - len(MARGIN)), hidden

    def __call__(self, event: CallbackSent | AnswerReceived) -> list[str]:
        if isinstance(event, CallbackSent):
            facts = {
                name: value
                for name, value in self.decode_body(event.body).items()
                if name not in USUAL_FIELDS
            }
            return self.format_lines(
                f"{event.event}: {self.dump_yaml(facts, flow=True)}".replace(
                    "addToContext: [], ", ""
                )
            )
        walk = self.format_walk(event)
        answer = self.decode_body(event.body)
        tolerated = [
            f"tolerated: {finding.where}: {finding.message}" for finding in event.tolerated
        ]
        return self.format_lines(
            "\n".join(
                [
                    *([walk] if walk else []),
                    *([self.dump_yaml(answer)] if answer else []),
                    *tolerated,
                ]
            )
        )

    def format_lines(self, text: str) -> list[str]:
        return [f"{MARGIN}{part}" for line in text.splitlines() for part in self.wrap_line(line)]

    def wrap_line(self, line: str) -> list[str]:
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        return textwrap.wrap(
            line,
            self.width,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )

    def decode_body(self, body: bytes) -> dict[str, Any]:
        text = replace_hidden(body.decode(errors="replace"), self.replacements)
        try:
            found = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return {"text": text} if text else {}
        return found if isinstance(found, dict) else {"text": text}

    def dump_yaml(self, data: Any, *, flow: bool | None = None) -> str:
        text: str = yaml.dump(
            data,
            Dumper=ScenarioDumper,
            sort_keys=False,
            allow_unicode=True,
            width=self.width,
            default_flow_style=flow,
        )
        return text.rstrip()

    def format_walk(self, answer: AnswerReceived) -> str:
        """The states that led to this answer, with what happened in each."""
        way = format_way(self.talk, answer)
        return f"walks: {way}" if way else ""


def format_way(talk: Conversation, answer: AnswerReceived) -> str:
    """The states that led to this answer, in a line; nothing where the call stays where it is."""
    way = format_trace(get_trace(talk, answer))
    stays = answer.event in ("dice", "notify") and len(way) == 1 and "(" not in way[0]
    return "" if stays else " -> ".join(way)


def replace_hidden(text: str, replacements: Mapping[str, str]) -> str:
    """A text without the values that nobody may see."""
    for value, instead in replacements.items():
        text = text.replace(value, instead)
    return text


def get_trace(talk: Conversation, answer: AnswerReceived) -> Sequence[TraceEntry]:
    """The way through the flow to this answer; nothing where the flow is elsewhere."""
    steps = talk.backend_call.steps if talk.backend_call else []
    same = (
        step.trace
        for step in reversed(steps)
        if step.body == answer.body and step.event.kind == answer.event
    )
    return next(same, ())


def format_trace(trace: Sequence[TraceEntry]) -> list[str]:
    """Where a trace has been, and what happened there.

    >>> format_trace([TraceEntry("line", "hello", "next"), TraceEntry("line", "main", "answers")])
    ['line.hello (next)', 'main']
    """
    found: list[tuple[str, str, list[str]]] = []
    for entry in trace:
        if not found or found[-1][:2] != (entry.flow, entry.state):
            found.append((entry.flow, entry.state, []))
        found[-1][2].extend([entry.what] * (entry.what != "answers"))
    before = [""] + [flow for flow, _, _ in found]
    return [
        format_visited_state(flow, state, what, known=flow == last)
        for (flow, state, what), last in zip(found, before, strict=False)
    ]


def format_visited_state(flow: str, state: str, what: list[str], *, known: bool) -> str:
    place = state if known else f"{flow}.{state}".strip(".")
    return f"{place} ({', '.join(what)})".strip() if what else place
