"""The call journal: what came, what was answered and why, kept for people to read and for other
releases to be tried on.
"""

from flowengine.journal.canary_figures import (
    CallStatistics,
    CanaryFigures,
    read_call_statistics,
    read_figures,
)
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_reader import CallFilter, JournalReader, RecordedCall
from flowengine.journal.journal_writer import JournalWriter

__all__ = [
    "CallFilter",
    "CallStatistics",
    "CanaryFigures",
    "JournalEncryption",
    "JournalReader",
    "JournalWriter",
    "RecordedCall",
    "read_call_statistics",
    "read_figures",
]
