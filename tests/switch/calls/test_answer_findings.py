"""What the switch says about answers and callouts that do not do what their author expects."""

import json

import pytest

from flowengine.switch.api_error import ApiError
from flowengine.switch.switch_events import Remark
from flowengine.switch.switch_settings import SwitchSettings
from flowengine.switch.switch_setup import Behaviour, SwitchApplication
from tests.switch.calls.scripted_switch import (
    AGENT,
    CALLER,
    CONNECT,
    CONTINUE,
    HANGUP,
    LINE,
    MENU,
    PARK,
    ROOM,
    USER,
    AnswerReceived,
    CallbackSent,
    LegRinging,
    MenuListening,
    Switch,
    hangs_up,
    presses,
    say,
)

NUMBER = {"destination": {"type": "number", "endpoint": AGENT}, "cli": LINE}
APP = {"kind": "app", "caller": "bert"}


def remarks(switch, about):
    """All that was found, as (is it illegal, where, message)."""
    return [
        (illegal, finding.where, finding.message)
        for item in switch.of(Remark)
        if item.about == about
        for illegal, findings in ((True, item.illegal), (False, item.tolerated))
        for finding in findings
    ]


def told(switch, event):
    [found] = [item for item in switch.of(AnswerReceived) if item.event == event]
    return found


@pytest.mark.parametrize("body", [b"", b"{}", b'{"instructions": []}'])
def test_ice_without_action_is_illegal_and_told(body):
    switch = Switch({"ice": body})
    switch.call()
    assert [finding.message for finding in told(switch, "ice").illegal] == ["there is no action"]
    assert told(switch, "ice").illegal[0].cure
    assert switch.ending() == ("FAILED", "GENERALERROR")


@pytest.mark.parametrize(
    ("event", "answers", "policy"),
    [("ace", {"ice": CONNECT}, "continue"), ("pie", {"ice": MENU}, "hangup")],
)
def test_ace_and_pie_without_action_are_tolerated_and_told(event, answers, policy):
    silent = {"instructions": [{"name": "say", "text": "Hello.", "locale": "en-US"}]}
    switch = Switch({**answers, event: silent})
    switch.call(behaviour=presses("1", then_hangs_up=60))
    [finding] = told(switch, event).tolerated
    assert finding.where == "action"
    assert finding.message.endswith(f"makes it {policy}")
    assert told(switch, event).illegal == ()


INLINE = {
    "no JSON": ("ice", "hello", "", True),
    "unknown action": ("ice", '{"action": {"name": "dance"}}', "action.name", True),
    "no action": ("ice", '{"instructions": []}', "action", True),
    "old spelling": ("ice", '{"action": {"name": "ConnectPSTN", "number": "+12018888888"}}', "action.name", False),
    "too much in ace": ("ace", '{"action": {"name": "connectMxp"}}', "action", True),
    "pie that is never reached": ("pie", '{"action": {"name": "dance"}}', "action.name", True),
}  # fmt: skip


@pytest.mark.parametrize("row", INLINE)
def test_mistake_in_inline_svaml_of_a_custom_callout_is_told(row):
    event, body, where, illegal = INLINE[row]
    request = {"ice": json.dumps(CONNECT), event: body}
    switch = Switch({})
    switch.callout("customCallout", request)
    switch.clock.run()
    assert [found[:2] for found in remarks(switch, event)] == [(illegal, where)]
    if event == "ice":
        assert (switch.of(LegRinging) == []) is illegal


def test_cookies_of_inline_svaml_that_are_too_much_together_are_told_when_they_come():
    cookie = {"name": "setCookie", "value": "v" * 600}
    ice = {**CONNECT, "instructions": [{**cookie, "key": "a"}]}
    ace = {**HANGUP, "instructions": [{**cookie, "key": "b"}]}
    switch = Switch({})
    switch.callout("customCallout", {"ice": json.dumps(ice), "ace": json.dumps(ace)})
    switch.clock.run()
    assert [found[0] for found in remarks(switch, "ace")] == [True]
    assert switch.ending()[1] == "GENERALERROR"


CALLOUTS = {
    "tts without cli": ("ttsCallout", {"destination": NUMBER["destination"], "text": "Hi."}, "ttsCallout.cli"),
    "unknown property": ("ttsCallout", {**NUMBER, "text": "Hi.", "enableACE": True, "prompt": "Hi."}, "ttsCallout.prompt"),
    "conference id of 65": ("conferenceCallout", {**NUMBER, "conferenceId": "r" * 65}, "conferenceCallout.conferenceId"),
    "events of an app user": (
        "ttsCallout", {"destination": {"type": "username", "endpoint": "anna"}, "text": "Hi.", "enableAce": True}, "ttsCallout",
    ),
    "inline dice": ("customCallout", {"ice": json.dumps(CONNECT), "dice": "{}"}, "customCallout.dice"),
    "inline ice and destination": ("customCallout", {**NUMBER, "ice": json.dumps(CONNECT)}, "customCallout.cli"),
}  # fmt: skip


