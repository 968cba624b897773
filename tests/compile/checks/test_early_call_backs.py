"""Callers who are called while they are on the line: each case is a state that places the call."""

import pytest

from tests.compile.project_texts import compiled

PROJECT = """\
# project.yaml
project: acme
routes: [{flow: line}]
# back.yaml
flow: back
on: {answered: greet}
states: {greet: {say: Here we are., hangup: }}
# line.yaml
flow: line
start: a
"""
STATES = """\
states:
  a: {place: {flow: back, %s}, error: b, next: b}
  b: {hangup: }
"""
NUMBER = 'vars: {number: {type: text, max: 20, default: "+14045009001"}}\n'
AT_ONCE = [
    'to: "${call.from}"',
    "to: '${ call.sip }', tries: 3",
    """to: '${e164(call.from, "46")}', caller_id: private""",
]
LATER = [
    'to: "${call.from}", in: 2m',
    'to: "${call.from}", at: "2027-03-01 ${call.id}"',
    'to: "${vars.number}"',
    """to: '${call.from == "" ? vars.number : "+14045009002"}'""",
]


@pytest.mark.parametrize("options", AT_ONCE)
def test_caller_who_is_called_at_once_is_warned_of(options: str) -> None:
    (problem,) = compiled(PROJECT + STATES % options).problems
    assert (problem.code, problem.span.file, problem.severity) == ("FE954", "line.yaml", "warning")
    assert "in: 2m" in problem.hint


@pytest.mark.parametrize("options", LATER)
def test_call_to_another_and_call_that_is_put_off_is_no_problem(options: str) -> None:
    number = NUMBER if "vars.number" in options else ""
    assert list(compiled(PROJECT + number + STATES % options).problems) == []


def test_caller_who_is_called_after_the_call_is_no_problem() -> None:
    after = """\
on: {ended: a}
states:
  b: {hangup: }
  a: {place: {flow: back, to: "${call.from}"}, error: c, next: c}
  c: {done: }
"""
    assert list(compiled(PROJECT.replace("start: a", "start: b") + after).problems) == []
