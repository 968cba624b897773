"""Section 5 of the platform notes, row by row: which callbacks come in which order, and who hears
what.
"""

import json

import pytest

from flowengine.switch.switch_setup import Act, Behaviour
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
    SIP,
    STREAM,
    USER,
    LegJoined,
    LegPickedUp,
    LegRinging,
    Switch,
    hangs_up,
    presses,
    say,
)  # fmt: skip

WORDS = {"destination": {"type": "number", "endpoint": AGENT}, "cli": LINE, "text": "Hello there."}
MEETING = {
    "destination": {"type": "number", "endpoint": AGENT},
    "cli": LINE,
    "conferenceId": "room",
    "greeting": "Welcome.",
}
INLINE = {"action": {"name": "connectPstn", "number": AGENT, "cli": LINE}}


def joined(switch):
    return [(item.kind, item.to) for item in switch.of(LegJoined)]


DIALLED = {
    "app→app": ({"kind": "app", "caller": "bert", "to": "anna"}, {"ice": USER}, ["ice", "dice"], [("app", "anna")]),
    "app→app as dialled": ({"kind": "app", "caller": "bert", "to": "anna"}, {"ice": CONTINUE}, ["ice", "dice"], [("app", "anna")]),
    "app→phone": (
        {"kind": "app", "caller": "bert", "to": AGENT},
        {"ice": {"action": {"name": "connectPstn"}}, "ace": CONTINUE},
        ["ice", "ace", "dice"],
        [("phone", AGENT)],
    ),
    "phone→phone": ({}, {"ice": CONNECT, "ace": CONTINUE}, ["ice", "ace", "dice"], [("phone", AGENT)]),
    "phone→app": ({}, {"ice": USER}, ["ice", "dice"], [("app", "anna")]),
    "inbound IVR": ({}, {"ice": MENU, "pie": CONNECT, "ace": CONTINUE}, ["ice", "pie", "ace", "dice"], [("phone", AGENT)]),
    "inbound IVR, menu after menu": ({}, {"ice": MENU, "pie": [MENU, HANGUP]}, ["ice", "pie", "pie", "dice"], []),
    "conference dial-in": ({}, {"ice": ROOM}, ["ice", "dice"], [("conference", "room")]),
    "conference from an app": (
        {"kind": "app", "caller": "bert", "to": "room", "target": "conference"}, {"ice": ROOM}, ["ice", "dice"], [("conference", "room")],
    ),
    "SIP → Sinch": ({"kind": "sip", "caller": "desk@example.com", "to": LINE, "target": "did"}, {"ice": CONNECT, "ace": CONTINUE},
                    ["ice", "ace", "dice"], [("phone", AGENT)]),
    "Sinch → SIP": ({}, {"ice": SIP, "ace": CONTINUE}, ["ice", "ace", "dice"], [("sip", "desk@example.com")]),
    "connectStream": ({}, {"ice": STREAM}, ["ice", "dice"], [("stream", "wss://example.com/audio")]),
    "suppressCallbacks": ({}, {"ice": {"action": {**CONNECT["action"], "suppressCallbacks": True}}}, ["ice"], [("phone", AGENT)]),
}  # fmt: skip


@pytest.mark.parametrize("row", DIALLED)
def test_dialled_call_sends_its_callbacks_in_order(row):
    how, answers, events, connected = DIALLED[row]
    switch = Switch(answers)
    acts = (
        *(Act("press", "1", 1.0, "asked") for event in events if event == "pie"),
        Act("hang up", after=60),
    )
    switch.call(behaviour=Behaviour(acts=acts), **how)
    assert switch.events() == events
    assert joined(switch) == connected


ORIGINS = {
    "phone": ({}, "PSTN", "pstn", {"type": "did", "endpoint": LINE}),
    "app to phone": ({"kind": "app", "caller": "bert", "to": AGENT}, "MXP", "pstn", {"type": "number", "endpoint": AGENT}),
    "app to app": ({"kind": "app", "caller": "bert", "to": "anna"}, "MXP", "mxp", {"type": "username", "endpoint": "anna"}),
    "app to conference": (
        {"kind": "app", "caller": "bert", "to": "room", "target": "conference"}, "MXP",
        "mxp", {"type": "conference", "endpoint": "room"},
    ),
    "SIP": ({"kind": "sip", "caller": "desk@example.com"}, "SIP", "pstn", {"type": "number", "endpoint": LINE}),
}  # fmt: skip


