"""Whatever is sent to a route, with good credentials: it is done, or refused with a documented
code, and never breaks the switch.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.switch.api.control_routes import CONTROL_ROUTES as CONTROL
from flowengine.switch.api.error_replies import ERROR_MESSAGES
from flowengine.switch.api.platform_routes import PLATFORM_ROUTES, REPORTING_ROUTES
from tests.switch.switch_process import KEY, NUMBER, Switch
from tests.switch.switch_process import backend as answering
from tests.switch.switch_process import switch as started
from tests.thoroughness import examples

WRITTEN = """
method ttsCallout conferenceCallout customCallout destination type endpoint cli text prompts conferenceId numbers number applicationkey
capability url primary fallback command moh status details action instructions name ice ace pie dice from to kind behaviour acts do advance
running maxDuration locale dtmf custom domain greeting conferenceDtmfOptions mode enableAce code times keys reason target
"""
NAMES = WRITTEN.split()
WORDS = (
    "",
    "a",
    "number",
    "username",
    "sip",
    "+46700000007",
    "busy",
    "mute",
    "onhold",
    "hangup",
    "park",
    "1",
    "http://[",
    KEY,
    NUMBER,
)
METHODS = [
    {"method": name} for name in ("ttsCallout", "conferenceCallout", "customCallout", "TTSCALLOUT")
]
words = st.sampled_from(WORDS)
values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
bodies = (
    st.binary(max_size=20)
    | values.map(lambda value: json.dumps(value).encode())
    | st.builds(lambda method, more: json.dumps({**more, **method}).encode(), st.sampled_from(METHODS),
                st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
)  # fmt: skip
ACTS = ["press", "hangup", "answer", "data", "currentcalls"]
parts = st.sampled_from(
    ["CALL", "caller", "callee", "both", "room", KEY, "x", "%00", "%FF", "a%2Fb", "+4670", *ACTS]
)
PLATFORM = [(route.method, f"/v1/{route.path}") for route in PLATFORM_ROUTES]
SIGNED = [(route.method, f"/v1/{route.path}") for route in REPORTING_ROUTES]
DESK = [(route.method, f"/desk/{route.path}") for route in CONTROL]


@pytest.fixture(scope="module")
def hostile() -> Any:
    with (
        answering(ice={"action": {"name": "connectConf", "conferenceId": "room"}}) as backend,
        started(backend.url) as switch,
    ):
        yield switch


def filled(path: str, named: list[str], call: str) -> str:
    for name in named:
        start, end = path.find("{"), path.find("}")
        if start < 0:
            break
        path = path[:start] + name.replace("CALL", call) + path[end + 1 :]
    return path


@settings(max_examples=examples(400), deadline=None)
@given(
    route=st.sampled_from(PLATFORM + SIGNED + DESK),
    named=st.lists(parts, min_size=3, max_size=3),
    body=bodies,
    query=words,
)
def test_route_asked_with_anything_answers_or_refuses_as_documented(
    hostile: Switch, route: tuple[str, str], named: list[str], body: bytes, query: str
) -> None:
    switch = hostile
    call = switch.dial(behaviour={"acts": [{"do": "hang up", "after": 5}]})
    path = filled(route[1], named, call) + (
        f"?from={query}&page={query}&_start={query}&after={query}" if query else ""
    )
    answer = switch.signed_bytes(route[0], path, body)
    if answer.status_code >= 300:
        told = answer.json()
        assert told["errorCode"] in ERROR_MESSAGES.keys() - {50000}, told
    switch.advance(10)
    assert switch.api
    switch.api.context.refusals.clear()
    assert switch.ask("GET", f"/v1/calls/id/{call}").status_code == 200
