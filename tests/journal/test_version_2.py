"""Journals of version 2: rows of today hold what theirs did, they are upgraded in place, and read
like new ones.
"""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.journal import CallFilter, SqliteJournalReader, read_canary_callbacks, read_figures
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.row_writer import RowWriter
from flowengine.releases import Registry
from flowengine.runtime.cookie import COOKIE_KEY, Codec, derive_key
from flowengine.runtime.engine import Engine
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import MemoryStore
from tests.compiled_release import compile_release
from tests.journal import version_2
from tests.journal.journal_line import SEALER, Clock, answered, ended, files, keyed, press, ring
from tests.runtime.flow_strategies import callbacks, fetched, flows, incoming
from tests.thoroughness import examples

TOLD: list[dict[str, Any]] = [
    {"words": "clear"},
    {"numbers": "clear"},
    {"numbers": "clear", "words": "clear"},
    {"replay": False},
]
POLICIES = ["", *map(json.dumps, TOLD)]
CONVERSATION = [ring(), press("1"), keyed("12345674"), answered(), ended(), ended()]


async def note(
    release: Release,
    events: Sequence[dict[str, Any]],
    answers: Sequence[tuple[int, Any, str]] = ((200, {"name": "Ann"}, ""),),
) -> list[JournalRecord]:
    """What a server notes of these callbacks, to which the platform adds the cookies it was given."""
    asked, cookies, noted = 0, dict[str, str](), list[JournalRecord]()

    async def fetch(_request: LookupRequest, _left: float) -> LookupResult:
        nonlocal asked
        asked += 1
        return LookupResult(*answers[asked % len(answers)])

    engine = Engine(Registry(release), MemoryStore(), Codec([derive_key("key")]), fetch, Clock())
    for event in events:
        pairs = [{"key": key, "value": value} for key, value in cookies.items()]
        body = json.dumps({"cookies": pairs, **event}).encode()
        reply = await engine.answer(decode(body), body)
        record = replace(reply.record, at=reply.record.at or 1_796_000_000.0)
        noted.append(JournalRecord(record, body, reply.body))
        for item in json.loads(reply.body).get("instructions", ()):
            if item["name"] == "setCookie":
                cookies[item["key"]] = item["value"]
    return noted


def write_today(path: Path, noted: Sequence[JournalRecord], release: Release) -> None:
    file = JournalFile(path)
    writer = RowWriter(lambda _name: release, SEALER, lambda *_: None)
    rows = writer.build_rows(noted)
    file.run_transaction(lambda connection: writer.write_rows(connection, file, rows, 0))
    file.close()


def read_everything(path: Path, releases: Sequence[Release]) -> dict[str, Any]:
    """All that readers can know of a journal."""
    with closing(SqliteJournalReader(path)) as reader:
        calls = reader.list_calls(CallFilter())
        steps = [step for call in calls for step in reader.list_callbacks(call.call)]
        recorded = [one for _, found in reader.iter_recorded_calls(0.0, SEALER) for one in found]
    for step in steps:
        step.shown["ms"] = pytest.approx(step.shown["ms"], abs=0.002)
        action = step.shown.get("answer", {}).get("action", {})
        if action.get("conferenceId", "").startswith("ring-"):
            action["conferenceId"] = "ring"  # version 2 masked digits in ids of flowengine
    parts = []
    for one in recorded:
        part = one.encrypted_part
        if part is not None:
            event = decode(part.event)
            kept = {name: value for name, value in event.cookies.items() if name != COOKIE_KEY}
            event = replace(event, cookies=kept, application_key=part.application)
            parts.append((event, *(getattr(part, name) for name in part.__struct_fields__[1:-1])))
    return {
        "calls": calls,
        "steps": steps,
        "recorded": [(*one[:5], one.has_encrypted_part) for one in recorded],
        "parts": parts,
        "canary": read_canary_callbacks(path, 0.0, 0),
        "figures": read_figures(path, [release.id for release in releases]),
    }


