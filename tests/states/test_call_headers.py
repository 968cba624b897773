"""Call headers of a connection."""

from typing import Any

import pytest

from tests.states.conversation import Conversation, compiled


def flow(headers: dict[str, str]) -> dict[str, Any]:
    leg = {"connect": {"sip": "a@pbx.example.com", "headers": headers}}
    text = {"type": "text", "max": 500}
    states = {"first": leg}
    return {"flow": {"vars": {"t": text}, "inputs": ["t"], "states": states}}


@pytest.mark.parametrize(
    "headers",
    [
        {"X A": "1"},
        {"X-Tier\n": "1"},
        {"": "1"},
        {"X:Tier": "1"},
        {"X-Tïer": "1"},
        {"X-Tier": "a\nb"},
        {"X-Tier": "a${vars.t}\x07"},
        {"X-Tier": "1", "x-tier": "2"},
        {"X-A": "a" * 600, "X-B": "b" * 600},
    ],
)
def test_header_that_cannot_be_sent_is_an_error(headers: dict[str, str]) -> None:
    codes = [problem.code for problem in compiled(flow(headers)).problems]
    assert "FE224" in codes


def test_header_with_a_value_is_sent() -> None:
    headers = {"X-Tier": "gold ${call.from}", "X-Name_2": "Åsa"}
    call = Conversation(compiled(flow(headers)))
    sent = [
        {"key": "X-Tier", "value": "gold +46708168731"},
        {"key": "X-Name_2", "value": "Åsa"},
    ]
    call.turn({"ice": {}, "sends": {"action": {"callHeaders": sent}}})


@pytest.mark.parametrize(
    "text",
    [
        'event.headers["X-Tier"]',
        'event.headers["x-tier"]',
        "event.headers['X-TIER']",
        'string("x-Tier" in event.headers ? event.headers["X-tieR"] : "")',
        "event.headers.Other",
    ],
)
def test_names_of_headers_ignore_case_when_read(text: str) -> None:
    states = {"first": {"say": f"${{{text}}}", "hangup": {}}}
    call = Conversation(compiled({"flow": {"states": states}}))
    given = [{"key": "x-TIER", "value": "Gold"}, {"key": "other", "value": "Gold"}]
    call.turn({"ice": {"callHeaders": given}, "hears": ["Gold"]})
