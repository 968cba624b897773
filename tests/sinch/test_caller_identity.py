"""Who calls, from the payloads of phones, apps, SIP ends and those who forward or withhold."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.runtime.incoming_facts import read_call_facts
from flowengine.sinch import decode
from flowengine.sinch.caller_identity import read_caller


def facts(**fields: Any) -> dict[str, Any]:
    body = {"event": "ice", "callid": "1", "to": {"type": "did", "endpoint": "+12017777777"}}
    event: Any = decode(json.dumps({**body, **fields}).encode())
    found = {
        name.removeprefix("call."): value for name, value in read_call_facts(event, []).items()
    }
    return {name: value for name, value in found.items() if value}


TO = "+12017777777"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"cli": "46708168731", "originationType": "PSTN", "domain": "pstn", "rdnis": ""},
            {"from": "+46708168731", "origin": "pstn", "to": TO},
        ),
        (
            {"cli": "Anna <+46708168731>", "originationType": "PSTN", "rdnis": "46812345678"},
            {"from": "+46708168731", "redirected_from": "+46812345678", "origin": "pstn", "to": TO},
        ),
        (
            {"cli": "private", "originationType": "PSTN", "rdnis": "private"},
            {"withheld": True, "origin": "pstn", "to": TO},
        ),
        ({"cli": "1001", "originationType": "SIP"}, {"sip": "1001", "origin": "sip", "to": TO}),
        ({"cli": "", "originationType": "PSTN"}, {"origin": "pstn", "to": TO}),
        ({"cli": "unknown", "originationType": "PSTN"}, {"origin": "pstn", "to": TO}),
        ({"cli": "71234", "originationType": "PSTN"}, {"from": "71234", "origin": "pstn", "to": TO}),
        (
            {"cli": "070-816 87 31", "originationType": "PSTN"},
            {"from": "0708168731", "origin": "pstn", "to": TO},
        ),
        (
            {"cli": "alice@pbx.example.com", "originationType": "SIP"},
            {"sip": "alice@pbx.example.com", "origin": "sip", "to": TO},
        ),
        (
            {"cli": "sip:1001234@pbx.example.com;user=phone", "originationType": "SIP"},
            {"sip": "1001234@pbx.example.com", "origin": "sip", "to": TO},
        ),
        (
            {"cli": '"Al" <sip:+46708168731@sbc.example.com>', "originationType": "SIP"},
            {"from": "+46708168731", "sip": "+46708168731@sbc.example.com", "origin": "sip", "to": TO},
        ),
        (
            {"cli": "sip:anonymous@anonymous.invalid", "originationType": "SIP"},
            {"withheld": True, "origin": "sip", "to": TO},
        ),
        (
            {"domain": "mxp", "originationType": "MXP", "user": "alice",
             "to": {"type": "conference", "endpoint": "room"}},
            {"user": "alice", "origin": "mxp", "to": "room"},
        ),
        (
            {"domain": "mxp", "cli": "bob", "to": {"type": "Username", "endpoint": "carol"}},
            {"user": "bob", "origin": "mxp", "to": "carol"},
        ),
        (
            {"domain": "pstn", "originationType": "mxp", "user": "bob", "cli": "+46708168731",
             "to": {"type": "Number", "endpoint": "46812345678"}},
            {"from": "+46708168731", "user": "bob", "origin": "mxp", "to": "+46812345678"},
        ),
        (
            {"cli": "46708168731", "originationType": "SIP",
             "to": {"type": "sip", "endpoint": "sip:line@pbx.example.com"}},
            {"from": "+46708168731", "origin": "sip", "to": "line@pbx.example.com"},
        ),
    ],
)  # fmt: skip
def test_facts_of_an_incoming_call_tell_who_calls(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert facts(**fields) == expected


@given(st.text(max_size=40), st.text(max_size=10), st.sampled_from(["pstn", "mxp", "sip", ""]))
def test_read_caller_of_any_text_gives_a_number_only_where_there_is_one(
    cli: str, user: str, origin: str
) -> None:
    caller = read_caller(cli, user, origin)
    digits = caller.number.removeprefix("+")
    assert not caller.number or (digits.isascii() and digits.isdigit() and len(digits) <= 16)
    assert not (caller.withheld and caller.number)
