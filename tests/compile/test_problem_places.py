"""A wrong key is marked at the key; a missing thing at the verb that lacks it."""

import pytest

from .project_texts import compiled

PROJECT = """\
# side.yaml
flow: side
start: a
vars: {pin: {type: text, default: ""}, out: {type: text}}
inputs: [pin, code]
outputs: [out]
outcomes: [good]
states: {a: {set: {out: "${vars.pin}"}, next: b}, b: {return: good}}
# project.yaml
project: acme
routes: [{flow: main}]
services: {crm: {url: "https://crm.example.com"}}
# main.yaml
flow: main
start: s
vars: {due: {type: text}}
states:
  s: {%s}
  bye: {hangup: }
"""
MARKED = {
    "fetch: {service: crm, get: /x, into: {dew: body.x}, failed: bye}, next: bye": "dew",
    "set: {dew: x}, next: bye": "dew",
    'subflow: {flow: side, with: {pni: "1"}, outcomes: {good: bye}}': "pni",
    "subflow: {flow: side, into: {dew: out}, outcomes: {good: bye}}": "dew",
    "subflow: {flow: side, into: {due: oot}, outcomes: {good: bye}}": "oot",
    "subflow: {flow: side, outcomes: {god: bye}}": "god",
    'connect: {phone: "+14045550111", silent: true, answered: bye}': "silent",
    'connect: {phone: "+14045550111", answered: bye, music: music1}': "music",
    'connect: {caller_id: "+14045550111"}': "connect",
    "menu: {prompt: Press 1., options: {1: bye}}": "menu",
    "say: Hello.": "s",
}


@pytest.mark.parametrize(("state", "marked"), MARKED.items(), ids=MARKED)
def test_problem_marks_the_key_that_has_it(state: str, marked: str) -> None:
    text = PROJECT.replace("[pin, code]", "[pin]") % state
    found = compiled(text)
    (problem,) = (one for one in found.problems if one.severity == "error")
    line = found.sources["main.yaml"].splitlines()[problem.span.line - 1]
    assert line[problem.span.column - 1 : problem.span.end_column - 1] == marked


def test_subflow_without_an_input_is_marked_at_its_verb() -> None:
    text = PROJECT.replace("out: {type: text}", "out: {type: text}, code: {type: text}")
    found = compiled(text % "subflow: {flow: side, outcomes: {good: bye}}").problems
    (problem,) = (one for one in found if one.code == "FE215")
    assert (problem.span.line, problem.span.column, problem.span.end_column) == (5, 7, 14)
