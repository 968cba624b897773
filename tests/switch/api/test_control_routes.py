"""The switch's own API under /desk: calls placed, answered and read by hand."""

import json
import threading
import time

import httpx
import pytest

from tests.switch.switch_process import CONFIG, NUMBER, Backend, Switch
from tests.switch.switch_process import switch as started
from tests.waiting import PATIENCE_SECONDS, wait_until

MENU = {
    "id": "main",
    "mainPrompt": "#tts[Press 1.]",
    "options": [{"dtmf": "1", "action": "return(one)"}],
}
RUN = {"action": {"name": "runMenu", "locale": "en-US", "mainMenu": "main", "menus": [MENU]}}
CONNECT = {"action": {"name": "connectPstn", "number": "+46700000009", "cli": NUMBER}}
BYE = {
    "instructions": [{"name": "say", "text": "Bye.", "locale": "en-US"}],
    "action": {"name": "hangup"},
}


def test_call_placed_by_hand_goes_from_ringing_to_its_end(switch: Switch, backend: Backend) -> None:
    backend.answers.update(ice=RUN, pie=BYE)
    call = switch.dial()
    switch.advance(2)
    assert switch.act(call, "caller", "press", keys="1").json() == {"heard": True}
    switch.advance(10)
    assert backend.events() == ["ice", "pie", "dice"]
    assert switch.heard(call) == ["Press 1.", "Bye."]
    kinds = [item["what"] for item in switch.happened(call)]
    assert [kinds.count(kind) for kind in ("asks", "told", "asked", "ended")] == [3, 3, 1, 1]
    asks = next(item for item in switch.happened(call) if item["what"] == "asks")
    assert (asks["event"], asks["call"], asks["body"]["callid"]) == ("ice", call, call)


def test_keys_that_nobody_waits_for_are_lost(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = CONNECT
    call = switch.dial()
    assert switch.act(call, "caller", "press", keys="1").json() == {"heard": False}
    assert switch.act(call, "caller", "say", text="Hello").json() == {"heard": False}


@pytest.mark.parametrize(
    ("reason", "result"),
    [("busy", "BUSY"), ("decline", "FAILED"), ("congestion", "FAILED"), ("no answer", "NOANSWER")],
)
def test_callee_that_rejects_ends_the_call_with_its_result(
    switch: Switch, backend: Backend, reason: str, result: str
) -> None:
    backend.answers["ice"] = CONNECT
    call = switch.dial()
    switch.advance(1)
    assert switch.act(call, "callee", "reject", reason=reason).status_code == 200
    switch.advance(1)
    assert switch.ask("GET", f"/calling/v1/calls/id/{call}").json()["result"] == result


def test_call_is_shown_with_its_legs(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = CONNECT
    call = switch.dial()
    switch.advance(1)
    shown = switch.send("GET", f"/desk/calls/{call}").json()
    assert (shown["callId"], shown["info"]["status"]) == (call, "ONGOING")
    assert (shown["legs"]["caller"]["address"], shown["legs"]["callee"]["address"]) == (
        "+46700000001",
        "+46700000009",
    )
    assert [item["callId"] for item in switch.send("GET", "/desk/calls").json()["calls"]] == [call]


def test_scripted_caller_presses_keys_when_asked(switch: Switch, backend: Backend) -> None:
    backend.answers.update(ice=RUN, pie=BYE)
    call = switch.dial(behaviour={"acts": [{"do": "press", "value": "1", "until": "asked"}]})
    switch.advance(30)
    assert switch.heard(call)[-1] == "Bye."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"to": NUMBER}, 40001),
        ({"from": "+46700000001", "to": NUMBER, "behavior": {}}, 40001),
        ({"from": "+46700000001", "to": NUMBER, "kind": "fax"}, 40001),
        ({"from": "+46700000001", "to": NUMBER, "application": "none"}, 40003),
        ([], 40001),
    ],
)
def test_call_that_cannot_be_placed_is_refused_with_its_code(
    switch: Switch, body: object, expected: int
) -> None:
    assert switch.send("POST", "/desk/calls", body).json()["errorCode"] == expected


