"""How much room the journal takes, and what goes first when it is full."""

import asyncio
import json
import logging
import os
import sqlite3
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flowengine.journal import CallFilter, JournalEncryption, JournalWriter, SqliteJournalReader
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.size_limit import (
    JournalUsage,
    SizeLimit,
    calculate_rows_limit,
    calculate_wal_limit,
)
from flowengine.runtime.engine import Reply
from tests.compiled_release import compile_release
from tests.journal.journal_line import SEALER, crm, files, recorded, ring
from tests.journal.version_2 import make_journal, write_batch

LIMIT = 32_000_000
BEGUN = time.time() - 100_000
SMALL = compile_release(files(journal="{size: 32MB}"))


def size_on_disk(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    found = [file.stat().st_size if file.exists() else 0 for file in files]
    return sum(found)


def one_reply(folder: Path) -> Reply:
    return asyncio.run(recorded(folder / "other.db", SMALL, [ring()], crm, None))[0]


def noted(reply: Reply, call: str, at: float, room: int = 8_000) -> JournalRecord:
    filling = b64encode(os.urandom(room * 3 // 4)).decode()  # of which compression makes little
    event = msgspec.structs.replace(reply.record.event, call_id=call, custom=filling)
    record = msgspec.structs.replace(reply.record, event=event, at=at)
    return JournalRecord(record, json.dumps({**ring(call), "custom": filling}).encode(), reply.body)


def order(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        rows = file.execute("SELECT call FROM callbacks GROUP BY call ORDER BY min(at)").fetchall()
    return [call.decode() for (call,) in rows]


async def write_much(
    path: Path, reply: Reply, calls: Iterable[int], sizes: list[int], counted: Counter[str]
) -> JournalWriter:
    usages: list[JournalUsage] = []
    writer = JournalWriter(
        path,
        lambda _release: SMALL,
        SEALER,
        lambda what, rows: counted.update({what: rows}),
        observe=usages.append,
    )
    writer.start()
    for number in calls:
        for step in range(2):
            writer.enqueue_record(*noted(reply, f"call {number:05}", BEGUN + 10 * number + step))
        if number % 50 < 2:
            while writer._waiting:  # noqa: ASYNC110  # a thread empties it
                await asyncio.sleep(0.02)
            sizes.append(size_on_disk(path))
    return writer


def test_journal_that_is_full_drops_the_oldest_calls_and_grows_no_further(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two workers, and more than the journal takes."""
    path, reply, sizes = tmp_path / "journal.db", one_reply(tmp_path), list[int]()
    counted: Counter[str] = Counter()

    async def run() -> list[JournalWriter]:
        return await asyncio.gather(
            *(
                write_much(path, reply, range(worker, 2_400, 2), sizes, counted)
                for worker in range(2)
            )
        )

    with caplog.at_level(logging.WARNING, "flowengine.journal"):

        async def close() -> list[JournalWriter]:
            writers = await run()
            for writer in writers:
                await asyncio.to_thread(writer.close)
            return writers

        writers = asyncio.run(close())
    sizes.append(size_on_disk(path))
    assert max(sizes) <= LIMIT
    left = order(path)
    assert counted["dropped"] > 500
    assert (counted["kept"], counted["lost"]) == (4_800, 0), caplog.text
    assert left[-1] > "call 02300"
    assert left == sorted(left)
    assert "call 00000" not in left
    with closing(sqlite3.connect(path)) as file:
        counts = dict(file.execute("SELECT call, count(*) FROM callbacks GROUP BY call"))
    for worker in range(2):
        newer = [call for call in left if int(call[-1]) % 2 == worker][1:]
        assert {counts[call.encode()] for call in newer} == {2}
    assert all(writer.usage and writer.usage.limit == LIMIT for writer in writers)
    told = [record.getMessage() for record in caplog.records if "journal" in record.name]
    warned = next(i for i, text in enumerate(told) if "percent of its 32MB" in text)
    full = next(i for i, text in enumerate(told) if "its oldest calls are dropped" in text)
    assert warned < full
    assert len([text for text in told if "percent of its" in text]) <= 4


class Filled:
    """A journal with a size limit of its own, written row by row."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.db"
        make_journal(self.path).close()  # so that it has an inbox
        self.reply = one_reply(folder)
        self.file = JournalFile(self.path)
        self.release = SMALL
        self.dropped = 0
        self.usages: list[JournalUsage] = []
        self.limit = SizeLimit(self.file, lambda: self.release, self.count, self.usages.append)

    def count(self, what: str, rows: int) -> None:
        assert what == "dropped"
        self.dropped += rows

    def stow(self, first: int, calls: int, sealer: JournalEncryption = SEALER) -> None:
        for number in range(first, first + calls):
            batch = [noted(self.reply, f"call {number}-{n}", float(number)) for n in range(20)]
            self.file.run_transaction(
                lambda one, b=batch, at=number: write_batch(one, b, float(at), sealer)
            )

    def pieces(self) -> list[int]:
        rows = (
            self.file.ensure_connection().execute("SELECT at FROM inbox ORDER BY number").fetchall()
        )
        return [int(at) for (at,) in rows]


def test_inbox_counts_and_its_oldest_pieces_go_first(tmp_path: Path) -> None:
    journal = Filled(tmp_path)
    journal.stow(0, 200)
    assert len(journal.pieces()) == 200
    journal.limit.enforce()
    left = journal.pieces()
    assert left == list(range(200 - len(left), 200))
    assert journal.dropped == 20 * (200 - len(left)) > 0
    assert journal.usages[-1].bytes <= LIMIT


def test_pieces_that_no_key_opens_are_dropped_too(tmp_path: Path) -> None:
    journal = Filled(tmp_path)
    journal.stow(0, 120)
    journal.file.ensure_connection().execute("UPDATE inbox SET unreadable = 1")
    journal.stow(120, 80)
    journal.limit.enforce()
    assert journal.pieces()[-1] == 199
    assert journal.pieces()[0] > 0


def test_size_that_is_made_smaller_holds_for_what_is_there(tmp_path: Path) -> None:
    journal = Filled(tmp_path)
    journal.release = compile_release(files(journal="{size: 128MB}"))
    journal.stow(0, 200)
    journal.limit.enforce()
    assert journal.dropped == 0
    before = journal.path.stat().st_size
    journal.release = SMALL
    journal.limit.enforce()
    assert journal.dropped > 0
    journal.file.ensure_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    for first in range(200, 300, 5):
        journal.stow(first, 5)
        journal.limit.enforce()
    journal.file.ensure_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert journal.path.stat().st_size <= before * 1.01


def test_reader_that_stays_open_does_not_empty_the_journal(tmp_path: Path) -> None:
    """It keeps the write-ahead log from starting over; dropping rows would lengthen that."""
    journal = Filled(tmp_path)
    journal.stow(0, 20)
    with closing(sqlite3.connect(journal.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM inbox").fetchone()
        for number in range(51):
            journal.file.run_transaction(
                lambda one: one.execute("UPDATE inbox SET content = randomblob(100000)")
            )
            if number % 50 == 0:
                journal.limit.enforce()
        assert len(journal.pieces()) == 20
        assert journal.dropped == 0
        assert journal.usages[-1].bytes > LIMIT
    journal.limit._next_checkpoint = 0.0
    journal.limit.enforce()
    assert journal.usages[-1].bytes < LIMIT


@pytest.mark.parametrize("size", [LIMIT, 10**8, 2 * 10**9, 99_999 * 10**9])
def test_room_is_divided_within_the_limit(size: int) -> None:
    assert 0 < calculate_rows_limit(size) < size - calculate_wal_limit(size)


def test_calls_can_be_read_after_others_were_dropped(tmp_path: Path) -> None:
    path, reply = tmp_path / "journal.db", one_reply(tmp_path)

    async def run() -> None:
        writer = await write_much(path, reply, range(2_000), [], Counter())
        await asyncio.to_thread(writer.close)

    asyncio.run(run())
    calls: Any = SqliteJournalReader(path).list_calls(CallFilter(limit=10))
    assert len(calls) == 10