@pytest.mark.parametrize("row", ORIGINS)
def test_ice_tells_where_a_call_comes_from(row):
    how, origination, domain, to = ORIGINS[row]
    switch = Switch({"ice": HANGUP})
    switch.call(**how)
    ice = switch.event("ice")
    assert (ice["originationType"], ice["domain"], ice["to"]) == (origination, domain, to)


WITHOUT_A_BACKEND = {
    "app→app": ({"kind": "app", "caller": "bert", "to": "anna"}, [("app", "anna")], "ANSWERED"),
    "conference from an app": (
        {"kind": "app", "caller": "bert", "to": "room", "target": "conference"},
        [("conference", "room")],
        "ANSWERED",
    ),
    "SIP → Sinch": (
        {"kind": "sip", "caller": "desk@example.com", "to": AGENT},
        [("phone", AGENT)],
        "ANSWERED",
    ),
    "app→phone": ({"kind": "app", "caller": "bert", "to": AGENT}, [], "FAILED"),
    "phone": ({}, [], "FAILED"),
}


@pytest.mark.parametrize("row", WITHOUT_A_BACKEND)
def test_application_without_a_url_gets_no_callbacks(row):
    how, connected, result = WITHOUT_A_BACKEND[row]
    switch = Switch({}, primary="")
    switch.call(behaviour=hangs_up(60), **how)
    assert joined(switch) == connected
    assert switch.ending()[0] == result
    assert switch.asked == []


def test_menu_jumps_give_no_pie():
    menu = json.loads(json.dumps(MENU))
    menu["action"]["menus"][0]["options"] = [{"dtmf": "2", "action": "menu(more)"}]
    menu["action"]["menus"].append(
        {
            "id": "more",
            "mainPrompt": "#tts[Press 1.]",
            "options": [{"dtmf": "1", "action": "return(x)"}],
        }
    )
    switch = Switch({"ice": menu, "pie": HANGUP})
    switch.call(behaviour=presses("2", "1"))
    assert switch.events() == ["ice", "pie", "dice"]
    assert switch.event("pie")["menuResult"] == {
        "addToContext": [], "type": "return", "value": "x", "menuId": "more", "inputMethod": "dtmf",
    }  # fmt: skip


