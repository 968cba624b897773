"""Section 4.3: every documented error, with its body and its status."""

import re
from typing import Any

import pytest

from flowengine.switch.api.error_replies import ERROR_MESSAGES
from tests.switch.switch_process import KEY, NUMBER, OTHER, Backend, Switch
from tests.switch.switch_process import switch as started

CALL = "/calling/v1/calls/id/no-such-call"
NUMBERS = "/v1/configuration/numbers"
CALLBACKS = "/v1/configuration/callbacks/applications"
QUERY = "/v1/calling/query/number"
RECORDING = "/calling/v1/recording"
HERE = {"type": "number", "endpoint": "+46700000007"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ASKED: list[tuple[str, str, str, Any, int]] = [
    ("a callout without a method", "POST", "/v1/callouts", {}, 40001),
    (
        "a callout of an unknown method",
        "POST",
        "/v1/callouts",
        {"method": "callMe", "callMe": {}},
        40001,
    ),
    ("a callout that is not JSON", "POST", "/v1/callouts", b"{", 40001),
    ("a callout that is a list", "POST", "/v1/callouts", [], 40001),
    (
        "a callout without what its method needs",
        "POST",
        "/v1/callouts",
        {"method": "ttsCallout"},
        40002,
    ),
    ("no such call", "GET", CALL, None, 40400),
    ("no such call to patch", "PATCH", CALL, {"action": {"name": "hangup"}}, 40400),
    (
        "no such call's leg to patch",
        "PATCH",
        f"{CALL}/leg/caller",
        {"action": {"name": "continue"}},
        40400,
    ),
    ("no such conference", "GET", "/calling/v1/conferences/id/none", None, 40400),
    ("no such conference to end", "DELETE", "/calling/v1/conferences/id/none", None, 40400),
    (
        "no such participant",
        "PATCH",
        "/calling/v1/conferences/id/none/nobody",
        {"command": "mute"},
        40400,
    ),
    (
        "no such participant to kick",
        "DELETE",
        "/calling/v1/conferences/id/none/nobody",
        None,
        40400,
    ),
    ("no numbers to assign", "POST", NUMBERS, {"numbers": []}, 40001),
    ("more than 100 numbers", "POST", NUMBERS, {"numbers": [NUMBER] * 101}, 40001),
    ("a number of somebody else", "POST", NUMBERS, {"numbers": ["+12025550100"]}, 40001),
    ("an unknown capability", "POST", NUMBERS, {"numbers": [NUMBER], "capability": "fax"}, 40001),
    (
        "an unknown application",
        "POST",
        NUMBERS,
        {"numbers": [NUMBER], "applicationkey": "none"},
        40003,
    ),
    ("a number without its plus", "POST", NUMBERS, {"numbers": [NUMBER[1:]]}, 40005),
    ("no number to take away", "DELETE", NUMBERS, {}, 40001),
    (
        "a number of another application",
        "DELETE",
        NUMBERS,
        {"number": NUMBER, "applicationkey": OTHER},
        40001,
    ),
    (
        "an unknown application to take from",
        "DELETE",
        NUMBERS,
        {"number": NUMBER, "applicationkey": "none"},
        40003,
    ),
    ("callbacks of an unknown application", "GET", f"{CALLBACKS}/none", None, 40003),
    (
        "new callbacks of an unknown application",
        "POST",
        f"{CALLBACKS}/none",
        {"url": {"primary": ""}},
        40003,
    ),
    (
        "callbacks to no URL",
        "POST",
        f"{CALLBACKS}/{KEY}",
        {"url": {"primary": "ftp://here"}},
        40003,
    ),
    ("callbacks without url", "POST", f"{CALLBACKS}/{KEY}", {}, 40003),
    ("a number that is none", "GET", f"{QUERY}/anna", None, 40001),
    ("a number of no country", "GET", f"{QUERY}/+99900000000", None, 40001),
    ("recordings from no time", "GET", f"{RECORDING}?from=yesterday", None, 40001),
    ("recordings to no time", "GET", f"{RECORDING}?to=tomorrow", None, 40001),
    ("recordings on no page", "GET", f"{RECORDING}?page=0", None, 40001),
    ("recordings in pages of nothing", "GET", f"{RECORDING}?pageSize=x", None, 40001),
    ("no key of a recording", "DELETE", RECORDING, None, 40002),
    ("no such recording", "GET", f"{RECORDING}/none.mp3", None, 40400),
    ("no such recording to delete", "DELETE", f"{RECORDING}/none.mp3", None, 40400),
    (
        "a report of no such call",
        "POST",
        "/calling/v1/callreport/callId/none",
        {"status": "success"},
        40400,
    ),
    ("no such route", "GET", "/calling/v1/none", None, 40400),
    ("no such method", "PUT", "/calling/v1/callouts", {}, 40400),
    ("a body of a megabyte", "POST", "/v1/callouts", b" " * 1_000_000, 40001),
]


def check(answer: Any, code: int) -> None:
    body = answer.json()
    assert (answer.status_code, body["errorCode"]) == (code // 100, code), body
    assert list(body) == ["errorCode", "message", "reference"]
    assert body["message"]
    assert UUID.fullmatch(body["reference"])


def test_wrong_request_is_refused_with_its_code(switch: Switch, subtests: pytest.Subtests) -> None:
    for name, method, path, body, code in ASKED:
        with subtests.test(name):
            check(switch.ask(method, path, body), code)


def test_reporting_on_what_is_not_there(switch: Switch) -> None:
    check(switch.signed("GET", "/v1/users/number/+46700000007/calls/fax"), 40001)
    check(switch.signed("GET", "/v1/counters/none"), 40400)


def test_messages_that_the_documentation_shows(switch: Switch) -> None:
    assert switch.ask("GET", CALL).json()["message"] == "Call not found"
    assert "ttsCallout" in switch.ask("POST", "/v1/callouts", {"method": "x"}).json()["message"]
    assert (
        switch.ask("POST", "/v1/callouts", {"method": "ttsCallout"}).json()["message"]
        == "Bad request: TTS callout information missing"
    )
    assert switch.ask("GET", f"{CALLBACKS}/none").json()["message"] == "Invalid Application Key"
    assert switch.ask("DELETE", RECORDING).json()["message"] == "No key"


def test_patch_with_illegal_svaml_is_40003(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = {
        "action": {"name": "connectPstn", "number": "+46700000009", "cli": NUMBER}
    }
    call = switch.dial()
    switch.advance(1)
    switch.act(call, "callee", "answer")
    check(
        switch.ask("PATCH", f"/calling/v1/calls/id/{call}", {"action": {"name": "runMenu"}}), 40003
    )
    check(switch.ask("PATCH", f"/calling/v1/calls/id/{call}", b"hang up"), 40003)


def test_unknown_leg_is_refused_with_40001(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = {
        "action": {"name": "connectPstn", "number": "+46700000009", "cli": NUMBER}
    }
    call = switch.dial()
    check(
        switch.ask(
            "PATCH", f"/calling/v1/calls/id/{call}/leg/waiter", {"action": {"name": "continue"}}
        ),
        40001,
    )


def test_commands_of_conferences(
    switch: Switch, backend: Backend, subtests: pytest.Subtests
) -> None:
    backend.answers["ice"] = {"action": {"name": "connectConf", "conferenceId": "room"}}
    call = switch.dial()
    switch.advance(1)
    for body, code in (
        ({}, 40002),
        ({"command": "shout"}, 40001),
        ({"command": "onhold", "moh": "polka"}, 40001),
    ):
        with subtests.test(str(body)):
            check(switch.ask("PATCH", f"/calling/v1/conferences/id/room/{call}", body), code)
    check(switch.ask("PATCH", "/calling/v1/conferences/id/room/other", {"command": "mute"}), 40400)
    check(switch.ask("DELETE", "/calling/v1/conferences/id/room/other"), 40400)


def test_resource_of_another_application_is_not_found(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = {"action": {"name": "connectConf", "conferenceId": "room"}}
    call = switch.dial()
    switch.advance(1)
    other = Switch(switch.url, OTHER, "JViE5vDor0Sw3WllZka15Q==")
    check(other.ask("GET", f"/calling/v1/calls/id/{call}"), 40400)
    check(other.ask("GET", "/calling/v1/conferences/id/room"), 40400)
    switch.act(call, "caller", "hangup")
    switch.advance(1)
    check(other.ask("GET", f"/calling/v1/calls/id/{call}"), 40400)
    assert switch.ask("GET", f"/calling/v1/calls/id/{call}").status_code == 200


def test_40200_not_enough_credit() -> None:
    config = f"""
applications: [{{key: {KEY}, secret: BeIukql3pTKJ8RGL5zo0DA==, credit: 0}}]
numbers: [{{number: "{NUMBER}"}}]
"""
    with started(config=config) as switch:
        body = {
            "method": "ttsCallout",
            "ttsCallout": {"destination": HERE, "cli": NUMBER, "text": "Hi."},
        }
        check(switch.ask("POST", "/v1/callouts", body), 40200)


def test_50000_when_something_breaks(switch: Switch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert switch.api
    monkeypatch.setattr(switch.api.context.exchange, "callout", None)
    check(switch.ask("POST", "/v1/callouts", {"method": "ttsCallout"}), 50000)


def test_documented_code_of_any_kind_can_be_had_on_demand(
    switch: Switch, subtests: pytest.Subtests
) -> None:
    for code in ERROR_MESSAGES:
        with subtests.test(str(code)):
            assert switch.send("POST", "/desk/refusals", {"code": code}).status_code == 200
            answer = switch.ask("GET", NUMBERS)
            check(answer, code)
            assert answer.json()["message"] == ERROR_MESSAGES[code]
    assert switch.ask("GET", NUMBERS).status_code == 200
    check(switch.send("POST", "/desk/refusals", {"code": 40001, "times": 0}), 40001)
    check(switch.send("POST", "/desk/refusals", {"code": 45678}), 40001)
