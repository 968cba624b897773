"""The endings that many answers have in common, such as a menu, stand in the file once. A commit
writes whole pages, so short rows make it write fewer.
"""

import sqlite3
import time
from collections.abc import Callable
from hashlib import blake2b

from flowengine.storage.bounded_entries import put_bounded

_ACTION_START = b'"action":'  # an answer ends with its action, which is often the author's alone
_MIN_ENDING_BYTES = 500  # a shorter ending may stand with every call
_MAX_KNOWN_ENDINGS = 1000
_NUMBER_BYTES = 7  # of a digest; a row number of SQLite has eight with its sign
# An ending outlives its latest call by this, so that it is written anew once in this time only.
_EXTRA_SECONDS = 3600.0
NO_ENDING = 0
_UPGRADE_MARK = -1  # in place of the number of an ending
_WHOLE_SECONDS = 86_400.0

ENDING_TABLES = (
    "CREATE TABLE endings (number INTEGER PRIMARY KEY, expires REAL NOT NULL, content BLOB NOT NULL)",
    f"ALTER TABLE calls ADD COLUMN ending INTEGER NOT NULL DEFAULT {NO_ENDING}",
)
# Workers of the version before go on with an upgraded file until they are replaced. They know nothing
# of endings, so all workers keep answers whole until the time of this row.
MARK_UPGRADE = f"""INSERT INTO endings (number, expires, content)
    VALUES ({_UPGRADE_MARK}, strftime('%s', 'now') + {_WHOLE_SECONDS}, x'')"""  # noqa: S608  # constants
_FIND_UPGRADE = f"SELECT expires FROM endings WHERE number = {_UPGRADE_MARK}"  # noqa: S608
# In place of the column `answer`: the whole answer, or an empty one where its ending is missing.
WHOLE_ANSWER = f"""CASE ending WHEN {NO_ENDING} THEN answer ELSE coalesce(CAST(answer ||
    (SELECT content FROM endings WHERE number = ending) AS BLOB), x'') END"""  # noqa: S608  # constants
DROP_ENDINGS = "DELETE FROM endings WHERE expires <= ?"
_WRITE_ENDING = (
    "INSERT INTO endings (number, expires, content) VALUES (?, ?, ?) "
    "ON CONFLICT (number) DO UPDATE SET expires = max(expires, excluded.expires)"
)


class CommonEndings:
    """The endings that this process has written to a file."""

    def __init__(
        self, connection: sqlite3.Connection, clock: Callable[[], float] = time.time
    ) -> None:
        self._execute = connection.execute
        self._clock = clock
        self._may_be_shared = True  # with workers of the version before
        self._written: dict[bytes, tuple[int, float]] = {}
        self._seen_once: dict[int, None] = {}

    def split_answer(self, answer: bytes, expires: float) -> tuple[bytes, int]:
        """The answer as the row of its call has it, and the number of its ending. Writes the ending
        in the present transaction, where the file may lack it. An ending that comes for the first
        time stays in the row: it may be that of one caller.
        """
        if len(answer) < _MIN_ENDING_BYTES:
            return answer, NO_ENDING
        start = answer.find(_ACTION_START)
        if start < 0 or len(answer) - start < _MIN_ENDING_BYTES:
            return answer, NO_ENDING
        if self._may_be_shared and self._is_newly_upgraded():
            return answer, NO_ENDING
        ending = answer[start:]
        number, until = self._written.get(ending, (NO_ENDING, 0.0))
        if until < expires:
            number = self._write(ending, expires + _EXTRA_SECONDS)
        return (answer if number == NO_ENDING else answer[:start]), number

    def clear(self) -> None:
        """Forget what was written, after a rollback."""
        self._written.clear()

    def _is_newly_upgraded(self) -> bool:
        row = self._execute(_FIND_UPGRADE).fetchone()
        self._may_be_shared = row is not None and self._clock() < row[0]
        return self._may_be_shared

    def _write(self, ending: bytes, until: float) -> int:
        digest = blake2b(ending, digest_size=_NUMBER_BYTES).digest()
        number = int.from_bytes(digest) or 1  # 0 is for none
        if ending not in self._written and number not in self._seen_once:
            put_bounded(self._seen_once, number, None, _MAX_KNOWN_ENDINGS)
            return NO_ENDING
        self._execute(_WRITE_ENDING, (number, until, bytearray(ending)))
        put_bounded(self._written, ending, (number, until), _MAX_KNOWN_ENDINGS)
        return number
