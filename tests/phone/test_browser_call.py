"""A call as a page drives it: what can be done, what is shown, and what is saved."""

from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowengine.templates
from flowengine.phone.browser_call import BrowserCall
from flowengine.phone.call_opening import (
    OpeningRefusedError,
    OpeningRequest,
    build_call_opening,
)
from flowengine.phone.call_view import CallView, build_call_view
from flowengine.phone.phone_call import StepRefusedError
from flowengine.phone.phone_project import PhoneProject
from flowengine.phone.phone_steps import PhoneStep
from flowengine.scenarios.scenario_project import TEST_SECRET, ScenarioProject
from tests.phone.phone_project import FILES
from tests.thoroughness import examples

ANSWER: dict[str, Any] = {"answer": {"status": "on its way"}}
SCENARIOS = """\
flow: line
given: {time: "2026-03-02 10:00"}
scenarios:
  an order:
    given: {lookups: [{service: crm, get: /orders/1230, answer: {status: packed}}]}
    when: [{press: 1}, {press: 1230}]
    then: {result: ANSWERED}
"""


@cache
def open_line() -> PhoneProject:
    files = {name: text.encode() for name, text in FILES.items()}
    project = ScenarioProject.from_files(files, {"scenarios/line.yaml": SCENARIOS.encode()})
    release = project.compile().release
    assert release
    return PhoneProject(release, project)


def call(*steps: PhoneStep | dict[str, Any], **wish: Any) -> BrowserCall:
    """A call with these steps; what holds the answer to a lookup, or how it fails, is one."""
    made = BrowserCall(open_line(), build_call_opening(open_line(), OpeningRequest(**wish)))
    for step in steps:
        if isinstance(step, dict) and step.keys() & {"answer", "fails", "status"}:
            made.answer_lookup(step)
        else:
            made.take_step(step)
    return made


def view(made: BrowserCall) -> CallView:
    return build_call_view("x", made)


def words(made: BrowserCall) -> list[str]:
    return [f"{item.who} {item.what}" for item in view(made).entries if item.message is None]


READ_BACK = b"""\
flow: number
start: ask
vars: {number: {type: digits, max: 4}}
states:
  ask:
    collect:
      prompt: Your number?
      into: number
      digits: 4
      confirm: If that is right, press 1. To try again, press 2.
      otherwise: bye
    next: bye
  bye: {hangup: }
"""


def test_keys_of_a_read_back_say_what_they_do() -> None:
    project = ScenarioProject.from_files({"number.yaml": READ_BACK}, {})
    release = project.compile().release
    assert release
    line = PhoneProject(release, project)
    made = BrowserCall(line, build_call_opening(line, OpeningRequest()))
    asked = view(made).awaits
    assert asked
    assert asked.keys == {}
    made.take_step({"press": "1234"})
    read_back = view(made).awaits
    assert read_back
    assert read_back.keys == {"1": "right", "2": "again"}


def test_call_begins_with_what_is_heard_and_says_what_to_do() -> None:
    shown = view(call())
    sounds = [item.sound for item in shown.entries if item.sound]
    assert [(one.text, one.locale, one.is_near) for one in sounds] == [
        ("Welcome to the shop.", "en-US", True),
        ("For your order press 1. For the shop press 2.", "en-US", True),
    ]
    assert all(one.seconds > 0 for one in sounds)
    assert shown.phase == "asked"
    assert shown.awaits
    assert shown.awaits.keys == {"1": "ask", "2": "shop"}
    assert shown.awaits.voice
    assert shown.place == ("line", "welcome")
    assert shown.prompt == "welcome: 1 or 2, or words"


def test_messages_are_shown_without_secrets() -> None:
    messages = [item.message for item in view(call({"press": "2"})).entries if item.message]
    assert [(one.direction, one.event) for one in messages][:2] == [
        ("callback", "ice"),
        ("answer", "ice"),
    ]
    assert messages[1].way == "line.welcome"
    assert msgspec.json.decode(messages[1].body)["action"]["name"] == "runMenu"
    recorded = view(call(flow="message"))
    assert TEST_SECRET not in msgspec.json.encode(recorded).decode()
    assert "<secret>" in msgspec.json.encode(recorded).decode()


