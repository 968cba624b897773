"""Section 3: who is let in, and with which code the others are not."""

import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.switch.switch_process import KEY, SECRET, Switch
from tests.switch.switch_process import switch as started
from tests.waiting import PATIENCE_SECONDS

PATH = "/v1/configuration/numbers"


def code(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json().get("errorCode", 0)


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({}, 40100, id="40100: no header"),
        pytest.param({"authorization": "Basic"}, 40100, id="40100: no credentials"),
        pytest.param(
            {"authorization": f"Basic {KEY}:{SECRET}"}, 40100, id="40100: Basic that is not encoded"
        ),
        pytest.param(basic("key and secret"), 40100, id="40100: Basic without a colon"),
        pytest.param({"authorization": f"application {KEY}:"}, 40100, id="40100: no signature"),
        pytest.param({"authorization": f"application {KEY}"}, 40104, id="40104: a bare key"),
        pytest.param({"authorization": "Bearer token"}, 40107, id="40107: another scheme"),
        pytest.param(
            {"authorization": f"User {KEY}:x"}, 40107, id="40107: the scheme of app users"
        ),
        pytest.param(basic(f"{KEY}:wrong"), 40108, id="40108: a wrong secret"),
        pytest.param(basic(f"{KEY}:"), 40108, id="40108: no secret"),
        pytest.param(basic(f"unknown:{SECRET}"), 40108, id="40108: an unknown key"),
        pytest.param(basic("unknown:"), 40108, id="40108: nothing"),
        pytest.param({"authorization": f"application {KEY}:x"}, 40101, id="40101: no timestamp"),
        pytest.param(
            {"authorization": f"application {KEY}:x", "x-timestamp": "noon"},
            40101,
            id="40101: no time",
        ),
        pytest.param(
            {"authorization": "application unknown:x", "x-timestamp": "2026-01-01T00:00:00Z"},
            40004,
            id="40004: an unknown key",
        ),
    ],
)
def test_credentials_that_open_nothing(
    switch: Switch, headers: dict[str, str], expected: int
) -> None:
    assert code(switch.send("GET", PATH, headers=headers)) == (expected // 100, expected)


def test_40102_a_signature_with_another_secret(switch: Switch) -> None:
    assert code(switch.signed("GET", PATH, secret="JViE5vDor0Sw3WllZka15Q==")) == (401, 40102)


def test_40103_authorized_twice(switch: Switch) -> None:
    headers = [("authorization", basic(f"{KEY}:{SECRET}")["authorization"])] * 2
    assert code(
        httpx.get(switch.url + PATH, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS)
    ) == (401, 40103)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-290, 0), (290, 0), (-310, 40105), (310, 40105)]
)
def test_40105_outside_of_the_window(switch: Switch, seconds: int, expected: int) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    assert code(switch.signed("GET", PATH, timestamp=at))[1] == expected


def test_timestamp_window_is_a_setting() -> None:
    config = f"applications: [{{key: {KEY}, secret: {SECRET}}}]\nsettings: {{timestamp_window: 10}}"
    with started(config=config) as switch:
        assert (
            code(
                switch.signed(
                    "GET", PATH, timestamp=(datetime.now(UTC) - timedelta(seconds=20)).isoformat()
                )
            )[1]
            == 40105
        )
        assert switch.signed("GET", PATH).status_code == 200


def test_clients_sign_by_their_own_clock_while_time_is_virtual_here(switch: Switch) -> None:
    switch.advance(86_400)
    assert switch.signed("GET", PATH).status_code == 200
    assert switch.api
    assert (
        switch.signed("GET", PATH, timestamp=switch.api.context.clock.now().isoformat()).status_code
        == 200
    )


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%dT%H:%M:%S.123Z",
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S.1234567Z",
        "%Y-%m-%dT%H:%M:%S",
    ],
)
def test_timestamp_of_any_iso_8601_form_is_accepted(switch: Switch, form: str) -> None:
    assert switch.signed("GET", PATH, timestamp=datetime.now(UTC).strftime(form)).status_code == 200


def test_signature_of_the_decoded_or_the_raw_path_is_accepted(switch: Switch) -> None:
    """Node and Java sign the first, .NET the second."""
    path = "/v1/calling/query/number/%2B46%20730170101"
    assert switch.signed("GET", path).status_code == 200
    at = datetime.now(UTC).isoformat()
    from flowengine.sinch import sign_request

    raw = {"x-timestamp": at, "authorization": sign_request(KEY, SECRET, "GET", path, "", b"", at)}
    assert switch.send("GET", path, headers=raw).status_code == 200
    assert code(switch.send("GET", path.replace("0101", "0102"), headers=raw)) == (401, 40102)


def test_signature_covers_the_content_type_as_it_stands(switch: Switch) -> None:
    from flowengine.sinch import sign_request

    at = datetime.now(UTC).isoformat()
    headers = {
        "x-timestamp": at,
        "authorization": sign_request(KEY, SECRET, "GET", PATH, "application/json", b"", at),
    }
    assert code(switch.send("GET", PATH, headers=headers)) == (401, 40102)
    assert (
        switch.send(
            "GET", PATH, headers={**headers, "content-type": "application/json"}
        ).status_code
        == 200
    )


def test_schemes_and_keys_in_any_case(switch: Switch) -> None:
    assert switch.signed("GET", PATH, key=KEY.lower()).status_code == 200
    token = basic(f"{KEY}:{SECRET}")["authorization"].split()[1]
    assert switch.send("GET", PATH, headers={"authorization": f"basic {token}"}).status_code == 200


def test_reporting_takes_signed_requests_only(switch: Switch) -> None:
    assert code(switch.ask("GET", "/v1/services/calling")) == (401, 40107)
    assert switch.signed("GET", "/v1/services/calling").status_code == 200
