"""What a leg is asked and answered, against the switch's own reading of SVAML."""

import json

import pytest

from flowengine.orchestration.leg_messages import (
    PARK_REQUEST,
    build_leg_request,
    encode_verdict,
    read_leg_event,
)
from flowengine.orchestration.turn import (
    AskMember,
    DialMember,
    EndLeg,
    JoinRoom,
    LegAnswered,
    LegAsked,
    LegEnded,
    LegPressed,
)
from flowengine.sinch import decode
from flowengine.states.ring_plan import RingMember
from flowengine.switch.reading import read_answer
from flowengine.switch.switch_settings import SwitchSettings

PHONE = RingMember("number", "+14045009001")
DESK = RingMember("sip", "desk@pbx.example.com")
CLI = "+14045550100"
VERDICTS = {
    "phone": (
        "custom_ice",
        DialMember(PHONE, CLI, 20),
        {"name": "connectPstn", "number": "+14045009001", "cli": CLI, "dialTimeout": 20},
    ),
    "sip": (
        "custom_ice",
        DialMember(DESK, "", 20),
        {
            "name": "connectSip",
            "destination": {"type": "sip", "endpoint": "desk@pbx.example.com"},
        },
    ),
    "join": ("custom_pie", JoinRoom("ring-1"), {"name": "connectConf", "conferenceId": "ring-1"}),
    "refuse": ("custom_ice", EndLeg(), {"name": "hangup"}),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdict_is_the_svaml_of_its_callback(name):
    context, verdict, action = VERDICTS[name]
    body = encode_verdict(verdict)
    assert json.loads(body)["action"] == action
    assert read_answer(body, context, SwitchSettings()).illegal == ()


def test_whisper_is_a_menu_of_one_key_that_is_said_once():
    body = encode_verdict(AskMember("#tts[Press 5.]", "en-US", "5", 8))
    assert read_answer(body, "custom_ace", SwitchSettings(strict=True)).illegal == ()
    [menu] = json.loads(body)["action"]["menus"]
    assert menu["options"] == [{"dtmf": "5", "action": "return(5)"}]
    assert (menu["repeats"], menu["timeoutMills"], menu["mainPrompt"]) == (
        0,
        8000,
        "#tts[Press 5.]",
    )


def test_member_who_comes_too_late_hears_why():
    body = encode_verdict(EndLeg("#tts[The call is taken.]", "en-US"))
    assert read_answer(body, "custom_pie", SwitchSettings(strict=True)).illegal == ()
    assert json.loads(body)["instructions"][0]["ids"] == ["#tts[The call is taken.]"]


EVENTS = {
    "ice": ({}, LegAsked(3, "leg")),
    "ace": ({}, LegAnswered(3, "leg")),
    "pie": ({"menuResult": {"type": "return", "value": "5"}}, LegPressed(3, "leg", "5")),
    "dice": ({"result": "NOANSWER"}, LegEnded(3, "leg", "noanswer")),
    "notify": ({"type": "callingerror"}, None),
}


@pytest.mark.parametrize("kind", EVENTS)
def test_callback_of_a_leg_is_read_as_its_event(kind):
    fields, expected = EVENTS[kind]
    body = json.dumps({"event": kind, "callid": "leg", "version": 1, **fields}).encode()
    assert read_leg_event(decode(body), 3) == expected


def test_whisper_that_ends_without_its_key_is_no_key():
    for menu_result in ({"type": "timeout"}, {"type": "invalidinput", "value": "7"}):
        event = {"event": "pie", "callid": "leg", "version": 1, "menuResult": menu_result}
        assert read_leg_event(decode(json.dumps(event).encode()), 3) == LegPressed(3, "leg", "")


def test_leg_is_placed_with_a_blank_ice_and_its_token():
    callout = build_leg_request(PHONE, CLI, "token")["customCallout"]
    assert (callout["ice"], callout["custom"], callout["cli"]) == ("", "token", CLI)
    assert callout["destination"] == {"type": "number", "endpoint": "+14045009001"}
    assert "cli" not in build_leg_request(PHONE, "", "token")["customCallout"]
    assert read_answer(PARK_REQUEST, "patch", SwitchSettings()).illegal == ()