CALLOUTS = {
    "TTS": ("ttsCallout", WORDS, {}, [], ["Hello there."]),
    "TTS with DiCE": ("ttsCallout", {**WORDS, "enableDice": True}, {}, ["dice"], ["Hello there."]),
    "TTS, ACE continues": (
        "ttsCallout", {**WORDS, "enableAce": True, "enableDice": True}, {"ace": CONTINUE}, ["ace", "dice"], ["Hello there."],
    ),
    "TTS, ACE replaces the text": (
        "ttsCallout", {**WORDS, "enableAce": True, "enableDice": True}, {"ace": say("Other.", HANGUP)}, ["ace", "dice"], ["Other."],
    ),
    "TTS, PIE of a menu": (
        "ttsCallout", {**WORDS, "enableAce": True, "enablePie": True}, {"ace": MENU, "pie": say("Thanks.", HANGUP)},
        ["ace", "pie"], ["Press 1.", "Thanks."],
    ),
    "TTS, a menu without enablePie": ("ttsCallout", {**WORDS, "enableAce": True}, {"ace": MENU}, ["ace"], ["Press 1."]),
    "TTS of prompts": ("ttsCallout", {**WORDS, "text": "", "prompts": "#tts[One.];#tts[Two.]"}, {}, [], ["One.", "Two."]),
    "TTS to an app has neither ACE nor DiCE": (
        "ttsCallout", {**WORDS, "destination": {"type": "username", "endpoint": "anna"}, "enableAce": True, "enableDice": True},
        {}, [], ["Hello there."],
    ),
    "conference": ("conferenceCallout", MEETING, {}, [], ["Welcome."]),
    "conference, ACE must connect": (
        "conferenceCallout", {**MEETING, "enableAce": True, "enableDice": True}, {"ace": ROOM}, ["ace", "dice"], [],
    ),
    "custom, inline": ("customCallout", {"ice": json.dumps(INLINE), "ace": json.dumps(say("Hi.", HANGUP))}, {}, ["dice"], ["Hi."]),
    "custom, all by the application": (
        "customCallout", {"destination": {"type": "number", "endpoint": AGENT}, "cli": LINE},
        {"ice": INLINE, "ace": MENU, "pie": say("Bye.", HANGUP)}, ["ice", "ace", "pie", "dice"], ["Press 1.", "Bye."],
    ),
    "custom, without ACE": (
        "customCallout", {"ice": json.dumps(INLINE), "enableAce": False, "enableDice": "true"}, {}, ["dice"], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", CALLOUTS)
def test_callout_sends_its_callbacks_in_order(row):
    method, request, answers, events, heard = CALLOUTS[row]
    party = (
        Behaviour(acts=(Act("press", "1", 0.5, "asked"), Act("hang up", after=30)))
        if "ress 1." in str(heard)
        else hangs_up(40)
    )
    switch = Switch(answers, parties={AGENT: party, "anna": party})
    switch.callout(method, request)
    switch.clock.run()
    assert switch.events() == events
    assert switch.heard("callee") == heard


def test_custom_callout_urls_are_asked_in_place_of_the_application():
    request = {
        "destination": {"type": "number", "endpoint": AGENT},
        "ice": "http://one/ice",
        "ace": "http://two/",
        "dice": "https://three/",
    }
    switch = Switch({"ice": INLINE, "ace": HANGUP})
    switch.callout("customCallout", request)
    switch.clock.run()
    assert switch.urls == ["http://one/ice", "http://two/", "https://three/"]
    assert switch.event("ice")["originationType"] == "SERVER"


def test_x_cb_headers_of_a_callout_come_with_its_callbacks():
    headers = {
        "X-CB-Order": "17",
        "x-cb-name": "ö",
        "Other": "1",
        **{f"X-CB-{n}": str(n) for n in range(6)},
    }
    switch = Switch({})
    switch.callout("ttsCallout", {**WORDS, "enableDice": True}, headers)
    switch.clock.run()
    sent = {
        name: value for name, value in switch.headers[0].items() if name.lower().startswith("x-cb")
    }
    assert sent == {"X-CB-Order": "17", "X-CB-0": "0", "X-CB-1": "1", "X-CB-2": "2", "X-CB-3": "3"}


def test_callout_without_cli_gets_an_id_but_never_rings():
    switch = Switch({})
    call = switch.callout("ttsCallout", {**WORDS, "cli": ""})
    switch.clock.run()
    assert switch.of(LegRinging) == []
    assert call.ended.result == "FAILED"


def test_custom_callout_may_limit_its_call_and_send_keys():
    switch = Switch({})
    call = switch.callout(
        "customCallout",
        {"ice": json.dumps(INLINE), "enableAce": False, "maxDuration": 30, "dtmf": "12#"},
    )
    switch.clock.run()
    assert switch.heard("callee") == ["12#"]
    assert (call.ended.reason, call.ended.duration) == ("TIMEOUT", 30)


def test_click_to_call_whoever_was_reached_becomes_the_caller():
    request = {"ice": json.dumps(INLINE)}
    other = "+12019999999"
    answers = {"ace": [MENU, CONTINUE], "pie": {"action": {"name": "connectPstn", "number": other}}}
    switch = Switch(answers, parties={AGENT: presses("1", then_hangs_up=40)})
    call = switch.callout("customCallout", request)
    switch.clock.run()
    assert (call.caller.address, call.callee.address) == (AGENT, other)
    assert joined(switch) == [("phone", other)]
    assert switch.event("dice")["reason"] == "CALLERHANGUP"


def parked():
    switch = Switch({"ice": PARK})
    call = switch.dial()
    switch.clock.advance(10)
    return switch, call


def test_park_plays_its_prompts_until_it_is_unparked_with_what_ice_could_say():
    switch, call = parked()
    assert switch.heard()[:3] == ["Wait.", "Still waiting.", "Still waiting."]
    call.patch(json.dumps(say("Here you are.", CONNECT)).encode())
    assert switch.heard()[-1] == "Here you are."
    switch.clock.advance(10)
    call.callee.hang_up()
    assert joined(switch) == [("park", ""), ("phone", AGENT)]
    assert switch.events() == ["ice", "ace", "dice"]
    assert switch.ending() == ("ANSWERED", "CALLEEHANGUP")


def test_park_for_too_long_ends_after_the_prompt():
    switch, call = parked()
    switch.clock.run()
    assert switch.ending() == ("ANSWERED", "TIMEOUT")
    assert 60 < (call.ended.at - call.started_at).total_seconds() < 62


def test_manage_call_is_heard_by_the_caller_and_the_bridge_goes_on():
    switch = Switch({"ice": CONNECT, "ace": CONTINUE})
    call = switch.dial()
    switch.clock.advance(10)
    call.patch(json.dumps(say("One minute left.", CONTINUE)).encode())
    assert switch.heard() == ["ringing", "One minute left."]
    assert switch.heard("callee") == []
    call.patch(json.dumps(say("Time is up.", HANGUP)).encode())
    switch.clock.run()
    assert switch.heard()[-1] == "Time is up."
    assert switch.ending() == ("ANSWERED", "MANAGERHANGUP")


@pytest.mark.parametrize(
    ("leg", "hearing"),
    [("caller", ["caller"]), ("callee", ["callee"]), ("both", ["caller", "callee"])],
)
def test_manage_call_on_a_leg(leg, hearing):
    switch = Switch({"ice": CONNECT, "ace": CONTINUE})
    call = switch.dial()
    switch.clock.advance(10)
    call.patch_leg(leg, json.dumps(say("Hello.", CONTINUE)).encode())
    assert [role for role in ("caller", "callee") if "Hello." in switch.heard(role)] == hearing


def test_prompts_of_ice_and_ace_are_heard_by_the_caller_and_dtmf_by_the_callee():
    connect = {"action": {**CONNECT["action"], "dtmf": "12w#"}}
    switch = Switch(
        {"ice": say("Before.", connect), "ace": say("After.", CONTINUE)},
        parties={AGENT: hangs_up(20)},
    )
    switch.call()
    assert switch.heard() == ["Before.", "ringing", "After."]
    assert switch.heard("callee") == ["12w#"]


def test_send_dtmf_is_heard_by_the_callee_once_it_has_answered():
    answer = {"instructions": [{"name": "sendDtmf", "value": "42"}], **CONNECT}
    switch = Switch({"ice": answer, "ace": CONTINUE}, parties={AGENT: hangs_up(20)})
    switch.call()
    assert switch.heard("callee") == ["42"]


def test_bridged_legs_hear_each_other():
    switch = Switch({"ice": CONNECT, "ace": CONTINUE})
    call = switch.dial()
    assert not call.caller.say("Anybody?")
    switch.clock.advance(10)
    assert call.caller.say("Hello.")
    assert call.callee.press("5")
    assert switch.heard("callee") == ["Hello."]
    assert switch.heard("caller")[-1] == "5"


def test_words_in_a_conference_reach_the_others():
    switch = Switch({"ice": ROOM})
    one, two = switch.dial(), switch.dial("+12016666666")
    switch.clock.advance(1)
    assert one.caller.say("Hello all.")
    assert [
        (item.call, item.sound.text)
        for item in switch.happened
        if type(item).__name__ == "SoundStarted"
    ] == [(two.id, "Hello all.")]


def test_caller_is_answered_when_needed_and_else_with_the_callee():
    for answers, roles in (
        ({"ice": MENU}, ["caller"]),
        ({"ice": say("Hi.", HANGUP)}, []),
        ({"ice": CONNECT}, ["callee", "caller"]),
    ):
        switch = Switch(answers)
        switch.dial(behaviour=hangs_up(30))
        switch.clock.advance(4)
        assert [item.role for item in switch.of(LegPickedUp)] == roles


def test_answer_begins_the_billing_before_the_callee_picks_up():
    answer = {"instructions": [{"name": "answer"}], **CONNECT}
    switch = Switch(
        {"ice": answer, "ace": CONTINUE},
        parties={AGENT: Behaviour(after=10.0, acts=(Act("hang up", after=5.0),))},
    )
    switch.call()
    assert switch.event("dice")["duration"] == 15


def test_caller_and_number_are_spelled_as_on_the_wire():
    switch = Switch({"ice": CONNECT, "ace": CONTINUE}, parties={AGENT: hangs_up(12)})
    switch.call()
    ice, dice = switch.event("ice"), switch.event("dice")
    assert (ice["cli"], ice["to"]["endpoint"]) == (CALLER[1:], LINE)
    assert (dice["from"], dice["to"]["endpoint"], dice["duration"]) == (CALLER[1:], LINE[1:], 12)
    assert dice["debit"] == {"currencyId": "EUR", "amount": 0.01}
