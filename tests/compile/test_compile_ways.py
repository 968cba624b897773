"""Ways through a flow that are easily forgotten: `back`, and a return without a caller."""

import pytest
from compile.projects import codes, compiled

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
    assert codes(LINE.replace("TARGET", "bye").replace("start: first", 'start: first\nkeys: {"*": back}')) == ["FE402"]


ROUTED = """\
# project.yaml
project: acme
routes: [{flow: line}, {flow: greet, to: "+1404"}]
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


def test_a_return_of_a_flow_that_a_route_begins():
    (problem,) = compiled(ROUTED).problems
    assert (problem.code, str(problem.span)) == ("FE228", "greet.yaml:6:9")
    assert problem.message.endswith("hello (incoming call) -> off")
    assert codes(ROUTED.replace(', {flow: greet, to: "+1404"}', "")) == []
