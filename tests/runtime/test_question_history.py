"""`back` leads to each question that was asked before, out of subflows and into them again."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.compile.checks.cookie_size import compute_worst_case
from flowengine.runtime import cookie
from flowengine.runtime.call_state import Call, Frame, decode_call, encode_call
from flowengine.runtime.step import step
from flowengine.runtime.step_outcome import Outcome
from flowengine.sinch import decode
from flowengine.svaml import encode_svaml
from tests.compiled_release import compile_release
from tests.thoroughness import examples

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TWICE = """
flow: f
start: lang
keys: {"*": back, "#": repeat}
vars: {a: {type: digits, max: 4}, b: {type: digits, max: 4}, n: {type: integer}}
states:
  lang: {menu: {prompt: Lang., options: {1: one}, attempts: 2, otherwise: bye}}
  one:
    collect:
      {prompt: First., into: a, digits: 4, otherwise: bye, confirm: "You entered ${spell(vars.a)}. 1 yes 2 no."}
    next: cnt
  cnt: {set: {n: "${vars.n + 1}"}, next: two}
  two:
    collect:
      prompt: Second, first was ${spell(vars.a)}.
      into: b
      digits: 4
      otherwise: bye
      confirm: You entered ${spell(vars.b)}.
    next: three
  three: {menu: {prompt: "Third ${vars.n}.", options: {1: bye}, attempts: 2, otherwise: bye}}
  bye: {say: "Bye ${vars.a} ${vars.b} ${vars.n}.", hangup: }
"""
OUTER = """
flow: f
start: first
keys: {"*": back}
vars: {name: {type: digits, max: 4}, code: {type: digits, max: 4}}
states:
  first: {collect: {prompt: First., into: name, digits: 4, otherwise: bye}, next: use}
  use: {subflow: {flow: inner, with: {greeting: "${vars.name}"}, into: {code: code}, outcomes: {done: last}}}
  last: {menu: {prompt: "Last ${vars.code}.", options: {1: bye}, otherwise: bye}}
  bye: {say: "Bye ${vars.name} ${vars.code}.", hangup: }
"""
INNER = """
flow: inner
start: ask
keys: {"*": back}
inputs: [greeting]
outputs: [code]
outcomes: [done]
vars: {greeting: {type: digits, max: 4}, code: {type: digits, max: 4}, pin: {type: digits, max: 4, secret: true}}
states:
  ask: {collect: {prompt: "Pin ${vars.greeting}.", into: pin, digits: 4, otherwise: out}, next: more}
  more: {collect: {prompt: "Code, pin ${vars.pin}.", into: code, digits: 4, otherwise: out}, next: out}
  out: {return: done}
