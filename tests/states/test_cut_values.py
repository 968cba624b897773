"""What is cut or left out in a call stands in its trace: that it was, never the value itself."""

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.runtime.step import resume, step
from flowengine.runtime.step_outcome import Outcome
from flowengine.states import LookupResult
from tests.states.conversation import NOW, compiled, event

LONG = "word " * 100
CUTS: dict[str, tuple[dict[str, Any], str]] = {
    "set": (
        {
            "vars": {"long": {"type": "text", "max": 500, "default": LONG[:450]},
                     "short": {"type": "text", "max": 10}},
            "states": {"first": {"set": {"short": "${vars.long}"}, "next": "end"},
                       "end": {"say": "${vars.short}", "hangup": None}},
        },
        "cut: short holds 10 of 450 characters",
    ),
    "a spoken text": (
        {
            "vars": {"long": {"type": "text", "max": 500, "default": LONG[:450]}},
            "states": {"first": {"say": "${vars.long} ${vars.long}", "hangup": None}},
        },
        "cut: the platform speaks 600 of 901 characters",
    ),
    "keys to a caller": (
        {
            "vars": {"keys": {"type": "text", "default": "1-2"}},
            "states": {"first": {"dtmf": "${vars.keys}", "connect": "+14045009000"}},
        },
        "cut: dtmf has keys that the platform cannot send",
    ),
    "keys to a callee": (
        {
            "vars": {"keys": {"type": "text", "default": "1-2"}},
            "states": {"first": {"connect": {"phone": "+14045009000", "dtmf": "${vars.keys}"}}},
        },
        "cut: dtmf has keys that the platform cannot send",
    ),
    "the number to show": (
        {
            "vars": {"shown": {"type": "text", "default": "4045009000"}},
            "states": {"first": {"connect": {"phone": "+14045009000", "caller_id": "${vars.shown}"}}},
        },
        "cut: caller_id is no phone number, so none is shown",
    ),
}  # fmt: skip


def incoming(flow: dict[str, Any], **more: Any) -> Outcome:
    release = compiled({"flow": flow, **more}).release
    assert release is not None
    return step(release, None, event("ice", {}), datetime.fromisoformat(NOW))


def told(outcome: Outcome) -> list[str]:
    return [entry.what for entry in outcome.trace]


@pytest.mark.parametrize("name", CUTS)
def test_trace_of_a_cut_value_says_what_was_cut(name: str) -> None:
    flow, note = CUTS[name]
    assert note in told(incoming(flow))


@pytest.mark.parametrize("name", CUTS)
def test_trace_of_a_cut_value_never_has_the_value(name: str) -> None:
    flow, _ = CUTS[name]
    for value in ("word", "1-2", "4045009000"):
        assert not any(value in what for what in told(incoming(flow)))


def test_value_of_a_lookup_that_is_cut_is_told() -> None:
    flow = {
        "vars": {"name": {"type": "text", "max": 5}},
        "states": {
            "first": {"fetch": {"service": "crm", "get": "/", "into": {"name": "body.name"}}, "next": "end"},
            "end": {"say": "${vars.name}", "hangup": None},
        },
    }  # fmt: skip
    services = {"services": {"crm": {"url": "https://crm.example.com"}}}
    waiting = incoming(flow, project=services).waiting
    assert waiting is not None
    outcome = resume(waiting, LookupResult(200, {"name": "Anna-Karin"}))
    assert "cut: name holds 5 of 10 characters" in told(outcome)
    assert outcome.names["vars.name"] == "Anna-"


def test_output_of_a_subflow_is_cut_to_its_variable_and_told() -> None:
    flow = {
        "vars": {"short": {"type": "text", "max": 4}},
        "states": {
            "first": {"subflow": {"flow": "two", "into": {"short": "long"}, "outcomes": {"ready": "end"}}},
            "end": {"say": "${vars.short}", "hangup": None},
        },
    }  # fmt: skip
    two = {
        "start": "end", "outputs": ["long"], "outcomes": ["ready"],
        "vars": {"long": {"type": "text", "default": "a long one"}},
        "states": {"end": {"return": "ready"}},
    }  # fmt: skip
    outcome = incoming(flow, flows={"two": two})
    assert "cut: short holds 4 of 10 characters" in told(outcome)
    assert outcome.names["vars.short"] == "a lo"


def test_default_apology_is_spoken_by_a_voice_of_its_language() -> None:
    flow = {
        "locale": "sv-SE",
        "vars": {"n": {"type": "integer"}},
        "states": {
            "first": {"set": {"n": "${1 / vars.n}"}, "next": "end"},
            "end": {"say": "${vars.n}", "hangup": None},
        },
    }
    (said,) = incoming(flow).instructions
    assert b'"locale":"en-US"' in bytes(said)


@given(st.text(max_size=80), st.integers(1, 80))
def test_variable_never_holds_more_than_its_size_and_tells_exactly_what_it_cuts(
    text: str, size: int
) -> None:
    flow = {
        "vars": {"kept": {"type": "text", "max": size}},
        "states": {
            "first": {"fetch": {"service": "crm", "get": "/", "into": {"kept": "body"}}, "next": "end"},
            "end": {"say": "${vars.kept}", "hangup": None},
        },
    }  # fmt: skip
    waiting = incoming(
        flow, project={"services": {"crm": {"url": "https://crm.example.com"}}}
    ).waiting
    assert waiting is not None
    outcome = resume(waiting, LookupResult(200, text))
    assert outcome.names["vars.kept"] == text[:size]
    cut = any(what.startswith("cut: kept") for what in told(outcome))
    assert cut == (len(text) > size)
