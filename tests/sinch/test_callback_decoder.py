import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flowengine.sinch.callback_decoder import (
    Ace,
    AmdResult,
    BadCallbackError,
    CallTarget,
    Dice,
    Ice,
    Money,
    Notify,
    Pie,
    decode,
)

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "schemas" / "callback.schema.json").read_text())
)
ICE = {
    "event": "ice",
    "callid": "1ce0-53",
    "callResourceUrl": "https://calling-use1.api.sinch.com/calling/v1/calls/id/1ce0-53",
    "timestamp": "2024-06-06T17:20:14Z",
    "version": 1,
    "userRate": {"currencyId": "USD", "amount": 0.0},
    "cli": "12015555555",
    "to": {"type": "did", "endpoint": "+12017777777"},
    "domain": "pstn",
    "applicationKey": "f00d",
    "originationType": "PSTN",
    "rdnis": "",
}
PIE = {
    "event": "pie",
    "callid": "1ce0-23",
    "timestamp": "2024-06-06T17:35:58Z",
    "version": 1,
    "custom": "Custom text",
    "applicationKey": "f00d",
    "menuResult": {
        "addToContext": [],
        "type": "sequence",
        "value": "1234",
        "menuId": "confirm",
        "inputMethod": "dtmf",
    },
}
DICE = {
    "event": "dice",
    "callid": "1ce0-33",
    "timestamp": "2024-06-06T16:59:42Z",
    "reason": "MANAGERHANGUP",
    "result": "ANSWERED",
    "version": 1,
    "custom": "Custom text",
    "debit": {"currencyId": "EUR", "amount": 0.0095},
    "userRate": {"currencyId": "EUR", "amount": 0.0095},
    "to": {"type": "Number", "endpoint": "12017777777"},
    "applicationKey": "f00d",
    "duration": 12,
    "from": "12015555555",
}
ACE = {
    "event": "ace",
    "callid": "1ce0-43",
    "version": 1,
    "amd": {"status": "Human", "reason": "N/A", "duration": 3},
}
NOTIFY = {
    "event": "notify",
    "callid": "33dd",
    "version": 1,
    "type": "callingerror",
    "errorCode": 40001,
    "errorMsg": "Illegal SVAML",
    "user": "anna",
}
ALL = [ICE, ACE, PIE, DICE, NOTIFY]


def read(data, **changes):
    return decode(json.dumps(data | changes).encode())


def test_ice_body_is_decoded():
    event = read(ICE, callHeaders=[{"key": "a", "value": "b"}], domain="MXP", originationType="mxp")
    assert event == Ice(
        call_id="1ce0-53",
        timestamp="2024-06-06T17:20:14Z",
        application_key="f00d",
        cli="12015555555",
        to=CallTarget("did", "+12017777777"),
        domain="mxp",
        origination_type="MXP",
        call_headers={"a": "b"},
        call_resource_url=ICE["callResourceUrl"],
        user_rate=Money("USD", 0.0),
    )


def test_pie_body_is_decoded():
    event = read(
        PIE, menuResult=PIE["menuResult"] | {"type": "InvalidInput", "inputMethod": "DTMF"}
    )
    assert isinstance(event, Pie)
    assert (event.menu_id, event.type, event.value, event.input_method, event.custom) == (
        "confirm",
        "invalidinput",
        "1234",
        "dtmf",
        "Custom text",
    )


def test_dice_body_is_decoded():
    event = read(DICE)
    assert isinstance(event, Dice)
    assert (event.result, event.reason, event.duration, event.from_) == (
        "answered",
        "managerhangup",
        12,
        "12015555555",
    )
    assert (event.debit, event.to) == (Money("EUR", 0.0095), CallTarget("number", "12017777777"))


def test_ace_and_notify():
    assert read(ACE) == Ace(call_id="1ce0-43", amd=AmdResult("human", "n/a", 3))
    assert read(NOTIFY) == Notify(
        call_id="33dd",
        type="callingerror",
        error_code=40001,
        error_msg="Illegal SVAML",
        user="anna",
    )


@pytest.mark.parametrize("data", ALL, ids=lambda data: data["event"])
@pytest.mark.parametrize("cookies", [[{"key": "fe", "value": "x"}], {"fe": "x"}])
def test_cookies_are_a_plain_dict(data, cookies):
    event = read(data, cookies=cookies)
    assert type(event.cookies) is dict
    assert event.cookies == {"fe": "x"}
    assert type(read(data, cookies=[]).cookies) is dict


