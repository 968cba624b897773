from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.limits import MAX_COOKIE_BYTES
from flowengine.runtime.cookie import (
    COOKIE_KEY,
    MAX_PAYLOAD_BYTES,
    Codec,
    calculate_cookie_size,
    derive_key,
)

OLD, NEW = derive_key("the old secret"), derive_key("the new secret")
CODEC = Codec([NEW])
payloads = st.binary(max_size=800)
Close = Callable[..., str]
both = pytest.mark.parametrize("close", [Codec.seal, Codec.sign], ids=["sealed", "signed"])


@both
@given(payloads, st.text())
def test_opens_what_it_sealed_for_the_same_call(close: Close, payload: bytes, call_id: str) -> None:
    assert CODEC.open(close(CODEC, payload, call_id), call_id) == payload


@both
@given(payloads, st.text(), st.text())
def test_cookie_of_another_call_is_not_opened(
    close: Close, payload: bytes, call_id: str, other: str
) -> None:
    assert (CODEC.open(close(CODEC, payload, call_id), other) is None) == (call_id != other)


@both
@given(st.binary(max_size=40))
def test_cookie_with_a_character_changed_dropped_or_added_is_not_opened(
    close: Close, payload: bytes
) -> None:
    text = close(CODEC, payload, "call")
    for at in range(len(text)):
        for other in {"A", "B", "_", "+", "=", " ", "é"} - {text[at]}:
            assert CODEC.open(text[:at] + other + text[at + 1 :], "call") is None
        assert CODEC.open(text[:at] + text[at + 1 :], "call") is None
        assert CODEC.open(text[:at] + "\n" + text[at:], "call") is None
    assert CODEC.open(text + "=", "call") is None


@both
def test_cookie_with_unused_bits_of_its_last_character_set_is_not_opened(close: Close) -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for length in (1, 2, 3):
        text = close(CODEC, b"x" * length, "call")
        assert [last for last in alphabet if CODEC.open(text[:-1] + last, "call")] == [text[-1]]


@given(st.text())
def test_foreign_text_is_no_error(text: str) -> None:
    assert CODEC.open(text, "call") is None


@both
@given(payloads)
def test_cookie_needs_no_escaping_and_has_the_calculated_size(close: Close, payload: bytes) -> None:
    text = close(CODEC, payload, "call")
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").replace(".", "", 1).isalnum()
    assert (
        len(COOKIE_KEY) + len(text)
        <= calculate_cookie_size(len(payload))
        <= len(COOKIE_KEY) + len(text) + 5
    )


@both
def test_cookie_with_the_largest_payload_takes_all_that_the_platform_allows(close: Close) -> None:
    for more, fits in ((0, True), (1, False)):
        text = close(CODEC, b"x" * (MAX_PAYLOAD_BYTES + more), "call", 999_999)
        assert (len(COOKIE_KEY) + len(text) <= MAX_COOKIE_BYTES) is fits


def test_sealed_payload_is_unreadable_and_the_same_each_time() -> None:
    assert CODEC.seal(b"account 12345678", "call") == CODEC.seal(b"account 12345678", "call")
    assert CODEC.seal(b"account 12345678", "call") != CODEC.seal(b"account 12345678", "other")


@both
def test_rotated_keys_open_old_cookies_and_seal_with_the_new_key(close: Close) -> None:
    old = close(Codec([OLD]), b"state", "call")
    rotating = Codec([NEW, OLD])
    assert rotating.open(old, "call") == b"state"
    assert CODEC.open(close(rotating, b"state", "call"), "call") == b"state"
    assert CODEC.open(old, "call") is None


def test_sealed_cookie_of_today_opens_after_an_upgrade() -> None:
    sealed = "3.AWE9QYVExWJ9a9BK_KhSW1aR5hxLNnLsyjhy1wPynJNlAcg"
    assert CODEC.open(sealed, "call-1") == b"release|flow|state"


def test_signed_cookie_of_today_opens_after_an_upgrade() -> None:
    signed = "3.AlPkTv-QN8TmFfYIQgihLpNyZWxlYXNlfGZsb3d8c3RhdGU"
    assert CODEC.open(signed, "call-1") == b"release|flow|state"
    assert CODEC.sign(b"release|flow|state", "call-1", 3) == signed, (
        "the very same bytes for a repeated delivery"
    )


def test_signed_and_sealed_cookies_cannot_be_exchanged() -> None:
    sealed, signed = CODEC.seal(b"state", "call"), CODEC.sign(b"state", "call")
    assert (
        CODEC.open(f"0.Ag{sealed[4:]}", "call") is CODEC.open(f"0.AQ{signed[4:]}", "call") is None
    )


def test_counter_of_a_cookie_cannot_be_moved_into_its_payload() -> None:
    signed = CODEC.sign(b"xstate", "call", 1)
    assert CODEC.open(signed, "callx", 0) is CODEC.open(signed, "cal", 0) is None


def test_codec_without_keys_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Codec([])


@both
def test_cookie_that_is_no_newer_than_the_store_is_not_opened(close: Close) -> None:
    text = close(CODEC, b"state", "call", 3)
    assert CODEC.open(text, "call", 2) == b"state"
    assert CODEC.open(text, "call", 3) is None
    assert CODEC.open(text.replace("3.", "4.", 1), "call", 3) is None
