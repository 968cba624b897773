"""Section 2 of the platform notes: the fields of each callback, their order and spelling."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from flowengine.sinch import AmdResult, CallTarget, MenuResult, Money, decode
from flowengine.svaml import CallHeader
from flowengine.switch import wire
from flowengine.switch.switch_setup import Rate
from flowengine.switch.wire import CallbackFacts, callback_bodies

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[3] / "schemas" / "callback.schema.json").read_text())
)
AT = datetime(2024, 6, 6, 17, 20, 14, 999_999, tzinfo=UTC)
LEAST = CallbackFacts("1ce0-53", "f00d")
MOST = CallbackFacts(
    "1ce0-53",
    "f00d",
    custom="Custom text",
    cookies={"fe": "abc", "b": ""},
    conference_id="room",
    user="anna",
    cli="+12015555555",
    to_type="did",
    to="+12017777777",
    domain="PSTN",
    origination_type="pstn",
    rdnis="+46700000001",
    call_headers=(CallHeader("k", "v"),),
    call_resource_url="https://calling-use1.api.sinch.com/calling/v1/calls/id/1ce0-53",
    user_rate=Rate("", 0.0095, "USD"),
)
AMD = AmdResult("machine", "longgreeting", 3)
MENU = wire.MenuEnd("confirm", "sequence", "1234", "dtmf")


def bodies(facts):
    return {
        "ice": wire.encode_ice(facts, AT),
        "ace": wire.encode_ace(facts, AT, AMD),
        "pie": wire.encode_pie(facts, AT, MENU),
        "dice": wire.encode_dice(
            facts, AT, result="ANSWERED", reason="MANAGERHANGUP", duration=12, debit=0.0019
        ),
        "notify": wire.encode_notify(facts, "callingerror", error=(40001, "Illegal SVAML")),
    }


# the matrix 2.1, one row a field: where it is always, and where it may be
ALWAYS = {
    "event": "ice ace pie dice notify",
    "callid": "ice ace pie dice notify",
    "version": "ice ace pie dice notify",
    "timestamp": "ice ace pie dice",
    "applicationKey": "ice ace pie dice",
    "to": "ice dice",
    "domain": "ice",
    "originationType": "ice",
    "rdnis": "ice",
    "menuResult": "pie",
    "reason": "dice",
    "result": "dice",
    "from": "dice",
    "type": "notify",
}
SOMETIMES = {
    "cli": "ice",
    "callResourceUrl": "ice",
    "custom": "ice ace pie dice notify",
    "conferenceId": "ice ace pie dice notify",
    "cookies": "ice ace pie dice notify",
    "user": "ice ace dice notify",
    "userRate": "ice dice",
    "callHeaders": "ice dice",
    "duration": "dice",
    "amd": "ace",
    "debit": "dice",
    "errorCode": "notify",
    "errorMsg": "notify",
}
EVENTS = ("ice", "ace", "pie", "dice", "notify")


@pytest.mark.parametrize("event", EVENTS)
def test_field_matrix_of_a_call_of_which_all_is_known(event):
    told = json.loads(bodies(MOST)[event])
    assert set(told) == {
        field for field, events in (ALWAYS | SOMETIMES).items() if event in events.split()
    }


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("ice", wire.encode_ice(LEAST, AT)),
        ("ace", wire.encode_ace(LEAST, AT)),
        ("pie", wire.encode_pie(LEAST, AT, MENU)),
        ("dice", wire.encode_dice(LEAST, AT, result="FAILED", reason="CONGESTION", duration=0)),
        ("notify", wire.encode_notify(LEAST, "recording_finished")),
    ],
)
def test_field_matrix_of_a_call_of_which_little_is_known(event, body):
    assert set(json.loads(body)) == {
        field for field, events in ALWAYS.items() if event in events.split()
    }


@pytest.mark.parametrize("facts", [LEAST, MOST], ids=["least", "most"])
@pytest.mark.parametrize("event", EVENTS)
def test_bodies_fit_the_schema_and_are_read_back(event, facts):
    body = bodies(facts)[event]
    SCHEMA.validate(json.loads(body))
    read = decode(body)
    assert (read.kind, read.call_id) == (event, "1ce0-53")
    assert (read.custom, read.conference_id, read.cookies) == (
        facts.custom,
        facts.conference_id,
        dict(facts.cookies or {}),
    )
    assert read.application_key == ("" if event == "notify" else "f00d")


def test_callback_bodies_are_decoded_by_the_engine():
    ice, ace, pie, dice, notify = (decode(body) for body in bodies(MOST).values())
    assert (ice.cli, ice.to, ice.domain, ice.origination_type) == (
        "12015555555",
        CallTarget("did", "+12017777777"),
        "pstn",
        "PSTN",
    )
    assert (ice.call_headers, ice.user_rate, ice.rdnis) == (
        {"k": "v"},
        Money("USD", 0.0095),
        "+46700000001",
    )
    assert ace.amd == AMD
    assert pie.menu_result == MenuResult("confirm", "sequence", "1234", "dtmf")
    assert (dice.from_, dice.to, dice.duration) == (
        "12015555555",
        CallTarget("did", "12017777777"),
        12,
    )
    assert (dice.debit, dice.user_rate) == (Money("USD", 0.0019), Money("USD", 0.0095))
    assert (notify.type, notify.error_code, notify.error_msg, notify.user) == (
        "callingerror",
        40001,
        "Illegal SVAML",
        "anna",
    )


def facts(**more):
    return CallbackFacts("1ce0ffee-53", "f00dcafe", **more)


BASE = {"cli": "+12015555555", "to": "+12017777777"}
EURO = Rate("", 0.0095)
# the bodies that the tests of the platform's own SDKs send (sections 2.3 to 2.7), letter by letter
RECORDED = {
    "2.3": (
        wire.encode_ice(
            facts(
                **BASE,
                to_type="did",
                domain="pstn",
                origination_type="PSTN",
                call_resource_url="https://c/1",
                user_rate=Rate("", 0.0, "USD"),
            ),
            AT,
        ),
        (
            '{"event":"ice","callid":"1ce0ffee-53","callResourceUrl":"https://c/1","timestamp":"2024-06-06T17:20:14Z","version":1,'
            '"userRate":{"currencyId":"USD","amount":0.0},"cli":"12015555555","to":{"type":"did","endpoint":"+12017777777"},'
            '"domain":"pstn","applicationKey":"f00dcafe","originationType":"PSTN","rdnis":""}'
        ),
    ),
    "2.4": (
        wire.encode_ace(facts(custom="Custom text"), AT),
        (
            '{"event":"ace","callid":"1ce0ffee-53","timestamp":"2024-06-06T17:20:14Z","version":1,"custom":"Custom text",'
            '"applicationKey":"f00dcafe"}'
        ),
    ),
    "2.5": (
        wire.encode_pie(facts(custom="Custom text"), AT, MENU),
        (
            '{"event":"pie","callid":"1ce0ffee-53","timestamp":"2024-06-06T17:20:14Z","menuResult":{"addToContext":[],"type":"sequence",'
            '"value":"1234","menuId":"confirm","inputMethod":"dtmf"},"version":1,"custom":"Custom '
            'text","applicationKey":"f00dcafe"}'
        ),
    ),
    "2.6": (
        wire.encode_dice(
            facts(**BASE, to_type="number", custom="Custom text", user_rate=EURO),
            AT,
            result="ANSWERED",
            reason="MANAGERHANGUP",
            duration=12,
            debit=0.0095,
        ),
        (
            '{"event":"dice","callid":"1ce0ffee-53","timestamp":"2024-06-06T17:20:14Z","reason":"MANAGERHANGUP","result":"ANSWERED",'
            '"version":1,"custom":"Custom text","debit":{"currencyId":"EUR","amount":0.0095},'
            '"userRate":{"currencyId":"EUR","amount":0.0095},"to":{"type":"number","endpoint":"12017777777"},"applicationKey":"f00dcafe","duration":12,"from":"12015555555"}'
        ),
    ),
    "2.7 recording": (
        wire.encode_notify(
            facts(),
            "recording_available",
            destination="azure://sinchsdk/voice-recordings/my-recording.mp3",
        ),
        (
            '{"event":"notify","callid":"1ce0ffee-53","version":1,"type":"recording_available",'
            '"destination":"azure://sinchsdk/voice-recordings/my-recording.mp3"}'
        ),
    ),
    "2.7 detection": (
        wire.encode_notify(facts(), "amd_beep", amd=AmdResult("machine", "beep", 9)),
        '{"event":"notify","callid":"1ce0ffee-53","version":1,"type":"amd_beep","amd":{"status":"machine","reason":"beep","duration":9}}',
    ),
}


@pytest.mark.parametrize("row", RECORDED)
def test_recorded_bodies(row):
    body, recorded = RECORDED[row]
    assert body.decode() == recorded


@pytest.mark.parametrize("cli", ["private", "Anna <+46700000001>"])
def test_cli_that_is_no_plain_number_stays(cli):
    assert decode(wire.encode_ice(facts(cli=cli), AT)).cli == cli
    assert decode(wire.encode_dice(facts(cli=cli), AT, result="N/A", reason="N/A")).from_ == cli


def test_duration_is_of_answered_calls_only():
    assert "duration" not in json.loads(
        wire.encode_dice(LEAST, AT, result="BUSY", reason="N/A", duration=3)
    )
    assert (
        json.loads(wire.encode_dice(LEAST, AT, result="ANSWERED", reason="TIMEOUT"))["duration"]
        == 0
    )


def test_menu_that_nobody_used_has_no_value_and_no_method():
    told = json.loads(wire.encode_pie(LEAST, AT, wire.MenuEnd("main", "timeout")))
    assert told["menuResult"] == {"addToContext": [], "type": "timeout", "menuId": "main"}


def test_call_id_may_have_its_other_name():
    for body in bodies(CallbackFacts("1ce0-53", "f00d", call_id_name="callId")).values():
        assert json.loads(body)["callId"] == "1ce0-53"
        assert decode(body).call_id == "1ce0-53"
        assert b"callid" not in body


@pytest.mark.parametrize("cookies", [None, {}])
def test_body_without_cookies_has_no_cookie_field(cookies):
    assert all(b"cookies" not in body for body in bodies(facts(cookies=cookies)).values())


def test_times_are_told_to_the_second_in_utc():
    assert callback_bodies.format_timestamp(AT) == "2024-06-06T17:20:14Z"
