"""Comparisons with the name of the state that failed."""

import pytest

from flowengine.compile import compile_project
from flowengine.expr.compared_texts import find_compared_texts

LINE = """flow: line
start: main
states:
  main: {subflow: {flow: inner, outcomes: {done: over}}, error: tell}
  tell:
    choose:
      - {when: WHEN, next: over}
      - {next: over}
  over: {hangup: }
"""
INNER = """flow: inner
start: look
outcomes: [done]
states:
  look: {set: {n: "${1 / vars.n}"}, next: ready}
  ready: {return: done}
vars: {n: {type: integer}}
"""
LATER = """flow: later
start: late
states:
  late: {set: {n: "${1 / vars.n}"}, error: over, next: over}
  over: {next_flow: line}
vars: {n: {type: integer}}
"""
PROJECT = "project: acme\nroutes: [{flow: later, to: '+14045001000'}, {flow: line}]\n"
CASES = {
    "a state of this flow": ('call.failed_state == "main"', ()),
    "a state of a subflow": ('"look" != call.failed_state', ()),
    "a state of a flow that calls come from": ("call.failed_state in ['late', 'main']", ()),
    "no state has failed": ('call.failed_state == ""', ()),
    "a mistyped state": ('call.failed_state == "mian"', ('"mian" => did you mean "main"?',)),
    "a mistyped state at the left": ("'lok' == call.failed_state", ("'lok' => did you mean \"look\"?",)),
    "one of a list": ('call.failed_state in ["main", "lte"]', ('"lte" => did you mean "late"?',)),
    "a name like none": (
        'call.failed_state != "zzzzzz"',
        ('"zzzzzz" => write the name of a state of this flow, or of one that calls come from or go to',),
    ),
    "another name": ('call.custom == "mian"', ()),
}  # fmt: skip


@pytest.mark.parametrize(("when", "expected"), CASES.values(), ids=CASES)
def test_name_of_a_failed_state_is_that_of_a_state_that_calls_come_through(
    when: str, expected: tuple[str, ...]
) -> None:
    line = LINE.replace("WHEN", "'" + when.replace("'", "''") + "'")
    files = {"line.yaml": line, "inner.yaml": INNER, "later.yaml": LATER, "project.yaml": PROJECT}
    problems = compile_project({name: text.encode() for name, text in files.items()}).problems
    lines = line.splitlines()
    found = [
        f"{lines[one.span.line - 1][one.span.column - 1 : one.span.end_column - 1]} => {one.hint}"
        for one in problems
        if one.code == "FE315"
    ]
    assert [text.replace("''", "'") for text in found] == list(expected)
    assert {one.code for one in problems} <= {"FE315", "FE936"}


def test_compared_texts_of_other_names_and_calls_are_none() -> None:
    text = 'vars.call.failed_state == "a" || call.failed_state.size() == 3 || call.failed_states == "b"'
    assert list(find_compared_texts(text, "call.failed_state")) == []