def test_acts_that_cannot_be_done(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = RUN
    call = switch.dial()
    for path, body, expected in (
        (f"{call}/caller/press", {}, 40002),
        (f"{call}/caller/say", {}, 40002),
        (f"{call}/caller/press", {"keys": "x"}, 40001),
        (f"{call}/caller/dance", {}, 40400),
        (f"{call}/callee/answer", {}, 40400),
        (f"{call}/waiter/answer", {}, 40400),
        ("none/caller/answer", {}, 40400),
    ):
        assert switch.send("POST", f"/desk/calls/{path}", body).json()["errorCode"] == expected, (
            path
        )
    assert switch.send("GET", "/desk/calls/none").json()["errorCode"] == 40400
    assert switch.send("GET", "/desk/calls/none/happenings").json()["errorCode"] == 40400
    assert switch.send("GET", "/desk/none").json()["errorCode"] == 40400


def test_events_are_read_on_from_where_one_was(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = CONNECT
    call = switch.dial()
    path = f"/desk/calls/{call}/happenings"
    first = switch.send("GET", path).json()
    assert switch.send("GET", f"{path}?after={first['next']}").json() == {
        "happenings": [],
        "next": first["next"],
    }
    found: list[httpx.Response] = []
    waiting = threading.Thread(
        target=lambda: found.append(switch.send("GET", f"{path}?after={first['next']}&wait=10"))
    )
    waiting.start()
    time.sleep(0.1)
    assert found == []
    switch.advance(50)
    waiting.join()
    assert found[0].json()["happenings"]


def test_events_come_as_a_stream_of_lines_to_the_end(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = BYE
    call = switch.dial()
    path = f"{switch.url}/desk/calls/{call}/happenings"
    with httpx.stream(
        "GET", path, headers={"accept": "text/plain"}, trust_env=False, timeout=PATIENCE_SECONDS
    ) as stream:
        lines = stream.iter_lines()
        assert " asks ice " in next(lines)
        switch.advance(60)
        rest = list(lines)
    assert any("heard" in line and "Bye." in line for line in rest)
    assert any(" ended FAILED MANAGERHANGUP" in line for line in rest)
    assert f" told dice {backend.url} 200" in rest[-1], (
        "the stream goes on until the backend knows of the end"
    )


def test_answer_findings_are_printed_line_by_line(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = {"Action": {"name": "connectPhone"}}
    call = switch.dial()
    switch.advance(60)
    told = httpx.get(
        f"{switch.url}/desk/calls/{call}/happenings",
        headers={"accept": "text/plain"},
        trust_env=False,
        timeout=PATIENCE_SECONDS,
    ).text
    assert (
        '\n         illegal: Action.name: there is no action "connectPhone"; did you mean '
        '"connectPstn"?\n' in told
    )
    assert (
        '\n         tolerated: Action: "Action" is the platform\'s action in another spelling; '
        'write "action"\n' in told
    )


def test_time_stands_still_until_it_is_told_to_pass(switch: Switch) -> None:
    before = switch.send("GET", "/desk/time").json()
    assert (before["clock"], before["running"]) == ("virtual", False)
    assert switch.send("GET", "/desk/time").json() == before
    after = switch.send("POST", "/desk/time", {"advance": 14_400}).json()
    assert after["now"] > before["now"]
    assert switch.send("POST", "/desk/time", {"running": True}).json()["running"] is True
    assert switch.send("POST", "/desk/time", {"advance": -1}).json()["errorCode"] == 40001


def test_time_that_runs_takes_a_call_to_its_end_at_once(switch: Switch, backend: Backend) -> None:
    backend.answers.update(
        ice={
            "action": {
                "name": "park",
                "maxDuration": 600,
                "holdPrompt": "#tts[Wait.]",
                "locale": "en-US",
            }
        }
    )
    switch.send("POST", "/desk/time", {"running": True})
    body = {"from": "+46700000001", "to": NUMBER}
    call = switch.send("POST", "/desk/calls", body).json()["callId"]
    wait_until(lambda: backend.events()[-1:] == ["dice"])
    assert switch.ask("GET", f"/calling/v1/calls/id/{call}").json()["duration"] >= 600


def test_time_goes_on_after_something_that_was_due_has_failed(
    switch: Switch, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    assert switch.api
    clock = switch.api.context.clock
    clock.call_later(1, lambda: 1 / 0)
    backend.answers.update(ice=BYE)
    switch.send("POST", "/desk/time", {"running": True})
    call = switch.send("POST", "/desk/calls", {"from": "+46700000001", "to": NUMBER}).json()[
        "callId"
    ]
    wait_until(lambda: "dice" in backend.events() and "the clock goes on" in caplog.text)
    assert switch.ask("GET", f"/calling/v1/calls/id/{call}").json()["status"] == "FINAL"


def test_control_routes_are_for_this_machine_only(
    switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.switch.api.app.is_near", lambda _client: False)
    assert switch.send("GET", "/desk/time").json()["errorCode"] == 40302
    assert switch.ask("GET", "/v1/configuration/numbers").status_code == 200
    monkeypatch.undo()
    assert (
        switch.send("GET", "/desk/time", headers={"origin": "https://example.com"}).json()[
            "errorCode"
        ]
        == 40302
    )
    with started(config=CONFIG + "open_desk: true\n") as opened:
        assert opened.send("GET", "/desk/time").status_code == 200
        assert opened.send("GET", "/desk/time", headers={"host": "switch.example"}).is_success


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},  # an address that a page leads to has no origin
        {"host": "evil.example"},  # its name leads to 127.0.0.1 by now
    ],
)
def test_desk_asked_by_a_web_page_tells_nothing(switch: Switch, headers: dict[str, str]) -> None:
    refused = switch.send("GET", "/desk/time", headers=headers)
    assert (refused.status_code, refused.json()["errorCode"]) == (403, 40302)


def test_near_is_what_loops_back() -> None:
    from flowengine.switch.api.app import is_near

    assert all(is_near(client) for client in (("127.0.0.1", 1), ("::1", 1)))
    assert not any(is_near(client) for client in (("10.0.0.1", 1), ("", 0), None))


def test_text_of_a_backend_that_is_no_json_is_shown_as_it_is() -> None:
    from flowengine.switch.api.event_format import decode_body

    assert (decode_body(b"oops"), decode_body(b'{"a": 1}'), json.dumps(decode_body(b""))) == (
        "oops",
        {"a": 1},
        '""',
    )


CALLOUT = {
    "method": "customCallout",
    "customCallout": {
        "destination": {"type": "number", "endpoint": "+46700000009"},
        "cli": NUMBER,
        "custom": "leg 1",
    },
}


def list_placed_calls(switch: Switch) -> int:
    return len(switch.send("GET", "/desk/calls").json()["calls"])


def test_callout_whose_answer_is_lost_is_placed_all_the_same(switch: Switch) -> None:
    assert switch.send("POST", "/desk/losses", {"callouts": [2]}).status_code == 200
    assert switch.ask("POST", "/calling/v1/callouts", CALLOUT).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        switch.ask("POST", "/calling/v1/callouts", CALLOUT)
    assert list_placed_calls(switch) == 2
    assert switch.ask("POST", "/calling/v1/callouts", CALLOUT).status_code == 200
    wrong = switch.send("POST", "/desk/losses", {"callouts": [0]})
    assert (wrong.status_code, list_placed_calls(switch)) == (400, 3)


def test_callout_that_the_configuration_loses_is_placed_all_the_same() -> None:
    with started("", CONFIG + "lost_callouts: [1]\nsettings: {callouts_per_second: 1}\n") as made:
        with pytest.raises(httpx.RemoteProtocolError):
            made.ask("POST", "/calling/v1/callouts", CALLOUT)
        assert list_placed_calls(made) == 1
        refused = made.ask("POST", "/calling/v1/callouts", CALLOUT)
        assert (refused.status_code, refused.json()["errorCode"]) == (429, 42901)