def test_lookup_waits_for_a_person_and_goes_on_with_the_answer() -> None:
    made = call({"press": "1"}, {"press": "1230"})
    asked = view(made)
    assert asked.phase == "lookup"
    assert asked.lookup
    assert (asked.lookup.service, asked.lookup.request) == ("crm", "GET /orders/1230")
    assert asked.lookup.answers[0] == {"answer": {"status": "packed"}}, "of the scenario"
    assert {"fails": "unreachable"} in asked.lookup.answers
    assert asked.place == ("line", "look_up")
    assert [station.state for station in asked.way][-2:] == ["ask", "look_up"]
    made.answer_lookup(ANSWER)
    after = view(made)
    assert 'caller hears "It is on its way."' in words(made)
    assert [*after.entries][: len(asked.entries)] == [*asked.entries], "a page only adds lines"
    assert after.values["status"] == "on its way"
    assert after.end
    assert (after.end.result, after.end.ended_by, after.end.has_succeeded) == (
        "ANSWERED",
        "flow",
        True,
    )


def test_lookups_are_answered_by_scenarios_where_wanted() -> None:
    made = call({"press": "1"}, {"press": "1230"}, lookups="scenarios")
    assert 'caller hears "It is packed."' in words(made)
    made.step_back()
    assert view(made).place == ("line", "ask"), "the answer that came by itself is gone with it"
    other = call({"press": "1"}, {"press": "1248"}, lookups="scenarios")
    assert view(other).phase == "lookup", "no scenario knows this order"


def test_step_back_takes_back_one_thing_at_a_time() -> None:
    made = call({"press": "1"}, {"press": "1230"})
    before = view(made)
    made.answer_lookup(ANSWER)
    made.step_back()
    assert view(made) == before
    made.step_back()
    made.step_back()
    assert view(made) == view(call())
    made.step_back()
    assert view(made) == view(call())


def test_step_without_effect_changes_nothing_and_says_why() -> None:
    made = call()
    shown = view(made)
    for step, why in [
        ({"callee": "answers"}, "this cannot be done here: nobody's phone rings"),
        ({"unpark": "+14045550140"}, "this cannot be done here: nothing is parked"),
    ]:
        made.take_step(step)
        assert view(made).notice == why
        assert msgspec.structs.replace(view(made), notice="") == shown
    made.answer_lookup(ANSWER)
    assert view(made).notice == "the flow asks nobody just now"
    waiting = call({"press": "1"}, {"press": "1230"}, {"press": "1"})
    assert view(waiting).notice == "the flow waits for an answer: give it one first"
    over = call("hangs up", {"press": "1"})
    assert view(over).notice == "the call is over"


def test_callee_and_members_of_a_ring_can_be_played() -> None:
    rings = view(call({"press": "2"}))
    assert [(one.name, one.address, one.state) for one in rings.parties] == [
        ("callee", "+14045009000", "ringing")
    ]
    talks = view(call({"press": "2"}, {"callee": "person"}))
    assert (talks.phase, talks.parties[0].state) == ("joined", "up")
    busy = view(call({"press": "2"}, {"callee": "busy"}))
    assert busy.end
    assert busy.end.result == "BUSY"
    sales = call({"agent1": "busy"}, {"agent2": "answers"}, flow="sales")
    assert [(one.name, one.state, one.is_asked) for one in view(sales).parties] == [
        ("agent1", "", False),
        ("agent2", "up", True),
    ]
    sales.take_step({"agent2": {"presses": "1"}})
    assert view(sales).phase == "joined"


def test_caller_beside_the_first_is_a_party_of_the_call() -> None:
    made = call(flow="line")
    made.take_line("caller2 calls")
    others = view(made).parties
    assert [(one.name, one.address, one.state, one.is_asked) for one in others] == [
        ("caller2", "+14045550162", "up", True)
    ]
    assert 'caller2 hears "Welcome to the shop."' in words(made)
    assert words(made).count('caller hears "Welcome to the shop."') == 1
    made.take_line("caller2 hang up")
    assert view(made).notice == ""


def test_silence_and_time_pass_by_the_clock_of_the_call() -> None:
    night = call(time="sunday 23:00")
    assert view(night).clock.startswith("2026-03-08T23:00")
    night.take_step("stays silent")
    assert view(night).seconds > 5
    assert view(call({"waits": "90s"}, flow="waiting")).phase in ("over", "parked")


def test_placed_call_hands_data_to_its_flow() -> None:
    made = call({"callee": "person"}, flow="bill", data={"name": "Ms Lee"}, to="+14045550177")
    assert any("Hello Ms Lee" in line for line in words(made))
    with pytest.raises(OpeningRefusedError, match="nmae: the flow bill has no such input"):
        call(flow="bill", data={"nmae": "Ms Lee"})


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"flow": "lien"}, "there is no flow lien; "),
        ({"to": "+4930123"}, "no route leads a call to \\+4930123 anywhere"),
        ({"time": "noon"}, "noon is no time: write for example 23:00, sunday 23:00"),
    ],
)
def test_call_that_cannot_begin_is_refused_with_a_reason(wish: dict[str, str], why: str) -> None:
    with pytest.raises(OpeningRefusedError, match=why):
        call(**wish)


