"""Values of an event that are read where no such event can have come."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from flowengine.compile.checks import call_facts as facts
from flowengine.compile.checks.call_facts import CallFacts
from flowengine.compile.checks.graph import QUESTIONS
from flowengine.compile.program import CompiledState
from flowengine.expr import ExprError
from flowengine.expr.holes import Hole, split
from flowengine.problems import Problem, one_of
from flowengine.source import Path

KEY_FACTS = facts.PRESSED | facts.CONFERENCE_KEYS
EVENT_WORDS: Mapping[int, str] = {
    facts.INCOMING: "an incoming call",
    facts.CONNECTED: "the answer of a callee",
    facts.REACHED_OUT: "the answer to a placed call",
    facts.PRESSED: "an answer to a question",
    facts.CONFERENCE_KEYS: "keys in a conference",
    facts.ENDED: "the end of the call",
    facts.NOTICES: "a notice",
}
RETRIED: Final = frozenset({"no_input", "no_match", "invalid", "valid", "again", "confirm"})
WHOLE: Final = frozenset({"when", "valid"})  # options that are an expression without `${…}`
_NAME: Final = re.compile(r"\bevent\s*\.\s*([a-z_]+)")


class Available(NamedTuple):
    """When a value is there, in facts and in words, and where to read it."""

    facts: int
    when: str
    cure: str


ASK_FIRST = "ask by a menu or a collect first, and read it in the state that follows"
READ_AT_END = "read it in a state that `on: ended:` leads to"
WITH_DETECTION = (
    "turn machine detection on by `person:` or `machine:`, and read it where these lead"
)
AVAILABLE: Mapping[str, Available] = {
    "digits": Available(KEY_FACTS, "after an answer to a question", ASK_FIRST),
    "input": Available(KEY_FACTS, "after an answer to a question", ASK_FIRST),
    "type": Available(
        KEY_FACTS | facts.NOTICES, "after an answer to a question and on a notice", ASK_FIRST
    ),
    "destination": Available(
        facts.FILE_NOTICE,
        "on a notice of a recording or a transcript",
        "read it in a state that `on: notified: {recording_available: …}` leads to",
    ),
    "result": Available(facts.ENDED, "after the end of the call", READ_AT_END),
    "reason": Available(facts.ENDED, "after the end of the call", READ_AT_END),
    "duration": Available(facts.ENDED, "after the end of the call", READ_AT_END),
    "amd": Available(facts.DETECTED, "where machine detection has answered", WITH_DETECTION),
    "amd_reason": Available(facts.DETECTED, "where machine detection has answered", WITH_DETECTION),
    "error": Available(
        facts.ERROR_NOTICE,
        "on a notice of an error",
        "read it in a state that `on: notified: {callingerror: …}` leads to",
    ),
    "headers": Available(
        facts.INCOMING | facts.ENDED,
        "on an incoming call and after its end",
        "keep it in a variable before the first question, and read that",
    ),
}


def check(known: CallFacts) -> Iterator[Problem]:
    if "event" not in known.program.document.text:
        return
    for state in known.program.states.values():
        read = {name for name in state.reads | state.late_reads if name.startswith("event.")}
        here = known.at.get(state.name, 0)
        if not read or not here:
            continue
        for path, start, length, name in places(known.program.document.at(state.path), state.path):
            value = AVAILABLE.get(name)
            at = here | facts.PRESSED if is_retried(state, path) else here
            if value and f"event.{name}" in read and not at & value.facts:
                message = f"event.{name} is always {empty(name)} here: it is known {value.when}, and {state.name} follows {followed(here)}"
                span = known.program.document.inner(path, start, length)
                yield Problem("FE320", span, message, value.cure)


def is_retried(state: CompiledState, path: Path) -> bool:
    """Whether this part of a question is only used after an answer to it."""
    return state.kind in QUESTIONS and len(path) > 3 and path[3] in RETRIED


def empty(name: str) -> str:
    return "0" if name == "duration" else "empty"


def followed(here: int) -> str:
    return one_of(words for event, words in EVENT_WORDS.items() if here & event)


def places(data: Any, path: Path) -> Iterator[tuple[Path, int, int, str]]:
    """Where a part of a flow reads values of an event: path, offset, length, name."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from places(value, (*path, key))
    elif isinstance(data, str) and "event" in data:
        for offset, text in expressions(data, path):
            for found in _NAME.finditer(text):
                yield path, offset + found.start(), len(found[0]), found[1]


def expressions(text: str, path: Path) -> Iterator[tuple[int, str]]:
    if path[-1] in WHOLE or (len(path) > 1 and path[2:4] == ("fetch", "into")):
        yield 0, text
        return
    try:
        pieces = split(text)
    except ExprError:
        return
    yield from ((piece.start, piece.text) for piece in pieces if isinstance(piece, Hole))
