"""Section 4 of the platform notes: every route, by its number there."""

from datetime import timedelta
from typing import Any

import pytest

from tests.switch.switch_process import KEY, NUMBER, OTHER, SPARE, Backend, Switch

TEXT = "Good morning, this is a test."
CALLOUT = {
    "destination": {"type": "number", "endpoint": "+46700000007"},
    "cli": NUMBER,
    "text": TEXT,
}
TTS = {"method": "ttsCallout", "ttsCallout": CALLOUT}
ROOM = {"action": {"name": "connectConf", "conferenceId": "my/room"}}
IN_ROOM = "/calling/v1/conferences/id/my%2Froom"
PARK = {"action": {"name": "park", "holdPrompt": "#tts[Please hold.]", "locale": "en-US"}}
MENU = {
    "id": "main",
    "mainPrompt": "#tts[Press 1.]",
    "options": [{"dtmf": "1", "action": "return(one)"}],
}
RUN = {"action": {"name": "runMenu", "locale": "en-US", "mainMenu": "main", "menus": [MENU]}}
HANGUP = {"action": {"name": "hangup"}}

COMMANDS = (
    ("mute", "muted", True),
    ("unmute", "muted", False),
    ("onhold", "onhold", True),
    ("resume", "onhold", False),
)


@pytest.mark.parametrize(
    "path", ["/calling/v1/callouts", "/calling/v1/callouts/", "/v1/callouts", "/v1/callouts/"]
)
def test_1_post_callouts(switch: Switch, path: str) -> None:
    answer = switch.ask("POST", path, TTS)
    assert (answer.status_code, list(answer.json())) == (200, ["callId"])
    switch.advance(60)
    assert switch.heard(answer.json()["callId"])[-1] == TEXT


def test_1_headers_for_callbacks_are_handed_on_five_at_most(
    switch: Switch, backend: Backend
) -> None:
    body = {"method": "ttsCallout", "ttsCallout": {**CALLOUT, "enableAce": True}}
    extra = {f"X-CB-{number}": f"value {number}" for number in range(7)}
    assert (
        switch.ask("POST", "/calling/v1/callouts", body, {**extra, "X-Other": "mine"}).status_code
        == 200
    )
    switch.advance(60)
    assert backend.events() == ["ace"]
    sent = {name: value for name, value in backend.headers[0].items() if name.startswith("x-")}
    assert {name: value for name, value in sent.items() if name != "x-timestamp"} == {
        f"x-cb-{n}": f"value {n}" for n in range(5)
    }


