"""What a journal must be able to do, whichever database has it: its writer, its readers and the index
of its calls know no more of it.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from flowengine.journal.canary_figures import CanaryFigures
from flowengine.journal.indexed_call import CallbackRow
from flowengine.journal.journal_encryption import JournalEncryption
from flowengine.journal.journal_entries import (
    CallbackEntry,
    CallFilter,
    CallSummary,
    RecordedCallback,
)
from flowengine.journal.journal_row import JournalRecord

DimensionValues = tuple[Any, ...]
"""Event, release, flow, state, outcome, exit, reason and trace of callbacks"""


class JournalUsage(NamedTuple):
    """What the journal takes of the disk, and what it may take, in bytes."""

    bytes: int
    limit: int


class JournalStorage(Protocol):
    """Where callbacks are written, for the thread of the writer. It is opened at first need."""

    def write(self, noted: Sequence[JournalRecord], lost: int) -> int:
        """Write these callbacks, and that so many others are missing; how many could be written.
        When it raises, nothing is written.
        """
        ...

    def describe_wait(self, error: Exception, *, is_ending: bool) -> str:
        """What the writer waits for where `write` raised this, and will succeed later; "" where it
        will not, or is not likely to within the seconds in which a server ends.
        """
        ...

    def format_error(self, error: Exception) -> str:
        """What is the matter, and what to do about it."""
        ...

    def limit_size(self, written: int) -> None:
        """Keep the journal within its size, when it is time to look. `written` are the bytes of
        callbacks that were written since the last time.
        """
        ...

    def look_after(self, has_more: Callable[[], bool]) -> bool:
        """Drop what is too old, when it is time to. Stops as soon as there is more to write; whether
        it has work left.
        """
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class JournalReader(Protocol):
    """A journal, opened to be read. Every method raises JournalError."""

    def list_calls(self, wanted: CallFilter) -> list[CallSummary]:
        """The calls that are wanted, the latest first."""
        ...

    def list_callbacks(self, call: str) -> list[CallbackEntry]:
        """The callbacks of a call in order."""
        ...

    def list_leg_callbacks(self, caller: str, since: float, until: float) -> list[CallbackEntry]:
        """The callbacks in this time of all legs of a caller, in order."""
        ...

    def find_call_ids(self, call: str) -> list[str]:
        """The ids that begin so; a few of them where there are many."""
        ...

    def iter_recorded_calls(
        self, since: float, encryption: JournalEncryption
    ) -> Iterator[tuple[str, list[RecordedCallback]]]:
        """All calls that began since then, each with its callbacks in order, whole."""
        ...

    def load_recorded_call(
        self, call: str, encryption: JournalEncryption
    ) -> list[RecordedCallback]:
        """The callbacks of a call in order, whole."""
        ...

    def read_figures(self, releases: Iterable[str], since: float) -> dict[str, CanaryFigures]:
        """The figures of each of these releases, of calls that began at `since` or later."""
        ...

    def count_machines(self, since: float) -> int:
        """How many machines have written callbacks since then."""
        ...

    def count_waiting(self) -> int:
        """How many callbacks are no rows yet."""
        ...

    def count_lost(self, since: float) -> int:
        """How many callbacks since then are missing, as they could not be written."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


class FeedBounds(NamedTuple):
    """Which journal it is, and the numbers of its first and its last callback; 1 and 0 in an empty
    one.
    """

    identity: Hashable
    first: int
    last: int


class CallbackFeed(Protocol):
    """The callbacks of a journal by their numbers. Raises JournalError where the journal cannot be
    read, and other errors for a callback that cannot be.
    """

    def read_bounds(self) -> FeedBounds:
        """Where the journal begins and ends now."""
        ...

    def read_rows(self, above: int, upto: int) -> list[CallbackRow]:
        """The callbacks with these numbers, in order."""
        ...

    def read_dimension(self, number: int) -> DimensionValues:
        """What the callbacks with this dimension have in common. Raises LookupError where it is
        gone.
        """
        ...

    def read_dimensions_of_rows(self, above: int, upto: int) -> dict[int, DimensionValues]:
        """The same by the numbers of those callbacks that have no dimension."""
        ...

    def find_number(self, since: float) -> int:
        """The number of the first callback since then; behind the last where there is none."""
        ...

    def find_moment(self, number: int | None) -> float | None:
        """When the first callback came that has this number or a higher one, or the oldest of all."""
        ...


class JournalFeed(Protocol):
    """Opens a journal to follow it. For one thread at a time."""

    @property
    def name(self) -> str:
        """What it is called in messages."""
        ...

    def exists(self) -> bool:
        """Whether there may be a journal to read."""
        ...

    def open(self) -> AbstractContextManager[CallbackFeed]:
        """The journal as it is now. Raises JournalError."""
        ...

    def close(self) -> None:
        """Close what is kept open."""
        ...
