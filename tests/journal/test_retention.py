"""How long calls stay in the journal, whatever becomes of the clock."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.retention import Retention
from flowengine.journal.row_writer import RowWriter
from flowengine.runtime.engine import Reply
from tests.compiled_release import compile_release
from tests.journal.journal_line import SEALER, crm, files, recorded, ring
from tests.journal.version_2 import make_journal, write_batch

DAY, YEAR = 86_400.0, 365 * 86_400.0
RELEASE = compile_release(files(journal="{keep: 7d}"))


class Days:
    """A journal and its clocks: what came on a day, and what is left of it."""

    def __init__(self, folder: Path) -> None:
        self.now = self.since = 1_795_000_000.0
        self.reply: Reply = asyncio.run(
            recorded(folder / "other.db", RELEASE, [ring()], crm, None)
        )[0]
        self.path = folder / "journal.db"
        make_journal(self.path).close()  # so that it has an inbox
        self.file = JournalFile(self.path)
        self.rows = RowWriter(lambda _name: RELEASE, SEALER, lambda *_: None)
        self.retention = Retention(self.file, lambda: RELEASE, lambda: self.now, lambda: self.since)

    def pass_by(self, seconds: float) -> None:
        """Time passes, minute by minute where that matters."""
        self.now, self.since = self.now + seconds, self.since + seconds
        self.retention.purge_if_due()

    def noted(self, calls: int) -> list[JournalRecord]:
        events = [
            msgspec.structs.replace(self.reply.record.event, call_id=f"{self.now:.0f}-{number}")
            for number in range(calls)
        ]
        records = [
            msgspec.structs.replace(self.reply.record, event=event, at=self.now) for event in events
        ]
        return [
            JournalRecord(record, json.dumps(ring(record.event.call_id)).encode(), self.reply.body)
            for record in records
        ]

    def call(self, calls: int = 1) -> None:
        self.file.run_transaction(
            lambda connection: self.rows.write_rows(
                connection, self.file, self.rows.build_rows(self.noted(calls)), 0
            )
        )

    def stow(self, calls: int) -> None:
        self.file.run_transaction(
            lambda connection: write_batch(connection, self.noted(calls), self.now, SEALER)
        )

    def count(self) -> tuple[int, int]:
        """Rows, and sealed pieces."""
        with closing(sqlite3.connect(self.path)) as file:
            return tuple(
                file.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("callbacks", "inbox")
            )  # type: ignore[return-value]


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


def test_rows_and_sealed_pieces_older_than_the_retention_are_deleted(days: Days) -> None:
    for _ in range(20):
        days.call(10)
        days.stow(10)
        days.pass_by(DAY)
    assert days.count() == (7 * 10, 7)
    days.pass_by(8 * DAY)
    assert days.count() == (0, 0)


def test_space_of_deleted_rows_is_used_again(days: Days) -> None:
    sizes = []
    for _ in range(30):
        days.call(200)
        days.pass_by(DAY)
        sizes.append(
            days.path.stat().st_size + days.path.with_name("journal.db-wal").stat().st_size
        )
        days.file.ensure_connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    pages = days.file.ensure_connection().execute("PRAGMA page_count").fetchone()[0]
    days.call(200)
    days.pass_by(DAY)
    assert days.file.ensure_connection().execute("PRAGMA page_count").fetchone()[0] <= pages * 1.02
    assert max(sizes[20:]) < 1.2 * max(sizes[:12])


def test_clock_that_leaps_a_year_ahead_costs_no_call(
    days: Days, caplog: pytest.LogCaptureFixture
) -> None:
    days.call(10)
    days.pass_by(61)
    days.now += YEAR
    days.pass_by(61)
    days.call(10)
    for _ in range(100):
        days.pass_by(61)
    assert days.count() == (20, 0)
    assert len([line for line in caplog.messages if "jumped forward" in line]) == 1
    days.now -= YEAR
    days.pass_by(61)
    days.call(10)
    days.pass_by(6 * DAY)
    assert days.count() == (30, 0)


def test_clock_that_stays_ahead_is_believed_after_a_day(days: Days) -> None:
    days.call(10)
    days.now += YEAR
    days.pass_by(61)
    days.call(5)
    days.pass_by(DAY + 61)
    assert days.count() == (5, 0)


def test_clock_that_goes_back_an_hour_costs_no_call(days: Days) -> None:
    days.call(10)
    days.now -= 3600
    days.pass_by(61)
    days.call(10)
    days.pass_by(6 * DAY)
    assert days.count() == (20, 0)
    days.pass_by(DAY + 3600)
    assert days.count() == (0, 0)