def test_2_get_call(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = {
        "action": {"name": "connectPstn", "number": "+46700000009", "cli": NUMBER}
    }
    call = switch.dial()
    switch.advance(1)
    ongoing = switch.ask("GET", f"/calling/v1/calls/id/{call}").json()
    assert (ongoing["callId"], ongoing["status"]) == (call, "ONGOING")
    switch.act(call, "callee", "answer")
    switch.advance(10)
    switch.act(call, "caller", "hangup")
    switch.advance(1)
    final = switch.signed("GET", f"/v1/calls/id/{call}/").json()
    assert (final["status"], final["result"], final["reason"], final["duration"]) == (
        "FINAL",
        "ANSWERED",
        "CALLERHANGUP",
        10,
    )
    assert {"from", "to", "domain", "timestamp", "userRate", "debit"} <= set(final)


def test_3_patch_call(switch: Switch, backend: Backend) -> None:
    backend.answers["ice"] = PARK
    call = switch.dial()
    switch.advance(5)
    answer = switch.ask("PATCH", f"/calling/v1/calls/id/{call}", HANGUP)
    assert (answer.status_code, answer.content) == (204, b"")
    switch.advance(1)
    assert switch.ask("GET", f"/calling/v1/calls/id/{call}").json()["reason"] == "MANAGERHANGUP"


@pytest.mark.parametrize("leg", ["caller", "callee", "both"])
def test_4_patch_leg(switch: Switch, backend: Backend, leg: str) -> None:
    backend.answers["ice"] = {
        "action": {"name": "connectPstn", "number": "+46700000009", "cli": NUMBER}
    }
    backend.answers["ace"] = {"action": {"name": "continue"}}
    call = switch.dial()
    switch.act(call, "callee", "answer")
    switch.advance(1)
    said = {
        "instructions": [{"name": "say", "text": "One minute left.", "locale": "en-US"}],
        "action": {"name": "continue"},
    }
    assert switch.ask("PATCH", f"/calling/v1/calls/id/{call}/leg/{leg}", said).status_code == 200
    switch.advance(1)
    told = {
        item["role"]
        for item in switch.happened(call)
        if item["what"] == "heard" and item["sound"]["text"] == "One minute left."
    }
    assert told == ({"caller", "callee"} if leg == "both" else {leg})


def two_in_a_room(switch: Switch, backend: Backend) -> list[str]:
    backend.answers["ice"] = ROOM
    calls = [switch.dial(**{"from": "+46700000001"}), switch.dial(**{"from": "+46700000002"})]
    switch.advance(3)
    return calls


def participants(switch: Switch) -> list[dict[str, Any]]:
    found = switch.ask("GET", IN_ROOM)
    return found.json()["participants"] if found.status_code == 200 else []


def test_5_get_conference(switch: Switch, backend: Backend) -> None:
    calls = two_in_a_room(switch, backend)
    found = participants(switch)
    assert [member["id"] for member in found] == calls
    assert set(found[0]) == {"cli", "id", "duration", "muted", "onhold"}
    assert (found[0]["duration"], found[0]["muted"], found[0]["onhold"]) == (3, False, False)


def test_6_delete_conference(switch: Switch, backend: Backend) -> None:
    two_in_a_room(switch, backend)
    assert switch.ask("DELETE", IN_ROOM).status_code == 204
    switch.advance(1)
    assert participants(switch) == []


def test_7_patch_conference_participant(switch: Switch, backend: Backend) -> None:
    first, second = two_in_a_room(switch, backend)
    for command, field, value in COMMANDS:
        moh = {"moh": "music2"} if command == "onhold" else {}
        assert (
            switch.ask("PATCH", f"{IN_ROOM}/{first}", {"command": command, **moh}).status_code
            == 200
        )
        assert participants(switch)[0][field] is value
        assert participants(switch)[1][field] is False
    assert "music2" in switch.heard(first)
    assert "music2" not in switch.heard(second)


def test_8_delete_conference_participant(switch: Switch, backend: Backend) -> None:
    first, second = two_in_a_room(switch, backend)
    assert switch.ask("DELETE", f"{IN_ROOM}/{first}").status_code == 200
    switch.advance(1)
    assert [member["id"] for member in participants(switch)] == [second]
    assert switch.ask("GET", f"/calling/v1/calls/id/{first}").json()["reason"] == "MANAGERHANGUP"


@pytest.mark.parametrize("prefix", ["/v1", "/calling/v1"])
def test_9_get_numbers(switch: Switch, prefix: str) -> None:
    answer = switch.ask("GET", f"{prefix}/configuration/numbers")
    assert answer.json() == {
        "numbers": [
            {"number": NUMBER, "applicationkey": KEY, "capability": "voice"},
            {"number": SPARE, "capability": "voice"},
        ]
    }


def owners(switch: Switch) -> dict[str, str]:
    found = switch.ask("GET", "/v1/configuration/numbers").json()["numbers"]
    return {item["number"]: item.get("applicationkey", "") for item in found}


def test_10_post_numbers(switch: Switch) -> None:
    assert switch.ask("POST", "/v1/configuration/numbers", {"numbers": [SPARE]}).status_code == 204
    assert owners(switch) == {NUMBER: KEY, SPARE: KEY}
    given = {"numbers": [SPARE, NUMBER], "applicationkey": OTHER.upper(), "capability": "voice"}
    assert switch.signed("POST", "/calling/v1/configuration/numbers/", given).status_code == 204
    assert owners(switch) == {NUMBER: OTHER, SPARE: OTHER}


@pytest.mark.parametrize("spelling", ["applicationkey", "applicationKey"])
def test_11_delete_numbers_with_a_body(switch: Switch, spelling: str) -> None:
    assert (
        switch.signed(
            "DELETE", "/v1/configuration/numbers", {"number": NUMBER, spelling: KEY}
        ).status_code
        == 204
    )
    assert owners(switch) == {NUMBER: "", SPARE: ""}


def test_12_and_13_callback_urls(switch: Switch, backend: Backend) -> None:
    path = f"/v1/configuration/callbacks/applications/{KEY}"
    assert switch.ask("GET", path).json() == {"url": {"primary": backend.url}}
    urls = {"url": {"primary": f"{backend.url}/other", "fallback": backend.url}}
    assert switch.signed("POST", path, urls).status_code == 204
    assert switch.signed("GET", path).json() == urls
    switch.dial()
    switch.advance(1)
    assert backend.events()[:1] == ["ice"]


@pytest.mark.parametrize(
    ("written", "item"),
    [
        (
            "+46(0)73-017-0101",
            ("SE", "Mobile", "+46730170101", {"currencyId": "SEK", "amount": 0.0095}),
        ),
        (
            "+1%20404%20500%201000",
            ("US", "Unknown", "+14045001000", {"currencyId": "EUR", "amount": 0.02}),
        ),
        ("+442079460000", ("GB", "Fixed", "+442079460000", {"currencyId": "EUR", "amount": 0.02})),
    ],
)
def test_14_query_number(switch: Switch, written: str, item: tuple[Any, ...]) -> None:
    found = switch.signed("GET", f"/v1/calling/query/number/{written}").json()
    told = dict(
        zip(("countryId", "numberType", "normalizedNumber", "rate"), item, strict=True),
        restricted=False,
    )
    assert found == {"method": "numberItem", "numberItem": told, "number": told}


def recorded(switch: Switch, backend: Backend) -> str:
    options = {"destinationUrl": "s3://bucket", "credentials": "a:b:eu", "format": "mp3"}
    backend.answers["ice"] = {
        "instructions": [{"name": "startRecording", "options": options}],
        **RUN,
    }
    backend.answers["pie"] = HANGUP
    call = switch.dial()
    switch.advance(5)
    switch.act(call, "caller", "press", keys="1")
    switch.advance(120)
    return call


def test_15_recordings(switch: Switch, backend: Backend) -> None:
    call = recorded(switch, backend)
    (item,) = switch.ask("GET", "/calling/v1/recording").json()
    assert set(item) == {"key", "url", "createdOn", "expiresOn", "headers"}
    assert item["key"].endswith(f"{KEY}_{call}.mp3")
    one = switch.ask("GET", f"/calling/v1/recording/{item['key']}")
    assert (one.status_code, one.headers["content-type"]) == (200, "audio/mpeg")
    assert one.content
    assert switch.ask("GET", "/calling/v1/recording?from=2999-01-01T00:00:00Z").json() == []
    assert switch.ask("GET", "/calling/v1/recording?page=2&pageSize=1").json() == []
    assert switch.ask("DELETE", f"/calling/v1/recording/{item['key']}").status_code == 204
    assert switch.ask("GET", "/calling/v1/recording").json() == []


def test_16_call_report(switch: Switch) -> None:
    call = switch.ask("POST", "/v1/callouts", TTS).json()["callId"]
    switch.advance(60)
    answer = switch.ask(
        "POST",
        f"/calling/v1/callreport/callId/{call}",
        {"status": "SUCCESS", "details": f" {'x' * 80} "},
    )
    assert answer.status_code == 201
    assert switch.api
    report = switch.api.context.persistence.ended_calls[call]
    assert (report.status, report.details) == ("success", "x" * 64)
    switch.ask("POST", f"/calling/v1/callreport/callId/{call}", {"status": "splendid"})
    assert report.status == "success"


def test_16_call_report_in_the_answer_to_dice(switch: Switch, backend: Backend) -> None:
    backend.answers.update(
        ice=HANGUP,
        dice={
            "instructions": [{"name": "ReportCallStatus", "value": "failure", "details": "noise"}]
        },
    )
    call = switch.dial()
    switch.advance(5)
    assert switch.api
    report = switch.api.context.persistence.ended_calls[call]
    assert (report.status, report.details) == ("failure", "noise")


def test_17_reporting_users(switch: Switch) -> None:
    switch.ask("POST", "/v1/callouts", TTS)
    busy = {**CALLOUT, "destination": {"type": "number", "endpoint": "+46700000008"}}
    switch.ask("POST", "/v1/callouts", {"method": "ttsCallout", "ttsCallout": busy})
    switch.advance(60)
    good = switch.signed("GET", "/v1/users/number/+46700000007/calls/pstn?_start=2020-01-01").json()
    assert (good["success"], good["failed"], good["start"]) == (1, 0, "2020-01-01T00:00:00Z")
    assert good["duration"] > 0
    bad = switch.signed("GET", "/v1/users/number/+46700000008/calls/pstn").json()
    assert (bad["success"], bad["failed"], bad["duration"]) == (0, 1, 0)
    assert switch.signed("GET", "/v1/users/number/+46700000008/calls").json()["failed"] == 0
    assert (
        switch.signed("GET", "/v1/users/number/+46700000008/calls/pstn?_stop=2020-01-01").json()[
            "failed"
        ]
        == 0
    )


def test_17_reporting_counters_are_refreshed_every_two_minutes(
    switch: Switch, backend: Backend
) -> None:
    backend.answers["ice"] = PARK
    assert switch.signed("GET", "/v1/counters/currentcalls").json()["value"] == 0
    switch.dial()
    switch.advance(100)
    assert switch.signed("GET", "/v1/counters/currentcalls").json()["value"] == 0
    switch.advance(20)
    found = switch.signed("GET", "/v1/counters/currentcalls").json()
    assert found["value"] == 1
    assert switch.api
    assert switch.api.context.clock.now() - switch.api.context.cached_counts[KEY][1] < timedelta(
        seconds=1
    )


def test_17_reporting_services(switch: Switch) -> None:
    assert switch.signed("GET", "/v1/services/calling").json() == {"status": "up"}
