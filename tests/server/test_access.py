"""Who is let in, also when credentials change with a release."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from flowengine.compile import Release, compile_project
from flowengine.releases import Registry
from flowengine.server.callback import (
    AsgiRequest,
    RefusedRequestError,
    SignatureGate,
    check_framing,
)
from flowengine.server.server_settings import ServerSettings, SettingsError
from flowengine.server.startup import check_settings
from flowengine.sinch import SignatureError, sign_request
from tests.callback_server import receive_nothing
from tests.compiled_release import compile_release
from tests.server.server_process import KEY, SECRET, TYPE

RELEASE = compile_release({"a.yaml": "{flow: a, start: b, states: {b: {hangup: }}}"})


def build_request(
    headers: Iterable[tuple[bytes, bytes]], body: bytes = b"{}", raw_path: bytes = b"/sinch"
) -> AsgiRequest:
    scope = {"method": "POST", "path": "/sinch", "raw_path": raw_path, "headers": headers}
    return AsgiRequest(body, scope, receive_nothing)


def build_signed_request(key: str = KEY, secret: str = SECRET) -> AsgiRequest:
    stamp = datetime.now(UTC).isoformat()
    signed = sign_request(key, secret, "POST", "/sinch", TYPE, b"{}", stamp)
    headers = [
        (b"content-type", TYPE.encode()),
        (b"x-timestamp", stamp.encode()),
        (b"authorization", signed.encode()),
    ]
    return build_request(headers)


def test_several_applications_are_told_apart() -> None:
    gate = SignatureGate(
        Registry(replace(RELEASE, applications={"other": "b3RoZXI="})),
        {"SINCH_APPLICATION_KEY": KEY, "SINCH_APPLICATION_SECRET": SECRET},
    )
    assert gate.verify_request(build_signed_request()) == KEY
    assert gate.verify_request(build_signed_request("other", "b3RoZXI=")) == "other"
    with pytest.raises(SignatureError):
        gate.verify_request(build_signed_request("other", SECRET))


def test_credentials_come_with_a_release_and_never_leave_the_door_open() -> None:
    releases = Registry(RELEASE)
    gate = SignatureGate(releases, {})
    assert not gate.verify_request(build_request([]))
    releases.serve(replace(RELEASE, applications={KEY: SECRET}))
    assert gate.verify_request(build_signed_request()) == KEY
    releases.serve(replace(RELEASE, applications={}))
    with pytest.raises(SignatureError):
        gate.verify_request(build_request([]))


def declared(environment: dict[str, str]) -> Release:
    project = b"{project: test, applications: [{key: one, secret: ONE}, {key: two, secret: TWO}]}"
    found = compile_project(
        {"a.yaml": b"{flow: a, start: b, states: {b: {hangup: }}}", "project.yaml": project},
        environment,
    ).release
    assert found
    return found


@pytest.mark.parametrize("environment", [{}, {"ONE": ""}, {"ONE": SECRET}])
def test_application_without_its_secret_verifies_no_signature(environment: dict[str, str]) -> None:
    found = declared(environment)
    with pytest.raises(SignatureError):
        SignatureGate(Registry(found), environment).verify_request(build_request([]))
    with pytest.raises(SettingsError, match="TWO"):
        check_settings(ServerSettings("flows"), found)


def test_with_all_secrets_the_applications_are_served() -> None:
    assert check_settings(
        ServerSettings("flows", host="0.0.0.0"), declared({"ONE": SECRET, "TWO": SECRET})
    )


def test_machines_that_share_a_store_need_keys_that_they_share(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServerSettings("flows", store=postgresql)
    with pytest.raises(
        SettingsError, match="must have the same key for cookies: set FLOWENGINE_COOKIE_KEYS"
    ):
        check_settings(settings, RELEASE)
    assert check_settings(settings, replace(RELEASE, applications={KEY: SECRET}))
    monkeypatch.setenv("FLOWENGINE_COOKIE_KEYS", "one key for all")
    assert not check_settings(settings, RELEASE)


def test_request_that_says_twice_how_long_it_is_is_refused() -> None:
    """Lists of headers, as they come on the ways that are uvicorn's own."""
    length, chunks = (b"content-length", b"2"), (b"transfer-encoding", b"chunked")
    for once in ([length], [chunks], []):
        check_framing([(b"host", b"a"), *once])
    for twice in ([length, chunks], [chunks, length]):
        with pytest.raises(
            RefusedRequestError, match="both content-length and transfer-encoding"
        ) as refused:
            check_framing([(b"host", b"a"), *twice])
        assert refused.value.status == 400


def test_store_that_cannot_be_opened_is_named_without_its_password() -> None:
    settings = ServerSettings("flows", store="postgresql://ann:hidden@127.0.0.1:1/calls")
    with pytest.raises(
        SettingsError, match=r"postgresql://ann:…@127\.0\.0\.1:1/calls cannot be used"
    ) as refused:
        check_settings(settings, replace(RELEASE, applications={KEY: SECRET}))
    assert "hidden" not in str(refused.value)


@given(st.binary(), st.binary(), st.binary(), st.binary())
def test_request_of_any_bytes_is_refused_with_a_signature_error(
    authorization: bytes, stamp: bytes, kind: bytes, body: bytes
) -> None:
    gate = SignatureGate(Registry(replace(RELEASE, applications={KEY: SECRET})), {})
    for given_authorization in (
        authorization,
        b"application " + KEY.encode() + b":" + authorization,
    ):
        headers = [
            (b"authorization", given_authorization),
            (b"x-timestamp", stamp),
            (b"content-type", kind),
        ]
        with pytest.raises(SignatureError):
            gate.verify_request(build_request(headers, body, b"/sinch%"))
