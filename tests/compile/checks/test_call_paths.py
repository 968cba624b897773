"""Ways through a flow that are easily forgotten: `back`, and a return without a caller."""

import pytest

from tests.compile.project_texts import codes, compiled

LINE = """\
flow: line
start: first
states:
  first:
    answer: true
    menu: {prompt: Press 1., options: {1: second}, otherwise: bye}
  second:
    menu: {prompt: Press 1., options: {1: bye, 2: TARGET}, otherwise: bye}
  bye: {hangup: }
"""


@pytest.mark.parametrize(("target", "expected"), [("back", ["FE402"]), ("repeat", []), ("bye", [])])
def test_back_leads_to_the_question_before_after_a_key(target, expected):
    assert codes(LINE.replace("TARGET", target)) == expected


def test_back_as_a_key_that_works_everywhere():
    assert codes(
        LINE.replace("TARGET", "bye").replace("start: first", 'start: first\nkeys: {"*": back}')
    ) == ["FE402"]


ROUTED = """\
# project.yaml
project: acme
routes: [{flow: greet, to: "+1404"}, {flow: line}]
# main.yaml
flow: line
start: welcome
states:
  welcome: {subflow: {flow: greet, outcomes: {ready: bye}}}
  bye: {hangup: }
# greet.yaml
flow: greet
start: hello
outcomes: [ready]
states:
  hello: {say: Hello., next: off}
  off: {return: ready}
"""


def test_return_of_a_flow_that_a_route_begins_is_a_problem():
    (problem,) = compiled(ROUTED).problems
    assert (problem.code, str(problem.span)) == ("FE228", "greet.yaml:6:9")
    assert problem.message.endswith("hello (incoming call) -> off")
    assert codes(ROUTED.replace('{flow: greet, to: "+1404"}, ', "")) == []


NESTED = """\
# project.yaml
project: acme
routes: [{flow: near, to: "+1404"}, {flow: far}]
# far.yaml
flow: far
start: first
states:
  first: {say: One., next: second}
  second: {subflow: {flow: middle, outcomes: {ready: bye}}}
  bye: {hangup: }
# near.yaml
flow: near
start: only
states:
  only: {subflow: {flow: middle, outcomes: {ready: ring}}}
  ring: {connect: {app: alice}}
# middle.yaml
flow: middle
start: enter
outcomes: [ready]
states:
  enter: {subflow: {flow: inner, outcomes: {ready: off}}}
  off: {return: ready}
# inner.yaml
flow: inner
start: ask
outcomes: [ready]
states:
  ask: {menu: {prompt: Press 1., options: {1: call}, otherwise: call}}
  call: {answer: true, next: off}
  off: {return: ready}
"""


def test_instruction_illegal_in_a_subflow_is_reported_with_the_shortest_path_to_it():
    told = [
        problem.message
        for problem in compiled(NESTED).problems
        if problem.span.file == "inner.yaml"
    ]
    way = "only (incoming call) -> middle/enter -> inner/ask -> key 1 -> call (after a key press)"
    assert told == [f"call cannot answer the call after a key press: {way}"]


def test_after_a_subflow_a_call_goes_on_under_the_callback_that_the_subflow_ended_under():
    told = [
        problem.message for problem in compiled(NESTED).problems if problem.span.file == "near.yaml"
    ]
    assert told == [
        (
            "ring cannot call an app user after a key press: only (incoming call) -> outcome ready -> "
            "ring (after a key press)"
        )
    ]
    silent = NESTED.replace(
        "ask: {menu: {prompt: Press 1., options: {1: call}, otherwise: call}}",
        "ask: {say: Hello., next: call}",
    )
    assert codes(silent) == []
