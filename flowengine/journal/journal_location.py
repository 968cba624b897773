"""The location of a journal: a file for the workers of one machine, or a PostgreSQL server for several
machines.
"""

from collections.abc import Callable
from pathlib import Path

from flowengine.compile import Release
from flowengine.journal.journal_database import JOURNAL_BUSY_SECONDS
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_error import JournalError
from flowengine.journal.journal_protocol import (
    JournalFeed,
    JournalReader,
    JournalStorage,
    JournalUsage,
)
from flowengine.journal.release_lookup import ReleaseLookup
from flowengine.journal.row_builder import RowCounter
from flowengine.journal.sqlite_feed import SqliteJournalFeed
from flowengine.journal.sqlite_journal import SqliteJournalStorage
from flowengine.journal.sqlite_journal_reader import SqliteJournalReader
from flowengine.storage.sessions.store_url import redact_password

NO_JOURNAL_DRIVER = (
    'a call journal on PostgreSQL needs its driver: pip install "flowengine[postgresql]"'
)
JournalLocation = Path | str
"""The path of a file, or the address of a PostgreSQL server"""


def format_location(location: JournalLocation) -> str:
    """The location for messages, without a password."""
    return redact_password(location) if isinstance(location, str) else str(location)


def open_journal_storage(
    location: JournalLocation,
    release: Callable[[str], Release],
    encryption: JournalEncryption | None,
    counted: RowCounter,
    observe: Callable[[JournalUsage], None],
    lookup: ReleaseLookup,
    machine: str,
) -> JournalStorage:
    """Where a worker writes its callbacks. It connects at first need."""
    if isinstance(location, Path):
        return SqliteJournalStorage(location, release, encryption, counted, observe, lookup)
    # its driver is not everybody's
    from flowengine.journal.postgresql_journal import PostgresqlJournalStorage  # noqa: PLC0415

    return PostgresqlJournalStorage(location, release, encryption, counted, observe, machine)


def open_journal_reader(
    location: JournalLocation, busy_seconds: float = JOURNAL_BUSY_SECONDS
) -> JournalReader:
    """Open a journal to read it; wait for so long while another process has locked a file. Raises
    JournalError where there is none.
    """
    if isinstance(location, Path):
        return SqliteJournalReader(location, busy_seconds)
    try:
        from flowengine.journal.postgresql_reader import (  # noqa: PLC0415
            PostgresqlJournalReader,
        )
    except ImportError as error:
        raise JournalError(NO_JOURNAL_DRIVER) from error
    return PostgresqlJournalReader(location)


def find_journal_fault(location: JournalLocation) -> str:
    """Why the journal cannot be written at the moment; "" where it can. Raises JournalError for a
    fault that does not pass by itself.
    """
    if isinstance(location, Path):
        return ""
    try:
        from flowengine.journal.postgresql_tables import find_access_fault  # noqa: PLC0415
    except ImportError as error:
        raise JournalError(NO_JOURNAL_DRIVER) from error
    return find_access_fault(location)


def build_journal_feed(location: JournalLocation) -> JournalFeed:
    """What follows a journal. It connects at first need. Raises JournalError without the driver."""
    if isinstance(location, Path):
        return SqliteJournalFeed(location)
    try:
        from flowengine.journal.postgresql_feed import PostgresqlJournalFeed  # noqa: PLC0415
    except ImportError as error:
        raise JournalError(NO_JOURNAL_DRIVER) from error
    return PostgresqlJournalFeed(location)