@pytest.mark.parametrize("data", ALL, ids=lambda data: data["event"])
def test_body_in_another_spelling_decodes_to_the_same_event(data):
    usual = read(data)
    renamed = {("callId" if name == "callid" else name): value for name, value in data.items()}
    assert decode(json.dumps(renamed).encode()) == usual
    shouted = {name.upper(): value for name, value in data.items()} | {
        "EVENT": data["event"].upper()
    }
    assert decode(json.dumps(shouted).encode()) == usual
    assert read(data, unheardOf={"deep": [1]}, rdnis=None) == usual


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        ({"custom": {"order": 17}}, "custom", '{"order":17}'),
        ({"custom": None}, "custom", ""),
        ({"version": "1"}, "version", 1),
        ({"version": "one"}, "version", 1),
        ({"duration": 12.7}, "duration", 12),
        ({"duration": "inf"}, "duration", 0),
        ({"cli": 46708168731}, "cli", "46708168731"),
        ({"to": "+46708168731"}, "to", CallTarget()),
        ({"to": {"Type": "DID", "endpoint": 46}}, "to", CallTarget("did", "46")),
        ({"userRate": 3}, "user_rate", None),
        ({"userRate": {"currencyId": "EUR", "amount": "0.5"}}, "user_rate", Money("EUR", 0.5)),
        ({"cookies": "fe=x"}, "cookies", {}),
        ({"cookies": [{"Key": "fe", "Value": "x"}, 3, {"value": "y"}]}, "cookies", {"fe": "x"}),
        ({"cookies": {"n": 1}}, "cookies", {"n": "1"}),
        (
            {"callheaders": [{"key": "a", "value": "b"}], "version": None},
            "call_headers",
            {"a": "b"},
        ),
    ],
)
def test_field_of_the_wrong_type_fails_no_call(changes, name, expected):
    event = read(ICE, **changes)
    assert getattr(event, name) == expected
    assert event.call_id == "1ce0-53"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"event":"ice","callid":"\xff"}', "not JSON"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"event":"ice","callid":"\\ud800"}', "halves of characters"),
        (b'{"event":"ice","callid":"' + b"c" * 601 + b'"}', "more than 600 characters"),
        (b'{"event":"ice","callId":"' + b"c" * 601 + b'"}', "more than 600 characters"),
        (b'{"event":"ice","callid":"c","duration":' + b"9" * 5000 + b"}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "the event is none of ice, ace, pie, dice, notify"),
        (b'{"event":"dance","callid":"1"}', "the event is none of ice"),
        (b'{"event":"ice"}', "names no call"),
        (b'{"event":"ice","callid":""}', "names no call"),
        (b'{"event":"ice","callid":null}', "names no call"),
    ],
)
def test_body_that_is_no_callback_is_refused(body, message):
    with pytest.raises(BadCallbackError, match=message):
        decode(body)


@pytest.mark.parametrize(
    ("field", "name", "expected"),
    [
        (b'"cli":"Ann \\ud83d"', "cli", "Ann \N{REPLACEMENT CHARACTER}"),
        (b'"cli":"Ann \\ud83d\\ude00 \\ud83d"', "cli", "Ann \N{GRINNING FACE} \N{REPLACEMENT CHARACTER}"),
        (b'"duration":NaN', "duration", 0),
        (b'"duration":-Infinity', "duration", 0),
        (b'"duration":1e999', "duration", 0),
        (b'"custom":{"a":[1,NaN,"\\udc00"]}', "custom", '{"a":[1,null,"\N{REPLACEMENT CHARACTER}"]}'),
    ],
)  # fmt: skip
def test_values_that_no_json_has_fail_no_call(field, name, expected):
    event = decode(b'{"event":"ice","callid":"c1",' + field + b"}")
    assert (event.call_id, getattr(event, name)) == ("c1", expected)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
names = st.sampled_from(
    sorted(
        {name for data in ALL for name in data}
        | {"cookies", "callHeaders", "conferenceId", "callId", "destination"}
    )
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(ALL), st.dictionaries(names, json_values))
def test_body_of_any_values_is_decoded_or_refused(data, changes):
    body = msgspec.json.encode(data | changes)
    try:
        event = decode(body)
    except BadCallbackError:
        assert {"event", "callid", "callId"} & set(changes)
    else:
        assert event.call_id
        assert type(event.cookies) is dict
        assert all(isinstance(value, str) for value in event.cookies.values())


@given(st.binary())
def test_body_of_any_bytes_is_refused(body):
    with pytest.raises(BadCallbackError):
        decode(body)


@pytest.mark.parametrize("data", ALL, ids=lambda data: data["event"])
def test_schema_knows_them(data):
    SCHEMA.validate(data | {"cookies": [{"key": "a", "value": "b"}], "custom": {"a": 1}})
    assert not SCHEMA.is_valid({name: value for name, value in data.items() if name != "callid"})
    assert not SCHEMA.is_valid(data | {"event": "dance"})


def test_schema_names_every_field():
    for kind in (Ice, Ace, Pie, Dice, Notify):
        properties = set(SCHEMA.schema["$defs"][kind.__struct_config__.tag]["properties"])
        assert {field.encode_name for field in msgspec.structs.fields(kind)} | {
            "event",
            "callId",
        } == properties


def test_duration_without_bound_is_cut_to_what_databases_hold():
    body = b'{"event": "dice", "callid": "c", "duration": %d}' % 2**70
    assert decode(body).duration == 2**31 - 1
