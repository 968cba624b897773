"""Rows of sections 1.2, 2.1, 4.1 and 5 of the platform notes that take a whole call to show."""

import json

import pytest

from flowengine.svaml import CallHeader
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls.call_record import build_call_info
from flowengine.switch.switch_setup import Behaviour
from tests.switch.calls.scripted_switch import (
    AGENT,
    CONNECT,
    CONTINUE,
    HANGUP,
    LINE,
    ROOM,
    SIP,
    STREAM,
    USER,
    CallbackSent,
    LegJoined,
    LegRinging,
    SoundStarted,
    Switch,
    hangs_up,
    say,
)  # fmt: skip

NUMBER = {"destination": {"type": "number", "endpoint": AGENT}, "cli": LINE}
WORDS = {**NUMBER, "text": "Hello there."}
MEETING = {**NUMBER, "conferenceId": "room", "enableDice": True}
ASKS = {"action": {"name": "runMenu", "menus": [{"id": "main", "repeats": 0}]}}


def with_(answer, **properties):
    return {"action": {**answer["action"], **properties}}


def called_out(method, request, answers=None, *, parties=None, **how):
    switch = Switch(answers or {}, parties=parties, **how)
    switch.callout(method, request)
    switch.clock.run()
    return switch


@pytest.mark.parametrize(
    "answer", [CONNECT, SIP, STREAM], ids=["connectPstn", "connectSip", "connectStream"]
)
def test_max_duration(answer):
    switch = Switch({"ice": with_(answer, maxDuration=30), "ace": CONTINUE})
    call = switch.call()
    assert (call.ended.result, call.ended.reason, call.ended.duration) == (
        "ANSWERED",
        "TIMEOUT",
        30,
    )


@pytest.mark.parametrize("answer", [CONNECT, SIP], ids=["connectPstn", "connectSip"])
def test_suppress_callbacks(answer):
    switch = Switch({"ice": with_(answer, suppressCallbacks=True)})
    switch.call(behaviour=hangs_up(30))
    assert switch.events() == ["ice"]


def test_call_headers_of_an_app_reach_the_user_unless_ice_has_others():
    mine, other = (CallHeader("k", "mine"),), [{"key": "k", "value": "other"}]
    for answer, value in ((USER, "mine"), (with_(USER, callHeaders=other), "other")):
        switch = Switch({"ice": answer})
        call = switch.call("bert", "anna", kind="app", call_headers=mine, behaviour=hangs_up(20))
        assert switch.event("ice")["callHeaders"] == [{"key": "k", "value": "mine"}]
        assert [header.value for header in call.callee.headers] == [value]
        assert switch.event("dice")["callHeaders"] == [{"key": "k", "value": value}]


def test_call_headers_of_connect_stream_go_along():
    switch = Switch({"ice": with_(STREAM, callHeaders=[{"key": "k", "value": "v"}])})
    assert [header.value for header in switch.call(behaviour=hangs_up(5)).callee.headers] == ["v"]


def test_rdnis_is_empty_when_there_is_none():
    for given in ("", "+46700000001"):
        switch = Switch({"ice": HANGUP})
        switch.call(rdnis=given)
        assert switch.event("ice")["rdnis"] == given


def test_call_resource_url_is_where_the_call_is_managed():
    switch = Switch({"ice": HANGUP})
    call = switch.call()
    assert switch.event("ice")["callResourceUrl"].endswith(f"/calling/v1/calls/id/{call.id}")


def test_user_rate_is_for_the_original_destination_and_debit_for_the_actual_one():
    switch = Switch({"ice": CONNECT, "ace": CONTINUE}, parties={AGENT: hangs_up(61)})
    switch.call()
    assert switch.event("ice")["userRate"]["amount"] == 0.0
    assert (
        switch.event("dice")["userRate"]["amount"],
        switch.event("dice")["debit"]["amount"],
    ) == (0.01, 0.02)


def test_debit_is_0_when_failed():
    switch = Switch({"ice": CONNECT}, parties={AGENT: Behaviour("busy")})
    switch.call()
    assert switch.event("dice")["debit"]["amount"] == 0


def test_custom_callout_to_an_app_user_sends_no_ace():
    switch = called_out(
        "customCallout", {"ice": json.dumps(USER), "enableAce": True}, parties={"anna": hangs_up(5)}
    )
    assert switch.events() == []
    assert [(item.kind, item.to) for item in switch.of(LegRinging)] == [("app", "anna")]


def test_sip_end_counts_as_a_phone_for_ace_and_dice():
    destination = {"type": "sip", "endpoint": "desk@example.com"}
    request = {**WORDS, "destination": destination, "enableAce": True, "enableDice": True}
    switch = called_out("ttsCallout", request, {"ace": CONTINUE})
    assert switch.events() == ["ace", "dice"]
    assert switch.event("dice")["to"] == destination


def test_conference_callout_max_duration():
    switch = called_out("conferenceCallout", {**MEETING, "maxDuration": 20})
    assert switch.ending() == ("ANSWERED", "TIMEOUT")
    assert switch.event("dice")["duration"] == 20


def test_conference_callout_moh_class_greeting_and_dtmf_options():
    request = {
        **MEETING,
        "mohClass": "music2",
        "greeting": "Hi.",
        "enablePie": True,
        "conferenceDtmfOptions": {"mode": "detect"},
    }
    switch = Switch({})
    call = switch.callout("conferenceCallout", request)
    switch.clock.advance(10)
    assert call.callee.press("7")
    assert switch.heard("callee") == ["Hi.", "music2"]
    assert switch.event("pie")["menuResult"]["value"] == "7"