@pytest.mark.parametrize("row", CALLOUTS)
def test_callout_that_does_less_than_it_says_is_told(row):
    method, request, where = CALLOUTS[row]
    switch = Switch({})
    switch.callout(method, request)
    switch.clock.run()
    assert [found[:2] for found in remarks(switch, "callout")] == [(False, where)]


def test_header_that_does_not_go_along_with_callbacks_is_told():
    switch = Switch({})
    headers = {"X-CB-Order": "7", "X-CB-Name": "Zoë"}
    switch.callout("ttsCallout", {**NUMBER, "text": "Hi."}, headers)
    switch.clock.run()
    assert [found[1] for found in remarks(switch, "callout")] == ["X-CB-Name"]


def test_usual_callouts_and_calls_have_no_remarks():
    switch = Switch({"ice": CONNECT, "ace": CONTINUE})
    switch.callout("ttsCallout", {**NUMBER, "text": "Hi.", "enableAce": True, "locale": "en-US"})
    switch.callout("customCallout", {"ice": json.dumps(CONNECT), "ace": json.dumps(CONTINUE)})
    switch.call(behaviour=hangs_up(10))
    assert switch.of(Remark) == []


def test_answer_that_nobody_can_be_connected_by_is_told():
    switch = Switch({"ice": {"action": {"name": "connectPstn"}}})
    switch.call()
    assert remarks(switch, "call") == [(True, "action", "there is nobody to connect to")]


def test_answer_that_comes_after_the_call_has_gone_on_is_told():
    switch = Switch({"ice": CONNECT, "ace": CONNECT}, settings=SwitchSettings(callback_seconds=4.0))
    call = switch.dial()
    switch.clock.advance(8)
    call.patch(json.dumps(PARK).encode())
    switch.clock.advance(10)
    assert any("has no effect" in finding.message for finding in told(switch, "ace").tolerated)


def test_answer_to_keys_of_a_conference_is_told_to_have_no_effect():
    options = {"conferenceDtmfOptions": {"mode": "detect"}}
    room = {"action": {**ROOM["action"], **options}}
    for answer, expected in ((HANGUP, 1), (CONTINUE, 0), ({}, 0)):
        switch = Switch({"ice": room, "pie": answer})
        call = switch.dial()
        switch.clock.advance(1)
        call.caller.press("4")
        switch.clock.advance(1)
        assert len(told(switch, "pie").tolerated) == expected
        assert call.ended is None


def test_tolerated_and_refused_patch_is_told():
    switch = Switch({"ice": MENU})
    call = switch.dial()
    switch.clock.advance(1)
    call.patch(b'{"action": {"name": "Continue"}}')
    with pytest.raises(ApiError):
        call.patch(b'{"action": {"name": "dance"}}')
    assert [found[0] for found in remarks(switch, "patch")] == [False, True]


@pytest.mark.parametrize(
    ("policy", "over_after_menu"), [("wait", False), ("hangup", True), ("send", False)]
)
def test_menu_of_an_app_caller_without_pie_waits_or_ends_and_is_told(policy, over_after_menu):
    switch = Switch({"ice": MENU, "pie": ROOM}, settings=SwitchSettings(pie_for_apps=policy))
    call = switch.dial(to=AGENT, behaviour=presses("1"), **APP)
    switch.clock.advance(30)
    assert (call.ended is not None) is over_after_menu
    assert ("pie" in switch.events()) is (policy == "send")
    assert len(remarks(switch, "call")) == (policy != "send")


def test_app_caller_who_hangs_up_in_a_menu_has_no_pie():
    switch = Switch({"ice": MENU})
    switch.call(to=AGENT, behaviour=hangs_up(1), **APP)
    assert switch.events() == ["ice", "dice"]


def test_keys_of_an_app_caller_in_a_conference_have_no_pie():
    options = {"conferenceDtmfOptions": {"mode": "detect"}}
    switch = Switch({"ice": {"action": {**ROOM["action"], **options}}})
    call = switch.dial(to="room", target="conference", **APP)
    switch.clock.advance(1)
    call.caller.press("4")
    switch.clock.advance(5)
    assert switch.events() == ["ice"]


def test_menu_of_a_callout_without_enable_pie_ends_the_call_and_is_told():
    switch = Switch({"ace": MENU}, parties={AGENT: presses("1")})
    switch.callout("ttsCallout", {**NUMBER, "text": "Hi.", "enableAce": True})
    switch.clock.run()
    [(illegal, _, message)] = remarks(switch, "call")
    assert not illegal
    assert "no PIE" in message


