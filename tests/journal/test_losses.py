"""No callback is lost because another process writes; what is lost all the same is counted."""

import asyncio
import logging
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from flowengine.cli import main
from flowengine.journal import CallFilter, JournalWriter, SqliteJournalReader
from flowengine.journal.journal_row import JournalRecord, JournalRow, build_row
from flowengine.runtime.engine import Reply
from tests.compiled_release import compile_release
from tests.journal.journal_line import SEALER, crm, files, recorded, ring
from tests.small_disk import fill_disk, small_disk
from tests.waiting import PATIENCE_SECONDS, wait_until_async

RELEASE = compile_release(files())


def replies(folder: Path, *calls: str) -> list[Reply]:
    return asyncio.run(recorded(folder / "other.db", RELEASE, [*map(ring, calls)], crm, None))


async def write(
    path: Path, counted: Counter[str], notes: list[Reply], until: Callable[[], bool] | None = None
) -> None:
    """Note these callbacks, and close the journal once something holds."""
    writer = JournalWriter(
        path, lambda _: RELEASE, SEALER, lambda what, rows: counted.update({what: rows})
    )
    writer.start()
    for reply in notes:
        writer.enqueue_record(reply.record, b"{}", reply.body)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while until is not None and not until():  # noqa: ASYNC110  # a thread does it
            await asyncio.sleep(0.01)
    await asyncio.to_thread(writer.close)


def test_callbacks_wait_while_another_process_writes_to_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody else has the file for longer than a writer waits for it."""
    path, counted = tmp_path / "journal.db", Counter[str]()
    notes = replies(tmp_path, "a", "b", "c")
    asyncio.run(write(path, counted, notes[:1]))
    monkeypatch.setattr("flowengine.journal.journal_database.JOURNAL_BUSY_SECONDS", 0.02)
    monkeypatch.setattr("flowengine.storage.sqlite_file.OPENING_SECONDS", 0.02)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        def let_go() -> bool:
            told = "another process is writing to" in caplog.text or counted["lost"] > 0
            if told and other.in_transaction:
                other.execute("COMMIT")
            return told

        asyncio.run(write(path, counted, notes[1:], let_go))
    assert counted == {"kept": 3}
    calls = [call.call for call in SqliteJournalReader(path).list_calls(CallFilter())]
    assert calls == ["c", "b", "a"]


def test_callbacks_that_wait_at_the_end_are_given_up_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, counted = tmp_path / "journal.db", Counter[str]()
    notes = replies(tmp_path, "a", "b")
    asyncio.run(write(path, counted, notes[:1]))
    monkeypatch.setattr("flowengine.journal.journal_database.JOURNAL_BUSY_SECONDS", 0.02)
    monkeypatch.setattr("flowengine.storage.sqlite_file.OPENING_SECONDS", 0.02)
    monkeypatch.setattr("flowengine.journal.journal_writer.CLOSING_SECONDS", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asyncio.run(write(path, counted, notes[1:]))
    assert counted == {"kept": 1, "lost": 1}


@pytest.mark.parametrize(
    ("method", "missing"),
    [
        ("row_builder.RowBuilder.build_rows", 2),
        ("sqlite_journal.SqliteJournalStorage.close", 0),
    ],
)
def test_journal_that_never_answers_is_given_up_at_the_end(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    method: str,
    missing: int,
) -> None:
    """A database may take a statement and hang."""
    path, notes, counted = tmp_path / "journal.db", replies(tmp_path, "a", "b"), Counter[str]()
    monkeypatch.setattr("flowengine.journal.journal_writer.ABANDON_SECONDS", 0.01)
    begun, over = threading.Event(), threading.Event()

    def hang(*_: object) -> list[JournalRow]:
        begun.set()
        over.wait()
        return []

    monkeypatch.setattr(f"flowengine.journal.{method}", hang)
    try:
        asyncio.run(
            write(path, counted, notes, lambda: begun.is_set() or counted["kept"] == len(notes))
        )
        told = f"the call journal does not answer: {missing} callbacks may be missing"
        assert told in caplog.text
    finally:
        over.set()


async def test_callbacks_wait_while_the_disk_is_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder, counted = tmp_path / "disk", Counter[str]()
    path, filler = folder / "journal.db", folder / "filler"
    events = [ring(str(number)) for number in range(40)]
    notes = await recorded(tmp_path / "other.db", RELEASE, events, crm, None)
    with small_disk(folder):
        writer = JournalWriter(
            path, lambda _: RELEASE, SEALER, lambda what, rows: counted.update({what: rows})
        )
        writer.start()
        await writer.save_record(notes[0].record, b"{}", notes[0].body)
        fill_disk(filler)
        for note in notes[1:]:
            writer.enqueue_record(note.record, bytes(20_000), note.body)
        await wait_until_async(
            lambda: "callbacks wait to be written to the call journal: " in caplog.text
        )
        await writer.save_record(notes[0].record, b"{}", notes[0].body)  # for which nobody waits
        filler.unlink()
        await asyncio.to_thread(writer.close)
        assert counted == {"kept": 41}
        assert " full" in caplog.text
        assert "the call journal is written again" in caplog.text
        assert len(SqliteJournalReader(path).list_calls(CallFilter())) == 40


async def test_callback_whose_commit_fails_is_answered_and_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is in the place of the journal for a while."""
    monkeypatch.setattr("flowengine.journal.journal_writer.MAX_COMMIT_WAIT_SECONDS", 3600)
    path, counted = tmp_path / "journal.db", Counter[str]()
    (note,) = await recorded(tmp_path / "other.db", RELEASE, [ring("a")], crm, None)
    path.mkdir()
    writer = JournalWriter(
        path, lambda _: RELEASE, SEALER, lambda what, rows: counted.update({what: rows})
    )
    writer.start()
    await asyncio.wait_for(writer.save_record(note.record, b"{}", note.body), 60)
    path.rmdir()
    await wait_until_async(lambda: counted == {"kept": 1})
    await asyncio.to_thread(writer.close)


