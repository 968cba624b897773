"""The call journal: what came, what was answered and why, kept for people to read and for other
releases to be tried on.
"""

from flowengine.journal.canary_figures import (
    CanaryCallback,
    CanaryFigures,
    read_canary_callbacks,
    read_figures,
)
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_entries import CallFilter, RecordedCallback
from flowengine.journal.journal_location import open_journal_reader
from flowengine.journal.journal_protocol import JournalReader
from flowengine.journal.journal_writer import JournalWriter
from flowengine.journal.sqlite_journal_reader import SqliteJournalReader

__all__ = [
    "CallFilter",
    "CanaryCallback",
    "CanaryFigures",
    "JournalEncryption",
    "JournalReader",
    "JournalWriter",
    "RecordedCallback",
    "SqliteJournalReader",
    "open_journal_reader",
    "read_canary_callbacks",
    "read_figures",
]
