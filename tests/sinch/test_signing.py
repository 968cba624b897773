import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.sinch.signing import (
    BadSignatureError,
    BadTimestampError,
    HeaderMap,
    RepeatedHeaderError,
    SignatureError,
    StaleSignatureError,
    UnknownApplicationError,
    UnsignedError,
    Verifier,
    sign_request,
)

VECTORS = json.loads(Path(__file__).with_name("signing-vectors.json").read_text())
KEY, SECRET = "669E367E-6BBA-48AB-AF15-266871C28135", "BeIukql3pTKJ8RGL5zo0DA=="
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
STAMP = "2026-11-21T12:00:00Z"
BODY = b'{"event":"ace"}'


def headers(authorization, timestamp=STAMP, content_type="application/json"):
    found = {
        "Authorization": authorization,
        "X-Timestamp": timestamp,
        "Content-Type": content_type,
        "Host": "example.com",
    }
    return {name: value for name, value in found.items() if value is not None}


def signed(path="/cb", timestamp=STAMP, content_type="application/json", body=BODY, key=KEY):
    return sign_request(key, SECRET, "POST", path, content_type, body, timestamp)


def verify(found, path="/cb", body=BODY, now=NOW, **options):
    return Verifier({KEY: SECRET, "other": "b3RoZXI="}, **options).verify(
        "POST", path, found, body, now
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_signing_vectors_are_reproduced(vector):
    body = vector["body"].encode()
    authorization = sign_request(
        vector["applicationKey"],
        vector["applicationSecret"],
        vector["method"],
        vector["path"],
        vector["contentType"],
        body,
        vector["xTimestamp"],
    )
    assert authorization == vector["authorization"]
    verifier = Verifier({vector["applicationKey"]: vector["applicationSecret"]})
    now = datetime.fromisoformat(vector["xTimestamp"])
    pairs = [
        (b"authorization", authorization.encode()),
        (b"x-timestamp", vector["xTimestamp"].encode()),
    ]
    pairs += [(b"content-type", vector["contentType"].encode())] if vector["contentType"] else []
    for path in (vector["path"], quote(vector["path"]).encode()):
        assert (
            verifier.verify(vector["method"].lower(), path, pairs, body, now)
            == vector["applicationKey"]
        )


@pytest.mark.parametrize("scheme", ["application", "Application", "APPLICATION"])
def test_scheme_in_any_case(scheme):
    assert verify(headers(signed().replace("application", scheme))) == KEY


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "application",
        "application key",
        "application :sig",
        "application key:",
        "Basic a:b",
        "user k:s",
    ],
)
def test_unsigned_request_is_refused(authorization):
    with pytest.raises(UnsignedError):
        verify(headers(authorization))


def test_headers_that_are_folded_already():
    assert (
        verify(
            HeaderMap(
                (name.lower().encode(), value.encode()) for name, value in headers(signed()).items()
            )
        )
        == KEY
    )
    with pytest.raises(UnsignedError):
        verify(HeaderMap())


def test_key_exactly_then_without_case():
    assert verify(headers(signed(key=KEY.lower()))) == KEY
    both = Verifier({"abc": "b3RoZXI=", "ABC": SECRET})
    assert both.verify("POST", "/cb", headers(signed(key="ABC")), BODY, NOW) == "ABC"
    with pytest.raises(UnknownApplicationError):
        verify(headers(signed(key="nobody")))


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-21T12:00:00.1234567Z",
        "2026-11-21T13:04:59+01:00",
        "2026-11-21T11:56:00",
        "2026-11-21T12:00:00.000000+00:00",
    ],
)
def test_spellings_of_time(stamp):
    assert verify(headers(signed(timestamp=stamp), stamp)) == KEY


@pytest.mark.parametrize(
    "stamp",
    [None, "", "yesterday", "1763726400000", "2026-13-01T00:00:00Z", "٢٠٢٦-11-21T12:00:00Z"],
)
def test_bad_timestamp(stamp):
    with pytest.raises(BadTimestampError):
        verify(headers(signed(timestamp=stamp or ""), stamp))


@pytest.mark.parametrize("seconds", [-301, 301, 10**9])
def test_stale_signature_is_refused(seconds):
    with pytest.raises(StaleSignatureError):
        verify(headers(signed()), now=NOW + timedelta(seconds=seconds))
    assert (
        verify(headers(signed()), now=NOW + timedelta(seconds=seconds), window_seconds=10**9) == KEY
    )


def test_absent_content_type_is_an_empty_line():
    assert verify(headers(signed(content_type=""), content_type=None)) == KEY
    assert (
        verify(
            headers(
                signed(content_type="application/json; charset=utf-8"),
                content_type="application/json; charset=utf-8",
            )
        )
        == KEY
    )


def test_query_is_not_signed():
    assert verify(headers(signed()), path=b"/cb?x=1%20") == KEY


def test_path_as_sent_or_decoded():
    assert verify(headers(signed(path="/my%20flow")), path="/my%20flow") == KEY
    assert verify(headers(signed(path="/my flow")), path="/my%20flow") == KEY


@given(
    st.sampled_from(["body", "path", "content_type", "signature", "timestamp"]),
    st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1),
)
def test_signature_of_a_changed_request_is_refused(part, extra):
    found, path, body = headers(signed()), "/cb", BODY
    if part == "body":
        body += extra.encode()
    elif part == "path":
        path += extra.replace("?", "x").replace("%", "x")
    else:
        name = {
            "content_type": "Content-Type",
            "signature": "Authorization",
            "timestamp": "X-Timestamp",
        }[part]
        found[name] += extra
    with pytest.raises((BadSignatureError, BadTimestampError)):
        verify(found, path=path, body=body)


def test_secret_of_another_application_is_refused():
    with pytest.raises(BadSignatureError):
        verify(headers(signed(key="other")))


def test_codes_are_the_platforms():
    kinds = (
        UnsignedError,
        BadTimestampError,
        BadSignatureError,
        StaleSignatureError,
        UnknownApplicationError,
    )
    assert [kind.code for kind in kinds] == [40100, 40101, 40102, 40105, 40004]
    assert all(issubclass(kind, SignatureError) for kind in kinds)


@given(st.lists(st.tuples(st.binary(), st.binary())), st.binary(), st.binary())
def test_verification_of_any_bytes_raises_only_signature_errors(pairs, path, value):
    with pytest.raises(SignatureError):
        verify([*pairs, (b"authorization", value)], path=path)
    with pytest.raises(SignatureError):
        verify(
            [
                (b"authorization", b"application other:" + (value or b"x")),
                (b"x-timestamp", STAMP.encode()),
            ],
            path=path,
        )


@pytest.mark.parametrize("name", [b"Authorization", b"content-type", b"X-Timestamp"])
def test_repeated_header_that_is_signed_is_refused(name: bytes) -> None:
    for value in (b"a", b""):
        with pytest.raises(RepeatedHeaderError, match=f"several {name.decode().lower()} headers"):
            Verifier({}).verify(
                "POST",
                "/sinch",
                [(name, value), (b"a", b"b"), (name, value)],
                b"",
                datetime.now(UTC),
            )
