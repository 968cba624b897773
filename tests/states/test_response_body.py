"""What expressions get of an answer's body."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowengine.expr import Scope, Type
from flowengine.states.response_body import MAX_BODY_DEPTH, parse_body


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"1", 1),
        (b"1.0", 1),
        (b"1e3", 1000),
        (b"-0.0", 0),
        (b"1.5", 1.5),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"9223372036854775808", "9223372036854775808"),
        (b"12345678901234567890123", "12345678901234567890123"),
        (b"-12345678901234567890123", "-12345678901234567890123"),
        (b"1e30", 1e30),
        (b"NaN", None),
        (b"[Infinity, -Infinity, 1e999]", [None, None, None]),
        (b'\xef\xbb\xbf{"a": 1.0}', {"a": 1}),
        (b'{"a": "\\ud800x", "\\udc00": "\\ud83d\\ude00"}', {"a": "\ufffdx", "\ufffd": "😀"}),
        (b'{"a\\u0000": "\\u0000b"}', {"a\ufffd": "\ufffdb"}),
        (b"a\0b", "a\ufffdb"),
        (b'{"name": "Bj\xf6rn"}', {"name": "Bj\ufffdrn"}),
        (b"plain", "plain"),
        (b"", ""),
    ],
)
def test_body_is_parsed(content: bytes, value: object) -> None:
    found = parse_body(content)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("depth", [MAX_BODY_DEPTH + 1, 500, 20_000])
def test_body_that_is_nested_too_deep_is_its_text(depth: int) -> None:
    assert parse_body(b"[" * depth + b"]" * depth) == "[" * depth + "]" * depth


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
READ = Scope({"body": Type.ANY}).compile_expression("body == body").evaluate


@given(st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
))  # fmt: skip
@settings(deadline=None)
def test_expression_can_read_any_body(value: object) -> None:
    """Whatever comes, an expression has a value or a reason, and the journal can hold it."""
    body = parse_body(json.dumps(value).encode())
    READ({"body": body})
    json.dumps(body, allow_nan=False).encode()
