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
from flowengine.journal.journal_reader import CallFilter, JournalReader, RecordedCall
from flowengine.journal.journal_writer import JournalWriter

__all__ = [
    "CallFilter",
    "CanaryCallback",
    "CanaryFigures",
    "JournalEncryption",
    "JournalReader",
    "JournalWriter",
    "RecordedCall",
    "read_canary_callbacks",
    "read_figures",
]
