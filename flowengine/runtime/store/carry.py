"""Takes what calls need from a file that was taken away to the one that is in its place: the
connection still has the old one.
"""

import sqlite3

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.runtime.store.endings import Endings

_AT_ONCE = 200  # in one transaction, some milliseconds in which others cannot write
_ENDED_LATELY_SECONDS = 60.0  # the end of a call may be delivered again
_CALLS = (
    "SELECT id, counter, state, digest, answer, claimed, release, expires FROM calls "
    "WHERE expires >= ? AND (release != '' OR expires >= ?)"
)
_CLAIM = "INSERT OR IGNORE INTO claims (id, digest, deadline) VALUES (?, ?, ?)"
_LETTER = "INSERT OR IGNORE INTO outbox (id, content, tries, expires, due) VALUES (?, ?, ?, ?, ?)"


def carry(
    old: sqlite3.Connection, new: sqlite3.Connection, save: str, now: float, *, since: float = 0.0
) -> None:
    """All calls under way, or those that were saved since then; what is in the new file and later
    stays.

    Other workers do the same with the same old file, before or after.
    """
    whole, shortened = Endings(old).whole, Endings(new).shortened
    lately = now + CALL_KEPT_SECONDS - _ENDED_LATELY_SECONDS
    rows = old.execute(_CALLS, (max(now, since + CALL_KEPT_SECONDS), lately)).fetchall()
    for start in range(0, len(rows), _AT_ONCE):
        with new:
            new.execute("BEGIN IMMEDIATE")
            for row in rows[start : start + _AT_ONCE]:
                new.execute(save, (*row[:4], shortened(whole(row[4]), now), *row[5:]))
    with new:
        new.execute("BEGIN IMMEDIATE")
        new.executemany(
            _CLAIM,
            old.execute(
                "SELECT id, digest, deadline FROM claims WHERE deadline > ?", (now,)
            ).fetchall(),
        )
        new.executemany(
            _LETTER, old.execute("SELECT id, content, tries, expires, due FROM outbox").fetchall()
        )
