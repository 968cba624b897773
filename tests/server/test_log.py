"""What is written down, and what never is."""

import asyncio
import json
import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.cross_site import is_loopback
from flowengine.journal.masking import mask_reason
from flowengine.runtime.call_state import Call
from flowengine.runtime.engine import CallbackRecord
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.server.credentials import check_exposure, load_credentials
from flowengine.server.log import ATOMIC_WRITE_BYTES, LogWriter, split_lines
from flowengine.server.server_settings import SettingsError
from flowengine.sinch import Ace
from flowengine.sinch.address_mask import mask_address


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        ("+*********31", "+46708168731"),
        ("+*********31", "Ann Smith <46 708-16 87 31>"),
        ("+******68", "sip:46708168@host.example"),
        ("a***@host.example", "sip:ann.smith@host.example"),
        ("a***@host.example", '"Smith, Ann" <sip:ann@host.example>'),
        ("a***", "ann"),
        ("wss://media2.example.com:443/***", "wss://media2.example.com:443/calls?pin=1234"),
        ("wss://media.example.com/***", "wss://ann:word@media.example.com"),
        ("****", "123"),
        ("", "anonymous"),
        ("", ""),
    ],
)
def test_mask_address_hides_all_but_the_last_digits(shown: str, what: str) -> None:
    assert mask_address(what) == shown


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        ("key 5", "key 5"),
        ("on 404", "on 404"),
        ("failed: status 503", "failed: status 503"),
        ("failed: **** is no date", "failed: 3112 is no date"),
        ("valid: * * * is too short", "valid: 1 2 3 is too short"),
    ],
)
def test_mask_reason_hides_what_callers_entered(shown: str, what: str) -> None:
    assert mask_reason(what) == shown


@given(
    st.lists(
        st.binary(max_size=ATOMIC_WRITE_BYTES + 100).map(
            lambda line: line.replace(b"\n", b"") + b"\n"
        )
    )
)
def test_pieces_hold_all_lines_whole(lines: list[bytes]) -> None:
    found = list(split_lines(b"".join(lines)))
    assert [line for piece in found for line in piece.splitlines(keepends=True)] == b"".join(
        lines
    ).splitlines(keepends=True)
    assert all(
        piece.endswith(b"\n") and (len(piece) <= ATOMIC_WRITE_BYTES or piece in lines)
        for piece in found
    )


def record(reason: str) -> CallbackRecord:
    trace = (TraceEntry("line", "ask", "next"), TraceEntry("line", "look_up", reason))
    call = Call("r1", "line", "ask", "en-US", steps=3)
    return CallbackRecord(Ace(call_id="c1"), "r1", call, trace, 0.0012, 0.0, False, "answered")


async def test_lines_of_one_moment_are_written_at_once(tmp_path: Path) -> None:
    lines = LogWriter(os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT))
    for _ in range(3):
        lines.log_callback(record("failed: 12345674"))
    assert (tmp_path / "log").read_bytes() == b""
    while not (tmp_path / "log").stat().st_size:  # noqa: ASYNC110  # a file has no event for it
        await asyncio.sleep(0.001)
    first, *rest = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert len(rest) == 2
    assert first["trace"] == ["line/ask: next", "line/look_up: failed: ********"]
    assert (first["call"], first["ms"], first["step"]) == ("c1", 1.2, 3)


async def test_log_line_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    lines = LogWriter(os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT))
    for event in (Ace(call_id="c1"), None, Ace(call_id="c2")):
        lines.log_callback(msgspec.structs.replace(record("next"), event=event))
    lines.flush()
    assert [json.loads(line)["call"] for line in (tmp_path / "log").read_text().splitlines()] == [
        "c1",
        "c2",
    ]


async def test_log_that_nobody_reads_costs_no_call() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    lines = LogWriter(writing)
    lines.log_callback(record("next"))
    lines.flush()


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.com", False),
        ("10.0.0.1", False),
    ],
)
def test_server_without_credentials_serves_loopback_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    check_exposure(host, has_credentials=True)
    if not loopback:
        with pytest.raises(SettingsError, match="SINCH_APPLICATION_KEY"):
            check_exposure(host, has_credentials=False)


def test_half_a_credential_is_a_mistake() -> None:
    from flowengine.compile import compile_project

    release = compile_project(
        {"a.yaml": b"{flow: a, start: b, states: {b: {hangup: }}}"}, {}
    ).release
    assert release
    with pytest.raises(SettingsError, match="belong together"):
        load_credentials(release, {"SINCH_APPLICATION_KEY": "key"})
    assert load_credentials(
        release, {"SINCH_APPLICATION_KEY": "key", "SINCH_APPLICATION_SECRET": "c2VjcmV0"}
    ) == {"key": "c2VjcmV0"}
    assert load_credentials(release, {}) == {}