def test_callbacks_beyond_what_memory_holds_are_counted_in_the_journal_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder is in its place for a while."""
    path, counted, notes = tmp_path / "journal.db", Counter[str](), replies(tmp_path, "a", "b", "c")
    monkeypatch.setattr("flowengine.journal.journal_writer.MAX_WAITING_CALLBACKS", 2)
    path.mkdir()

    def mend() -> bool:
        if counted["lost"] and path.is_dir():
            path.rmdir()
        return not path.is_dir()

    asyncio.run(write(path, counted, notes, mend))
    assert counted == {"lost": 1, "kept": 2}
    assert {call.call for call in SqliteJournalReader(path).list_calls(CallFilter())} == {"b", "c"}
    assert SqliteJournalReader(path).count_lost(0.0) == 1
    assert SqliteJournalReader(path).count_lost(time.time() + 120) == 0
    shown = CliRunner().invoke(main, ["calls", "--store", f"sqlite:{tmp_path / 'calls.db'}"])
    assert "1 callback missing: answered, but not written to the call journal" in shown.stderr


def test_callback_that_no_row_can_be_made_of_is_counted_in_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, counted = tmp_path / "journal.db", Counter[str]()
    notes = replies(tmp_path, "a")
    monkeypatch.setattr("flowengine.journal.row_builder.build_row", lambda *_: 1 / 0)
    asyncio.run(write(path, counted, notes))
    assert counted == {"lost": 1, "kept": 0}
    assert SqliteJournalReader(path).count_lost(0.0) == 1


def test_callback_that_no_row_can_be_made_of_is_counted_once_though_others_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The batch is built again for each try to write it."""
    path, counted, built = tmp_path / "journal.db", Counter[str](), Counter[str]()
    notes = replies(tmp_path, "a", "b")
    monkeypatch.setattr("flowengine.journal.journal_writer.WRITE_RETRY_SECONDS", 0.001)
    path.mkdir()

    def build(noted: JournalRecord, *more: Any) -> JournalRow:
        call = noted.record.event.call_id
        built[call] += 1
        if call == "a":
            raise ValueError("no row can be made")
        return build_row(noted, *more)

    monkeypatch.setattr("flowengine.journal.row_builder.build_row", build)

    def mend() -> bool:
        if built["a"] > 2 and path.is_dir():
            path.rmdir()
        return not path.is_dir()

    asyncio.run(write(path, counted, notes, mend))
    assert counted == {"lost": 1, "kept": 1}
    assert caplog.text.count("a callback of call a is not in the call journal") == 1
    assert SqliteJournalReader(path).count_lost(0.0) == 1


def test_journal_of_a_server_of_before_misses_nothing(tmp_path: Path) -> None:
    path, counted = tmp_path / "journal.db", Counter[str]()
    asyncio.run(write(path, counted, replies(tmp_path, "a")))
    with closing(sqlite3.connect(path)) as older:
        older.execute("DROP TABLE losses")
        older.commit()
    assert SqliteJournalReader(path).count_lost(0.0) == 0
    asyncio.run(write(path, counted, replies(tmp_path, "b")))
    assert SqliteJournalReader(path).count_lost(0.0) == 0