CALLS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "a lookup": (({"press": "1"}, {"press": "1230"}, ANSWER), {}),
    "a lookup that fails": (({"press": "1"}, {"press": "1230"}, {"fails": "timeout"}), {}),
    "a callee": (({"press": "2"}, {"callee": "person"}, {"says": "hello"}), {}),
    "silence": (("stays silent", "stays silent"), {}),
    "a ring": (({"agent1": "busy"}, {"agent2": "answers"}, {"agent2": {"presses": "1"}}, "hangs up"), {"flow": "sales"}),
    "another caller": (({"caller2": "calls"}, {"caller2": {"presses": "2"}}, {"caller2": "hangs up"}, "hangs up"), {"flow": "line"}),
    "a placed call": (({"callee": "machine"},), {"flow": "bill", "data": {"name": "Ann"}}),
    "another time": (("hangs up",), {"time": "sunday 23:00", "caller": "private"}),
    "an app": (({"callee": "no answer"},), {"flow": "apps"}),
}  # fmt: skip


def test_saved_calls_are_scenarios_that_pass() -> None:
    for name, (steps, wish) in CALLS.items():
        made = call(*steps, **wish)
        text = made.save(name)
        assert text.startswith("# Saved by the phone in the browser: ")
        assert f"  {name}:\n" in text
        assert made.list_save_faults(text) == [], text
        assert TEST_SECRET not in text


def list_lines(shown: CallView) -> list[str]:
    """What somebody may do here who tries this and that."""
    lines = ["", "wait 7", "say hello", "caller2 calls", "back"]
    lines += list(shown.awaits.keys) * 2 + list(shown.awaits.samples) * 3 if shown.awaits else []
    for one in shown.parties:
        name = "" if one.name == "you" else f"{one.name} "
        answers = ["answer", "busy", "decline", "no answer"] if one.state == "ringing" else []
        lines += [f"{name}{does}" for does in answers + ["hang up", "1"] * (one.state == "up")]
    return lines


@settings(max_examples=examples(12))
@given(st.sampled_from([one.flow for one in open_line().targets]), st.randoms())
def test_calls_of_any_course_are_shown_and_saved(flow: str, chance: Random) -> None:
    made = call(flow=flow)
    for _ in range(chance.randint(0, 8)):
        shown = view(made)
        msgspec.json.encode(shown)
        if shown.lookup:
            made.answer_lookup(chance.choice(shown.lookup.answers))
        elif (line := chance.choice(list_lines(shown))) == "back":
            made.step_back()
        else:
            made.take_line(line)
    while not made.run.is_over:
        made.answer_lookup({}) if made.run.awaited else made.take_step("hangs up")
    assert made.list_save_faults(made.save()) == []


def test_call_with_an_open_lookup_cannot_be_saved() -> None:
    with pytest.raises(StepRefusedError, match="answer the lookup first"):
        call({"press": "1"}, {"press": "1230"}).save()
    with pytest.raises(StepRefusedError, match="hang up first: after the end, the flow asks crm"):
        call(flow="message").save()


def test_call_that_the_platform_refuses_is_over_and_says_why() -> None:
    shown = view(call(flow="bill", to="+1"))
    assert shown.phase == "over"
    assert shown.end
    assert shown.end.result == "FAILED"
    assert words(call(flow="bill", to="+1"))[-1].startswith("platform refuses the call: ")


def test_lines_are_those_of_the_phone_in_the_terminal() -> None:
    made = call()
    for line in ("2", "callee person", "say hello", "callee say Hi"):
        made.take_line(line)
        assert view(made).notice == ""
    assert view(made).steps == (
        "presses 2",
        "callee answers, a person",
        'says "hello"',
        'callee says "Hi"',
    )
    made.take_line("wait 2h")
    assert view(made).notice == "wait an hour at most, and again"
    made.take_line("sing")
    assert view(made).notice == "this is nothing that a phone does: sing"


def test_caller_in_a_queue_who_hears_music_is_saved_as_asked_no_more() -> None:
    folder = Path(flowengine.templates.__file__).parent / "support-queue"
    project = ScenarioProject.from_folder(folder)
    release = project.compile().release
    assert release
    line = PhoneProject(release, project)
    made = BrowserCall(line, build_call_opening(line, OpeningRequest(flow="support")))
    for typed in ("wait 7", "agent1 busy", "agent2 busy", "", "agent1 no answer", ""):
        made.take_line(typed)
        assert made.notice == ""
    assert made.list_save_faults(made.save()) == []
