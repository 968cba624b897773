"""Whatever a body holds, it is answered 200 or refused with a reason: over HTTP, never 500."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowengine.limits import MAX_CALLBACK_BYTES
from tests.server.server_process import Served, ice, pressed
from tests.thoroughness import examples
from tests.waiting import PATIENCE_SECONDS

COMMON = {"callid": "c1", "version": 1, "timestamp": "2026-11-28T12:00:00Z", "custom": "a"}
COOKIES = {"cookies": [{"key": "fe", "value": "1.Ap8bJnkUWs4"}]}
BODIES = [
    {**ice(), **COMMON, "callHeaders": [{"key": "X-A", "value": "b"}], "userRate": {"currencyId": "USD", "amount": 0.1}},
    {**pressed("12345674"), **COMMON, **COOKIES},
    {"event": "ace", **COMMON, **COOKIES, "amd": {"status": "human", "reason": "a", "duration": 3}},
    {"event": "dice", **COMMON, "result": "ANSWERED", "reason": "CALLERHANGUP", "duration": 9,
     "from": "1", "to": {"type": "did", "endpoint": "+1"},
     "debit": {"amount": 1}},
    {"event": "notify", **COMMON, "type": "recording_finished", "destination": "s3://a", "errorCode": 1},
]  # fmt: skip
DEEP = 15_000
VALUES = [
    b"null", b"true", b"0", b"-1", b"1.5", b"1e999", b"-1e-999", b"NaN", b"Infinity", b"9" * 30,
    b"9" * 5000, b"[]", b"{}", b'""', b'"x"',
    rb'"\ud800"', rb'"\ud83d\ude00\udc00"', rb'"\u0000"', b'"\xff"', b"'x'", b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b'[{"key":1,"value":[]}]', b'[{"key":"a"}]', b'[1,"a",null]', b'{"a":{"b":[1]}}', b'"' + b"x" * 5000 + b'"',
    b'{"type":1,"endpoint":[]}',
    b'{"menuId":{},"type":[],"value":12,"inputMethod":null}', b"", b"tru", b'"\n"', b"0x10", b"01", b"1_000",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A callback with some of its values replaced, and perhaps a key twice or bytes changed."""
    body = draw(st.sampled_from(BODIES))
    pairs = [
        (json.dumps(name).encode(), json.dumps(value).encode()) for name, value in body.items()
    ]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(pairs) - 1))
        value = draw(st.sampled_from(VALUES))
        if draw(st.booleans()):
            pairs[at] = (pairs[at][0], value)
        else:
            pairs.insert(draw(st.integers(0, len(pairs))), (pairs[at][0], value))
    text = bytearray(b"{" + b",".join(b"%b:%b" % pair for pair in pairs) + b"}")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 4]))):
        text[draw(st.integers(0, min(len(text), 400) - 1))] = draw(st.integers(0, 255))
    return bytes(text[: draw(st.sampled_from([None, None, None, 5, 60]))])


@pytest.fixture
def client(serve: Callable[..., Served]) -> Iterator[httpx.Client]:
    served = serve(signed=False)
    with httpx.Client(base_url=served.url, trust_env=False, timeout=PATIENCE_SECONDS) as found:
        yield found
    written = served.err.read_text()
    assert "Traceback" not in written
    assert "cannot be read" not in written
    assert " failed" not in written, written


def check_answer(answer: httpx.Response, body: bytes) -> None:
    expected = (200, 400) if len(body) <= MAX_CALLBACK_BYTES else (413,)
    assert answer.status_code in expected, (answer.status_code, body[:300])
    if answer.status_code == 200:
        assert isinstance(answer.json(), dict)
    else:
        assert answer.json()["message"]


def test_mutated_callbacks_are_answered_or_refused_with_a_reason(client: httpx.Client) -> None:
    @settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutated(), st.booleans())
    def check(body: bytes, direct: bool) -> None:
        path = "/sinch" if direct else "/sinch?by=uvicorn"
        check_answer(client.post(path, content=body), body)

    check()


@pytest.mark.parametrize("path", ["/sinch", "/sinch?by=uvicorn"])
def test_body_with_any_value_in_any_field_is_answered_or_refused(
    client: httpx.Client, path: str
) -> None:
    for body in BODIES:
        text = json.dumps({**body, "callid": "CALL"}).encode()
        for number, (name, value) in enumerate(body.items()):
            old = b"%b: %b" % (json.dumps(name).encode(), json.dumps(value).encode())
            for index, new in enumerate(VALUES):
                call = b"c%d-%d" % (number, index)
                changed = text.replace(old, b"%b: %b" % (json.dumps(name).encode(), new), 1)
                changed = changed.replace(b"CALL", call)
                check_answer(client.post(path, content=changed), changed)


@pytest.mark.parametrize("path", ["/sinch", "/sinch?by=uvicorn"])
def test_body_with_values_that_callers_cannot_help_is_answered(
    client: httpx.Client, path: str
) -> None:
    """A name that was cut in the middle of a character, a number that is none."""
    for number, field in enumerate(
        (rb'"cli": "Ann \ud83d"', b'"duration": NaN', b'"duration": 1e999', b'"custom": {"a": [1]}')
    ):
        body = (
            json.dumps(ice(f"odd-{number}")).encode()[:-1].replace(b'"cli": "46708168731", ', b"")
        )
        answer = client.post(path, content=body + b", " + field + b"}")
        assert answer.json()["action"]["name"] == "runMenu", (field, answer.text)
