"""Makes rows of callbacks, by the releases that answered them."""

import logging
from collections.abc import Callable, Mapping, Sequence

from flowengine.compile import Release
from flowengine.journal.journal_encryption import JournalEncryption, draw_nonces
from flowengine.journal.journal_row import JournalRecord, JournalRow, build_row

log = logging.getLogger(__name__)
RowCounter = Callable[[str, int], None]
"""Told of rows that were `kept`, `lost` or `dropped`, and how many"""


class RowBuilder:
    """`release` finds the release that a callback was answered by, or the current one where this
    worker does not have it.
    """

    def __init__(
        self,
        release: Callable[[str], Release],
        encryption: JournalEncryption | None,
        counted: RowCounter,
    ) -> None:
        self._find_release = release
        self._encryption = encryption
        self._count_rows = counted
        self._lost: list[tuple[str, Exception]] = []

    def build_rows(
        self, batch: Sequence[JournalRecord], releases: Mapping[str, Release] | None = None
    ) -> list[JournalRow]:
        """The rows of these callbacks, by these releases where they are given; without those that
        cannot be made. A batch that could not be written is built again, so what was noted as lost
        is forgotten.
        """
        self._lost.clear()
        rows, known, encryption = list[JournalRow](), dict(releases or {}), self._encryption
        for noted, nonce in zip(batch, draw_nonces(len(batch)), strict=True):
            try:
                name = noted.record.release
                release = known.get(name)
                if release is None:
                    release = known[name] = self._find_release(name)
                rows.append(build_row(noted, release, encryption, nonce))
            except Exception as error:  # noqa: BLE001  # one row that cannot be made must not cost the others
                self.note_lost(noted.record.event.call_id, error)
        return rows

    def note_lost(self, call: str, error: Exception) -> None:
        """Note a callback that has no row, until it is known whether the others are written."""
        self._lost.append((call, error))

    def report_lost(self) -> None:
        """Log and count the callbacks that have no row, once the others are written."""
        for call, error in self._lost:
            log.error("a callback of call %s is not in the call journal", call, exc_info=error)
            self._count_rows("lost", 1)
        self._lost.clear()