def compare(noted: Sequence[JournalRecord], release: Release) -> None:
    with TemporaryDirectory() as folder:
        before, today = Path(folder) / "before.db", Path(folder) / "today.db"
        version_2.write_rows(before, noted, release, SEALER)
        write_today(today, noted, release)
        assert read_everything(today, [release]) == read_everything(before, [release])


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    project=flows(),
    told=st.sampled_from([{}, *TOLD]),
    first=incoming,
    events=st.lists(callbacks, max_size=8),
    answers=st.lists(fetched, min_size=1, max_size=4),
)
def test_rows_hold_what_rows_of_version_2_did(
    project: dict[str, bytes],
    told: dict[str, Any],
    first: dict[str, Any],
    events: list[dict[str, Any]],
    answers: list[tuple[int, Any, str]],
) -> None:
    authored = json.loads(project["project.yaml"]) | ({"journal": told} if told else {})
    release = compile_release({**project, "project.yaml": json.dumps(authored).encode()})
    compare(asyncio.run(note(release, [first, *events], answers)), release)


@pytest.mark.parametrize("told", POLICIES)
@settings(max_examples=examples(20), deadline=None)
@given(
    account=st.text("0123456789", min_size=8, max_size=8),
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
def test_rows_with_a_secret_hold_what_rows_of_version_2_did(
    told: str, account: str, name: str
) -> None:
    release = compile_release(files(journal=told))
    events = [ring(), press("1"), keyed(account), answered(), ended(), ended()]
    compare(asyncio.run(note(release, events, [(200, {"name": name}, "")])), release)


@pytest.mark.parametrize("told", POLICIES)
@pytest.mark.parametrize(
    "url",
    [
        "https://calling.example.com/v1/calls/id/4a40f8ba-1234-0000-a1f5-7f7feb12345a",
        "http://127.0.0.1:8123/4a40f8ba-1234-0000-a1f5-7f7feb12345a/1",
        "http://127.0.0.1:812 34a40f8ba-1234-0000-a1f5-7f7feb12345a",
        "http://127.0.0.1:8123/{callid:0}/4a40f8ba-1234-0000-a1f5-7f7feb12345a",
        "http://127.0.0.1:8123/{callid:3}",
    ],
)
def test_url_of_a_call_is_what_it_was(told: str, url: str) -> None:
    release, call = compile_release(files(journal=told)), "4a40f8ba-1234-0000-a1f5-7f7feb12345a"
    first = {**ring(call), "callResourceUrl": url, "callHeaders": [{"key": "a", "value": "12345"}]}
    compare(asyncio.run(note(release, [first, press("1", call), ended(call)])), release)


def test_journal_of_version_2_is_upgraded_with_its_rows(tmp_path: Path) -> None:
    path, release = tmp_path / "journal.db", compile_release(files())
    noted = asyncio.run(note(release, CONVERSATION))
    version_2.write_rows(path, noted, release, SEALER)
    before = read_everything(path, [release])
    later = [ring("call-2"), press("0", "call-2"), answered("call-2"), ended("call-2")]
    write_today(path, asyncio.run(note(release, later)), release)
    with closing(SqliteJournalReader(path)) as reader:
        assert [call.call for call in reader.list_calls(CallFilter())] == ["call-2", "call-1"]
        assert len(reader.list_callbacks("call-2")) == 4
    assert read_figures(path, [release.id])[release.id].calls == 2
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM callbacks WHERE call = ?", (b"call-2",))
    assert read_everything(path, [release]) == before


def test_repetition_of_a_callback_of_version_2_has_no_row(tmp_path: Path) -> None:
    path, release = tmp_path / "journal.db", compile_release(files())
    noted = asyncio.run(note(release, CONVERSATION))
    assert noted[-1].record.repeated
    version_2.write_rows(path, noted[:-1], release, SEALER)
    write_today(path, [noted[-1]._replace(body=noted[-2].body)], release)
    with closing(SqliteJournalReader(path)) as reader:
        assert len(reader.list_callbacks("call-1")) == len(CONVERSATION) - 1


def test_server_of_version_2_that_is_ending_can_still_write(tmp_path: Path) -> None:
    path, release = tmp_path / "journal.db", compile_release(files())
    noted = asyncio.run(note(release, CONVERSATION))
    with closing(version_2.make_journal(path)) as ending:
        write_today(path, noted[:3], release)
        version_2.insert_rows(ending, noted[3:-1], release, SEALER)
    with closing(SqliteJournalReader(path)) as reader:
        steps = reader.list_callbacks("call-1")
        assert [step.event for step in steps] == ["ice", "pie", "pie", "ace", "dice"]
        assert all(step.shown["trace"] for step in steps)
