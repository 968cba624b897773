"""The inbox of version 2: under load its servers wrote callbacks as they came, encrypted many at
once, and made rows of them in a quieter moment.
"""

import logging
import sqlite3
import time
from typing import Any

import msgspec

from flowengine.compile import Release
from flowengine.journal.encrypted_part import LookupRow
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_file import JournalFile
from flowengine.journal.journal_row import JournalRecord
from flowengine.journal.release_lookup import ReleaseLookup
from flowengine.journal.row_writer import RowWriter
from flowengine.runtime.call_state import Call
from flowengine.runtime.engine import CallbackRecord, LocatedCall
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult

# what a batch is sealed for, in place of a call: no call can be passed off as one, nor the other
# way round
INBOX_ASSOCIATED_DATA = b"\ninbox"
INBOX_POLL_SECONDS = 60.0  # how often it is looked for what a server that is ending has left
_OLDEST_QUERY = "SELECT number, content FROM inbox WHERE NOT unreadable ORDER BY number LIMIT 1"
log = logging.getLogger(__name__)


class InboxEntry(msgspec.Struct, frozen=True, array_like=True):
    """All of a callback that its row is made of."""

    body: bytes
    answer: bytes
    application: str
    release: str
    call: Call | None
    trace: tuple[TraceEntry, ...]
    seconds: float
    fetch_seconds: float
    repeated: bool
    outcome: str
    at: float
    lookups: tuple[LookupRow, ...]
    names: dict[str, Any]
    located: tuple[Call | None, str | None] | None
    format: int = 1


_decode_entries = msgspec.msgpack.Decoder(list[InboxEntry]).decode


def unpack_record(item: InboxEntry, release: Release) -> JournalRecord:
    """The callback as it was noted, but for what no row is made of."""
    event = decode(item.body)
    if event.application_key != item.application:
        event = msgspec.structs.replace(event, application_key=item.application)
    found = LocatedCall(item.located[0], release, 0, item.located[1]) if item.located else None
    asked = [
        (to_request(made), LookupResult(made.status, msgspec.json.decode(made.answer), made.error))
        for made in item.lookups
    ]
    record = CallbackRecord(
        event, item.release, item.call, item.trace, item.seconds, item.fetch_seconds, item.repeated, item.outcome,
        item.at, asked, item.names, found,
    )  # fmt: skip
    return JournalRecord(record, item.body, item.answer)


def to_request(made: LookupRow) -> LookupRequest:
    return LookupRequest(made.service, made.method, made.url, {}, made.body, 0.0, 0)


def read_oldest_batch(
    connection: sqlite3.Connection, encryption: JournalEncryption
) -> tuple[int, list[InboxEntry] | None] | None:
    """The batch whose turn it is, with its number; without its content where no key opens it. None
    where there is none.
    """
    found = connection.execute(_OLDEST_QUERY).fetchone()
    if found is None:
        return None
    content = encryption.open(found[1], INBOX_ASSOCIATED_DATA)
    try:
        return found[0], _decode_entries(content) if content is not None else None
    except msgspec.MsgspecError:  # of another version
        return found[0], None


def has_inbox(connection: sqlite3.Connection) -> bool:
    """Whether version 2 has made this journal."""
    found = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'inbox'").fetchone()
    return found is not None


def count_waiting(connection: sqlite3.Connection) -> int:
    """How many callbacks are no rows yet."""
    if not has_inbox(connection):
        return 0
    (callbacks,) = connection.execute(
        "SELECT coalesce(sum(callbacks), 0) FROM inbox WHERE NOT unreadable"
    ).fetchone()
    return int(callbacks)


def drop_batches(connection: sqlite3.Connection, before: float) -> None:
    """Drop what came before then and is no row yet."""
    connection.execute("DELETE FROM inbox WHERE at < ?", (before,))


def drop_oldest_batch(connection: sqlite3.Connection) -> int | None:
    """Drop the oldest batch; how many callbacks that were. None where there is none."""
    found = connection.execute(
        "SELECT number, callbacks FROM inbox ORDER BY number LIMIT 1"
    ).fetchone()
    if found is None:
        return None
    connection.execute("DELETE FROM inbox WHERE number = ?", found[:1])
    return int(found[1])


class InboxDrain:
    """Makes rows of what a server of version 2 has left: it was killed under load, or is still
    ending.
    """

    def __init__(
        self,
        file: JournalFile,
        rows: RowWriter,
        releases: ReleaseLookup,
        encryption: JournalEncryption | None,
    ) -> None:
        self._file = file
        self._row_writer = rows
        self._release_lookup = releases
        self._encryption = encryption
        self._next_poll = float("-inf")

    def make_rows(self) -> bool:
        """Make rows of the oldest batch, now and then; whether to go on with the next. Raises
        OSError or sqlite3.Error.
        """
        if self._encryption is None or time.monotonic() < self._next_poll:
            return False
        found = None
        if self._file.path.exists():
            connection = self._file.ensure_connection()
            if self._next_poll == float("-inf") and self._file.has_version_2:
                # Perhaps its key is back.
                connection.execute("UPDATE inbox SET unreadable = 0 WHERE unreadable")
                self._next_poll = 0.0
            found = self._file.has_version_2 and read_oldest_batch(connection, self._encryption)
        if not found:
            self._next_poll = time.monotonic() + INBOX_POLL_SECONDS
            return False
        return self._replace_batch(*found)

    def _replace_batch(self, number: int, batch: list[InboxEntry] | None) -> bool:
        if batch is None:
            log.error(
                "%s has callbacks that no key opens; they wait for it, until they are too old",
                self._file.path,
            )
            self._file.ensure_connection().execute(
                "UPDATE inbox SET unreadable = 1 WHERE number = ?", (number,)
            )
            return True
        releases = self._release_lookup.find_releases(item.release for item in batch)
        if releases is None:
            return False
        noted = [unpack_record(item, releases[item.release]) for item in batch]
        rows = self._row_writer.build_rows(noted, releases)

        def replace(connection: sqlite3.Connection) -> None:
            """Unless another worker was first."""
            deleted = connection.execute("DELETE FROM inbox WHERE number = ?", (number,))
            if deleted.rowcount:
                self._row_writer.write_rows(connection, self._file, rows, len(noted) - len(rows))

        self._file.run_transaction(replace)
        self._row_writer.report_lost()
        return True
