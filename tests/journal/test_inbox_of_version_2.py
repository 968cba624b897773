"""What servers of version 2 left in the inbox of their journal becomes rows: none is lost, none is
readable, and the rows are those of today.
"""

import asyncio
import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.cli.canary import format_figures
from flowengine.compile import Release
from flowengine.journal import JournalEncryption, JournalWriter, SqliteJournalReader
from flowengine.journal.journal_database import open_for_reading
from flowengine.journal.journal_row import JournalRecord
from flowengine.releases.release_overview import Canary, build_journal_counter, compare_canary
from tests.compiled_release import compile_release
from tests.journal.journal_line import (
    CALLER,
    SEALER,
    answered,
    crm,
    ended,
    files,
    keyed,
    press,
    recorded,
    ring,
    written,
)
from tests.journal.version_2 import make_journal, write_batch
from tests.waiting import wait_until_async

CONVERSATION = [ring(), press("1"), keyed("12345674"), answered(), ended()]
RELEASE = compile_release(files())


async def note(folder: Path, events: Sequence[dict[str, Any]]) -> list[JournalRecord]:
    """What a server notes of these callbacks."""
    replies = await recorded(folder / "other.db", RELEASE, events, crm, None)
    return [
        JournalRecord(reply.record, json.dumps(event).encode(), reply.body)
        for reply, event in zip(replies, events, strict=True)
    ]


def leave_inbox(path: Path, noted: Sequence[JournalRecord], size: int = 2) -> None:
    """A journal as a server leaves it that is killed under load."""
    with closing(make_journal(path)) as connection:
        for start in range(0, len(noted), size):
            write_batch(connection, noted[start : start + size], time.time(), SEALER)


def begin(path: Path, sealer: JournalEncryption = SEALER, **options: Any) -> JournalWriter:
    writer = JournalWriter(
        path,
        lambda _name: options.get("current", RELEASE),
        sealer,
        lambda *_: None,
        options.get("load"),
    )
    writer.start()
    return writer


async def make_rows(path: Path, **options: Any) -> None:
    """A server of today starts, and ends when nothing waits."""
    writer = begin(path, **options)
    await wait_until_async(lambda: path.exists() and not SqliteJournalReader(path).count_waiting())
    await asyncio.to_thread(writer.close)


def rows(path: Path) -> list[dict[str, Any]]:
    with closing(open_for_reading(path)) as file:
        found = file.execute("SELECT * FROM rows ORDER BY number")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]


async def test_rows_of_the_inbox_are_those_of_today(tmp_path: Path) -> None:
    late, soon = tmp_path / "late.db", tmp_path / "soon.db"
    noted = await note(tmp_path, CONVERSATION)
    leave_inbox(late, noted)
    await make_rows(late)
    writer = begin(soon)
    for one in noted:
        await writer.save_record(*one)
    await asyncio.to_thread(writer.close)
    first, second = rows(late), rows(soon)
    opened = [
        [SEALER.open(row.pop("sealed"), row["call"]) for row in found] for found in (first, second)
    ]
    assert opened[0] == opened[1]
    assert all(content is not None for content in opened[0])
    assert first == second
    assert len(first) == len(CONVERSATION)


async def test_inbox_can_be_read_by_nobody_and_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    leave_inbox(path, await note(tmp_path, CONVERSATION))
    assert (len(rows(path)), SqliteJournalReader(path).count_waiting()) == (0, len(CONVERSATION))
    told = CliRunner().invoke(main, ["calls", "--store", f"sqlite:{tmp_path / 'calls.db'}"])
    assert "5 callbacks are not among these yet" in told.stderr
    await make_rows(path)
    assert [row["event"] for row in rows(path)] == ["ice", "pie", "pie", "ace", "dice"]
    for hidden in (b"12345674", CALLER.encode(), b"Ann"):
        assert hidden not in written(path)


async def test_inbox_that_no_key_opens_waits_for_its_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    leave_inbox(path, await note(tmp_path, CONVERSATION))
    await make_rows(path, sealer=JournalEncryption(["another"]))
    assert rows(path) == []
    assert "that no key opens" in caplog.text
    await make_rows(path)
    assert len(rows(path)) == len(CONVERSATION)


@pytest.mark.parametrize("known", [True, False], ids=["it can be had", "it is gone"])
async def test_inbox_is_redacted_by_its_own_release_after_a_restart_on_another(
    tmp_path: Path, known: bool
) -> None:
    """The current release shows everything in clear, and its flow has no secrets."""
    path, asked = tmp_path / "journal.db", []
    plain = {
        name: content.replace(b", secret: true", b"")
        for name, content in files(journal="{numbers: clear, words: clear}").items()
    }

    async def load(name: str) -> Release | None:
        asked.append(name)
        return RELEASE if known else None

    leave_inbox(path, await note(tmp_path, CONVERSATION))
    await make_rows(path, current=compile_release(plain), load=load)
    assert set(asked) == {RELEASE.id}
    assert len(rows(path)) == len(CONVERSATION)
    for hidden in (b"12345674", CALLER.encode(), b"Ann"):
        assert hidden not in written(path)


async def test_inbox_shared_by_two_workers_makes_each_row_once(tmp_path: Path) -> None:
    path, events = tmp_path / "journal.db", [ring(f"call-{number}") for number in range(600)]
    leave_inbox(path, await note(tmp_path, events), 100)
    writers = [begin(path), begin(path)]
    await wait_until_async(lambda: not SqliteJournalReader(path).count_waiting())
    await asyncio.gather(*(asyncio.to_thread(writer.close) for writer in writers))
    assert sorted(row["call"] for row in rows(path)) == sorted(
        event["callid"].encode() for event in events
    )


async def test_inbox_is_seen_again_when_a_server_that_is_ending_has_written_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowengine.journal.inbox_of_version_2.INBOX_POLL_SECONDS", 0.0)
    path, noted = tmp_path / "journal.db", await note(tmp_path, CONVERSATION)
    leave_inbox(path, noted[:2])
    await make_rows(path)
    writer = begin(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as ending:
        write_batch(ending, noted[2:], time.time(), SEALER)
    await writer.save_record(*noted[-1]._replace(body=json.dumps(ended("call-2")).encode()))
    await wait_until_async(lambda: not SqliteJournalReader(path).count_waiting())
    await asyncio.to_thread(writer.close)
    assert len(rows(path)) == len(CONVERSATION) + 1


async def test_figures_of_a_canary_tell_what_they_lack(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    leave_inbox(path, await note(tmp_path, CONVERSATION))
    canary = Canary(0.0, RELEASE.id, "candidate", 0.1)
    side = compare_canary(canary, build_journal_counter(path))
    assert (side.waiting, side.figures[RELEASE.id].calls) == (5, 0)
    lines = [line for line in format_figures(side) if "not among" in line]
    assert lines[0].startswith("5 callbacks are not among these yet")
    await make_rows(path)
    side = compare_canary(canary, build_journal_counter(path))
    assert (side.waiting, side.figures[RELEASE.id].calls) == (0, 1)
    assert not [line for line in format_figures(side) if "not among" in line]