def test_conference_callout_ace_silence_connects():
    switch = called_out(
        "conferenceCallout",
        {**MEETING, "enableAce": True},
        {"ace": None},
        parties={AGENT: hangs_up(30)},
    )
    assert [(item.kind, item.to) for item in switch.of(LegJoined)] == [("conference", "room")]


def test_callout_dtmf_is_heard_on_pickup():
    assert called_out("ttsCallout", {**WORDS, "dtmf": "1w2#"}).heard("callee") == [
        "1w2#",
        "Hello there.",
    ]


def test_callout_custom_is_echoed():
    switch = called_out(
        "ttsCallout",
        {**WORDS, "custom": "order 17", "enableAce": True, "enableDice": True},
        {"ace": CONTINUE},
    )
    assert [event["custom"] for event in switch.asked] == ["order 17"] * 2


@pytest.mark.parametrize(
    ("domain", "told"), [({}, "pstn"), ({"domain": "mxp"}, "mxp"), ({"domain": "PSTN"}, "pstn")]
)
def test_callout_domain(domain, told):
    call = Switch({}).callout("ttsCallout", {**WORDS, **domain})
    assert build_call_info(call)["domain"] == told


REFUSED = {"domain": "fax", "cli": "Anna", "mohClass": "music4", "maxDuration": 14401}


@pytest.mark.parametrize("field", REFUSED)
def test_callout_field_refused(field):
    with pytest.raises(ApiError) as refused:
        Switch({}).callout("conferenceCallout", {**MEETING, field: REFUSED[field]})
    assert (refused.value.code, field in refused.value.message) == (40001, True)


@pytest.mark.parametrize("cli", [LINE, LINE[1:], "private"])
def test_callout_cli(cli):
    assert called_out("ttsCallout", {**WORDS, "cli": cli}).of(LegRinging)[0].cli == cli


def test_callout_without_a_callback_url_is_played_and_told_to_nobody():
    switch = called_out("ttsCallout", {**WORDS, "enableAce": True, "enableDice": True}, primary="")
    assert (switch.events(), switch.heard("callee")) == ([], ["Hello there."])


def test_inline_dice_is_told_to_nobody():
    request = {"ice": json.dumps(with_(CONNECT, cli=LINE)), "ace": json.dumps(HANGUP), "dice": "{}"}
    assert called_out("customCallout", request).events() == []


def test_custom_callout_may_connect_a_stream():
    switch = Switch({})
    switch.callout("customCallout", {"ice": json.dumps(STREAM)})
    switch.clock.advance(1)
    assert [(item.kind, item.to) for item in switch.of(LegRinging)] == [
        ("stream", "wss://example.com/audio")
    ]


HEADERS = {
    "32 characters": ("X-CB-" + "k" * 27, "v", True),
    "33 characters": ("X-CB-" + "k" * 28, "v", False),
    "value of 128": ("X-CB-Key", "v" * 128, True),
    "value of 129": ("X-CB-Key", "v" * 129, False),
    "not printable": ("X-CB-Key", "v\t", False),
}


@pytest.mark.parametrize("row", HEADERS)
def test_x_cb_header(row):
    key, value, kept = HEADERS[row]
    switch = Switch({})
    switch.callout("ttsCallout", {**WORDS, "enableDice": True}, {key: value})
    switch.clock.run()
    assert (switch.headers[0].get(key) == value) is kept


def test_conference_dtmf_is_forwarded_to_the_others_in_the_room():
    switch = Switch({"ice": with_(ROOM, conferenceDtmfOptions={"mode": "forward"})})
    one, two = switch.dial(), switch.dial("+12016666666")
    switch.clock.advance(1)
    assert one.caller.press("5")
    assert [(item.call, item.sound.text) for item in switch.of(SoundStarted)] == [(two.id, "5")]


def test_start_recording_records_from_its_place_on():
    start = {
        "name": "startRecording",
        "options": {"destinationUrl": "s3://bucket", "credentials": "a:b:c"},
    }
    words = say("x" * 150, {})["instructions"]
    for instructions, begin in (([start, *words], "090000"), ([*words, start], "090010")):
        switch = Switch({"ice": {"instructions": instructions, **HANGUP}})
        switch.call()
        assert f"{begin}_app_" in switch.event("recording_available")["destination"]


def test_stop_recording_finishes_it_before_the_call_ends():
    start = {
        "name": "startRecording",
        "options": {"destinationUrl": "s3://bucket", "credentials": "a:b:c"},
    }
    more = say("x" * 150, {})["instructions"]
    switch = Switch(
        {"ice": {"instructions": [start, *more, {"name": "stopRecording"}, *more], **HANGUP}}
    )
    switch.call()
    assert [item.at.second for item in switch.of(CallbackSent) if item.event == "notify"] == [
        10,
        12,
    ]


def test_illegal_pie_answer_fails_an_answered_call_without_a_duration():
    switch = Switch({"ice": ASKS, "pie": {"action": {"name": "park"}}})
    switch.call()
    dice = switch.event("dice")
    assert (dice["result"], dice["reason"], dice["debit"]["amount"]) == (
        "FAILED",
        "GENERALERROR",
        0,
    )
    assert "duration" not in dice
