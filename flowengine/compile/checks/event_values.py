"""Values of an event that are read where no such event can have come."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from flowengine.compile.checks import call_facts as facts
from flowengine.compile.checks.call_facts import CallFacts
from flowengine.compile.program import CompiledState
from flowengine.expr import ExprError
from flowengine.expr.compared_texts import find_compared_texts
from flowengine.expr.interpolation import Interpolation, split_interpolations
from flowengine.problems import Problem, join_with_or
from flowengine.source import Document, KeyPath

KEY_FACTS = facts.QUESTION_ANSWERED | facts.CONFERENCE_KEYS
EVENT_WORDS: Mapping[int, str] = {
    facts.INCOMING: "an incoming call",
    facts.CALLEE_CONNECTED: "the answer of a callee",
    facts.CALLOUT_ANSWERED: "the answer to a placed call",
    facts.QUESTION_ANSWERED: "an answer to a question",
    facts.CONFERENCE_KEYS: "keys in a conference",
    facts.CALL_ENDED: "the end of the call",
    facts.NOTICES: "a notice",
    facts.OTHERS_CALLED: "calls to others",
}
RETRY_OPTIONS: Final = frozenset({"no_input", "no_match", "invalid", "valid", "again", "confirm"})
EXPRESSION_OPTIONS: Final = frozenset(
    {"when", "valid"}
)  # options that are an expression without `${…}`
_EVENT_NAME: Final = re.compile(r"\bevent\s*\.\s*([a-z_]+)")


class EventValue(NamedTuple):
    """When a value is there, as facts and in words, and a way to read it."""

    facts: int
    when: str
    cure: str


ASK_FIRST_HINT = "ask by a menu or a collect first, and read it in the state that follows"
READ_AT_END_HINT = "read it in a state that `on: ended:` leads to"
DETECTION_HINT = (
    "turn machine detection on by `person:` or `machine:`, and read it where these lead"
)
EVENT_VALUES: Mapping[str, EventValue] = {
    "digits": EventValue(KEY_FACTS, "after an answer to a question", ASK_FIRST_HINT),
    "input": EventValue(KEY_FACTS, "after an answer to a question", ASK_FIRST_HINT),
    "type": EventValue(
        KEY_FACTS | facts.NOTICES, "after an answer to a question and on a notice", ASK_FIRST_HINT
    ),
    "destination": EventValue(
        facts.FILE_NOTICE,
        "on a notice of a recording or a transcript",
        "read it in a state that `on: notified: {recording_available: …}` leads to",
    ),
    "result": EventValue(facts.CALL_ENDED, "after the end of the call", READ_AT_END_HINT),
    "reason": EventValue(facts.CALL_ENDED, "after the end of the call", READ_AT_END_HINT),
    "duration": EventValue(facts.CALL_ENDED, "after the end of the call", READ_AT_END_HINT),
    "amd": EventValue(facts.AMD_KNOWN, "where machine detection has answered", DETECTION_HINT),
    "amd_reason": EventValue(
        facts.AMD_KNOWN, "where machine detection has answered", DETECTION_HINT
    ),
    "error": EventValue(
        facts.ERROR_NOTICE,
        "on a notice of an error",
        "read it in a state that `on: notified: {callingerror: …}` leads to",
    ),
    "headers": EventValue(
        facts.INCOMING | facts.CALL_ENDED,
        "on an incoming call and after its end",
        "keep it in a variable before the first question, and read that",
    ),
}


def check(known: CallFacts) -> Iterator[Problem]:
    # most flows read no event at all
    if "event" not in known.program.document.text:
        return
    for state in known.program.states.values():
        read = {name for name in state.reads | state.late_reads if name.startswith("event.")}
        here = known.facts_by_state.get(state.name, 0)
        if not read or not here:
            continue
        for path, start, length, name in find_event_reads(
            known.program.document.get_value(state.path), state.path
        ):
            value = EVENT_VALUES.get(name)
            # `again` and the like are only spoken after an answer
            at = here | facts.QUESTION_ANSWERED if is_retried(state, path) else here
            if value and f"event.{name}" in read and not at & value.facts:
                message = (
                    f"event.{name} is always {format_empty(name)} here: it is known {value.when}, "
                    f"and {state.name} follows {format_events(here)}"
                )
                span = known.program.document.find_inner_span(path, start, length)
                yield Problem("FE320", span, message, value.cure)


def is_retried(state: CompiledState, path: KeyPath) -> bool:
    """Whether this part of a question is only used after an answer to it."""
    return state.verb.is_question and len(path) > 3 and path[3] in RETRY_OPTIONS


def format_empty(name: str) -> str:
    return "0" if name == "duration" else "empty"


def format_events(here: int) -> str:
    return join_with_or(words for event, words in EVENT_WORDS.items() if here & event)


def find_event_reads(data: Any, path: KeyPath) -> Iterator[tuple[KeyPath, int, int, str]]:
    """Where a part of a flow reads values of an event: path, offset, length, name."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from find_event_reads(value, (*path, key))
    elif isinstance(data, str) and "event" in data:
        for offset, text in iterate_expressions(data, path):
            for found in _EVENT_NAME.finditer(text):
                yield path, offset + found.start(), len(found[0]), found[1]


def iterate_expressions(text: str, path: KeyPath) -> Iterator[tuple[int, str]]:
    if path[-1] in EXPRESSION_OPTIONS or path[3:4] == ("into",):
        yield 0, text
        return
    try:
        pieces = split_interpolations(text)
    except ExprError:
        return
    yield from ((piece.start, piece.text) for piece in pieces if isinstance(piece, Interpolation))


def find_compared_words(document: Document, name: str) -> Iterator[tuple[KeyPath, int, str]]:
    """Each text that the states of a flow compare with this name: path, offset of its quote, text."""

    def walk(data: object, path: KeyPath) -> Iterator[tuple[KeyPath, int, str]]:
        if isinstance(data, dict | list):
            for key, value in data.items() if isinstance(data, dict) else enumerate(data):
                yield from walk(value, (*path, key))
        elif isinstance(data, str) and name in data:
            for start, text in iterate_expressions(data, path):
                for offset, word in find_compared_texts(text, name):
                    yield path, start + offset, word

    return walk(document.data.get("states"), ("states",))
