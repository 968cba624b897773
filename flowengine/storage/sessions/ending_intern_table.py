"""What the answers of many calls have in common stands in the file once: a menu has kilobytes, and
is the same for every caller.
"""

import sqlite3

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.storage.sessions.intern_table import InternTable

_REFERENCE_MARK = b"\0"  # an answer begins with a brace, a sealed one with a digit
_NUMBER_BYTES = 8
_ACTION_KEY = b'"action":'
_MIN_INTERNED_BYTES = 500  # bytes; a shorter action may stand with every call
_MAX_INTERNED_ENDINGS = 1000  # that are remembered
# after this one is written anew, so that what no call needs can be dropped soon after its last call
_REWRITE_SECONDS = 3600.0
ENDING_KEPT_SECONDS = CALL_KEPT_SECONDS + 2 * _REWRITE_SECONDS


class EndingInternTable:
    """The actions with which answers end. One that comes a second time is put where all workers
    find it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._table = InternTable[bytes](_MAX_INTERNED_ENDINGS, _REWRITE_SECONDS)

    def shorten_answer(self, answer: bytes, now: float) -> bytes:
        """The answer as it is to be written, in the transaction under way."""
        if answer[:1] == _REFERENCE_MARK:
            return (
                _REFERENCE_MARK + bytes(_NUMBER_BYTES) + answer
            )  # no answer of ours; but a store keeps whatever it is given
        if (
            len(answer) < _MIN_INTERNED_BYTES
            or (at := answer.find(_ACTION_KEY)) < 0
            or len(answer) - at < _MIN_INTERNED_BYTES
        ):
            return answer
        ending = answer[at:]
        number = self._table.intern_value(ending, now, lambda: self._insert_ending(ending, now))
        return _REFERENCE_MARK + number.to_bytes(_NUMBER_BYTES) + answer[:at] if number else answer

    def restore_answer(self, written: bytes) -> bytes:
        """The very answer that was written; nothing where its ending is gone."""
        if written[:1] != _REFERENCE_MARK:
            return written
        number, start = int.from_bytes(written[1 : 1 + _NUMBER_BYTES]), written[1 + _NUMBER_BYTES :]
        if number == 0:
            return start
        found = self._execute("SELECT content FROM endings WHERE number = ?", (number,)).fetchone()
        return start + found[0] if found else b""

    def clear(self) -> None:
        """What was written was taken back."""
        self._table.clear()

    def _insert_ending(self, ending: bytes, now: float) -> int:
        return (
            self._execute(
                "INSERT INTO endings (at, content) VALUES (?, ?)", (now, ending)
            ).lastrowid
            or 0
        )