"""


class Line:
    """One call; between two callbacks it is bytes."""

    def __init__(self, **flows: str) -> None:
        files = {f"{name}.yaml": text.encode() for name, text in flows.items()}
        project = {"project.yaml": b"{project: test, routes: [{flow: f}]}"}
        self.release = compile_release(files | project)
        self.call: Call | None = None

    def send(self, **fields: Any) -> str:
        body = {"callid": "1", "cli": "46708168731", "to": {"type": "did", "endpoint": "1"}}
        event = decode(msgspec.json.encode({**body, **fields}))
        known = decode_call(encode_call(self.call)) if self.call else None
        outcome: Outcome = step(self.release, known, event, NOW)
        self.call = outcome.call
        return spoken(outcome)

    def ring(self) -> str:
        return self.send(event="ice")

    def press(self, value: str) -> str:
        kind = "sequence" if len(value) > 1 else "return"
        return self.send(
            event="pie", menuResult={"type": kind, "value": value, "inputMethod": "dtmf"}
        )


def spoken(outcome: Outcome) -> str:
    """What the caller is asked, without anything that is said before it."""
    answer = msgspec.json.decode(encode_svaml(outcome.instructions, outcome.action))
    menus = answer["action"].get("menus") or [{}]
    return str(menus[0].get("mainPrompt", "")).removeprefix("#tts[").removesuffix("]")


def test_back_goes_back_as_often_as_questions_were_asked() -> None:
    line = Line(f=TWICE)
    assert line.ring() == "Lang."
    assert line.press("1") == "First."
    assert line.press("1234") == "You entered 1 2 3 4. 1 yes 2 no."
    assert line.press("yes") == "Second, first was 1 2 3 4."
    line.press("5678")
    assert line.press("yes") == "Third 1."
    assert line.press("*") == "Second, first was 1 2 3 4."
    assert line.press("*") == "First."
    assert line.press("*") == "Lang."
    assert line.press("*") == "Lang."


def test_back_from_a_read_back_goes_to_its_own_question_and_then_further() -> None:
    line = Line(f=TWICE)
    line.ring()
    line.press("1")
    line.press("1234")
    assert line.press("*") == "First."
    assert line.press("*") == "Lang."


def test_back_goes_out_of_a_subflow_and_into_it_again() -> None:
    line = Line(f=OUTER, inner=INNER)
    assert line.ring() == "First."
    assert line.press("1111") == "Pin 1111."
    assert line.press("*") == "First."
    assert line.press("2222") == "Pin 2222."
    assert line.press("3333") == "Code, pin 3333."
    assert line.press("4444") == "Last 4444."
    assert line.press("*") == "Code, pin 3333."
    assert line.press("*") == "Pin 2222."
    assert line.press("*") == "First."
    assert line.press("5555") == "Pin 5555."
    assert line.press("6666") == "Code, pin 6666."
    assert line.press("7777") == "Last 7777."
    assert line.press("1") == ""
    assert line.call
    assert line.call.stack == ()


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.sampled_from(["1111", "2222", "*"]), max_size=30))
def test_back_undoes_the_questions_in_their_order_whatever_is_pressed(keys: list[str]) -> None:
    line = Line(f=OUTER, inner=INNER)
    asked = [line.ring()]
    names = ["First", "Pin", "Code", "Last"]
    for key in keys:
        if key == "*":
            heard = line.press("*")
            if len(asked) > 1:
                asked.pop()
        elif len(asked) == len(names):
            continue
        else:
            heard = line.press(key)
            asked.append(heard)
        assert heard.startswith(names[len(asked) - 1]), (keys, asked, heard)
        assert line.call
        size = cookie.calculate_cookie_size(len(encode_call(line.call)))
        assert size <= compute_worst_case(line.release.programs)[line.call.flow, line.call.state]


def test_question_history_of_a_loop_stays_within_bounds() -> None:
    line = Line(
        f="""
flow: f
start: first_question_with_a_long_name
keys: {"*": back}
states:
  first_question_with_a_long_name: {menu: {prompt: A., options: {1: second_question}, otherwise: bye}}
  second_question: {menu: {prompt: B., options: {1: first_question_with_a_long_name}, otherwise: bye}}
  bye: {hangup: }
"""
    )
    line.ring()
    for _ in range(200):
        line.press("1")
    assert line.call
    assert len(encode_call(line.call)) < 400
    assert line.press("*") == "B."
    assert line.press("*") == "A."


@pytest.mark.parametrize("previous", ["", "first"])
def test_call_stored_by_the_format_before_goes_on(previous: str) -> None:
    line = Line(f=OUTER, inner=INNER)
    line.ring()
    line.press("1111")
    assert line.call
    frame = [line.call.stack[0].flow, line.call.stack[0].state, line.call.stack[0].values]
    old = [
        line.release.id, "inner", "ask", "en-US", line.call.values, 1, previous, 2, [frame], False, 1
    ]  # fmt: skip
    restored = decode_call(msgspec.msgpack.encode(old))
    assert restored
    assert restored.stack == (Frame(*frame),)
    assert restored.history == ((previous,) if previous else ())
    line.call = restored
    assert line.press("3333") == "Code, pin 3333."
    assert line.press("*") == "Pin 1111."


def test_question_history_of_a_project_without_back_is_empty() -> None:
    line = Line(f=TWICE.replace('"*": back, ', ""))
    line.ring()
    line.press("1")
    assert line.call
    assert line.call.history == ()