def test_ice_of_an_app_call_to_a_conference_is_that_of_the_platform():
    switch = Switch({"ice": ROOM})
    switch.call(to="room", target="conference", behaviour=hangs_up(1), **APP)
    ice = switch.event("ice")
    assert (ice["domain"], ice["originationType"], ice["user"]) == ("mxp", "MXP", "bert")
    assert ice["to"] == {"type": "conference", "endpoint": "room"}
    assert "cli" not in ice


def test_ice_of_an_app_call_has_the_cli_that_its_app_gives():
    switch = Switch({"ice": HANGUP})
    switch.call(CALLER, AGENT, kind="app", application="app", user="bert")
    assert switch.event("ice")["cli"] == CALLER.removeprefix("+")


def test_ice_of_a_forwarded_call_has_rdnis_and_cli():
    switch = Switch({"ice": HANGUP})
    switch.call(rdnis="12014444444")
    ice = switch.event("ice")
    assert (ice["rdnis"], ice["cli"], ice["domain"]) == ("12014444444", "12015555555", "pstn")


PATCHED = {
    "phone in a room": ({}, {"ice": ROOM}, True),
    "phone with an app user": ({}, {"ice": USER}, True),
    "app with a phone": ({**APP, "to": AGENT}, {"ice": CONNECT, "ace": CONTINUE}, True),
    "app with an app": ({**APP, "to": "anna"}, {"ice": USER}, False),
    "app in a room": ({**APP, "to": "room", "target": "conference"}, {"ice": ROOM}, False),
    "app that is parked": ({**APP, "to": AGENT}, {"ice": PARK}, False),
}


@pytest.mark.parametrize("row", PATCHED)
def test_patch_needs_an_end_on_the_pstn_or_sip(row):
    how, answers, managed = PATCHED[row]
    switch = Switch(answers)
    call = switch.dial(**how)
    switch.clock.advance(10)
    if managed:
        call.patch(json.dumps(CONTINUE).encode())
    else:
        with pytest.raises(ApiError, match="from or to the PSTN or SIP") as refusal:
            call.patch(json.dumps(CONTINUE).encode())
        assert refusal.value.code == 40003


def test_custom_callout_with_blank_ice_asks_the_application_before_anybody_rings():
    switch = Switch({"ice": CONNECT, "ace": HANGUP})
    switch.callout("customCallout", {**NUMBER, "ice": ""})
    switch.clock.run()
    kinds = [type(item) for item in switch.happened if isinstance(item, CallbackSent | LegRinging)]
    assert kinds[:2] == [CallbackSent, LegRinging]
    assert switch.events()[0] == "ice"


def test_fallback_that_is_the_primary_gets_a_failed_callback_twice():
    switch = Switch({"ice": [500, HANGUP]})
    url = "http://backend/"
    switch.exchange.applications["app"] = SwitchApplication("app", "c2VjcmV0", url, url, None)
    switch.call()
    assert switch.events() == ["ice", "ice", "dice"]
    assert switch.urls[:2] == [url, url]


def test_menus_of_ace_go_to_the_callee_by_setting_and_so_does_what_follows():
    ace = {**MENU, **say("A call for you.", MENU)}
    pie = [say("Again.", MENU), say("Connecting.", CONTINUE)]
    answers = {"ice": CONNECT, "ace": ace, "pie": pie}
    switch = Switch(
        answers,
        settings=SwitchSettings(ace_prompts_to="callee"),
        parties={AGENT: presses("1", "1")},
    )
    switch.call(behaviour=hangs_up(60))
    assert [item.role for item in switch.of(MenuListening)] == ["callee", "callee"]
    spoken = ["A call for you.", "Press 1.", "Again.", "Press 1.", "Connecting."]
    assert switch.heard("callee") == spoken
    assert not set(spoken) & set(switch.heard("caller"))
    assert switch.events() == ["ice", "ace", "pie", "pie", "dice"]


def test_keys_of_the_caller_do_not_count_in_the_menu_of_the_callee():
    quiet = {AGENT: Behaviour()}
    answers = {"ice": CONNECT, "ace": MENU, "pie": HANGUP}
    switch = Switch(answers, settings=SwitchSettings(ace_prompts_to="callee"), parties=quiet)
    call = switch.dial()
    switch.clock.advance(4)
    call.caller.press("1")
    switch.clock.run()
    assert switch.event("pie")["menuResult"]["type"] == "timeout"


def test_callee_who_hangs_up_in_a_menu_of_their_own_has_their_pie():
    parties = {AGENT: hangs_up(1)}
    answers = {"ice": CONNECT, "ace": MENU}
    switch = Switch(answers, settings=SwitchSettings(ace_prompts_to="callee"), parties=parties)
    switch.call()
    assert switch.events() == ["ice", "ace", "pie", "dice"]
    assert switch.event("pie")["menuResult"]["type"] == "hangup"
    assert switch.ending() == ("ANSWERED", "CALLEEHANGUP")
