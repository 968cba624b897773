"""Copies what calls need from a deleted or replaced file to its successor: the connection still has
the old file.
"""

import sqlite3

from flowengine.limits import CALL_KEPT_SECONDS
from flowengine.storage.sessions.common_endings import NO_ENDING, WHOLE_ANSWER
from flowengine.storage.sessions.sqlite_orchestrations import copy_orchestrations

_ROWS_PER_TRANSACTION = 200  # rows per transaction: others cannot write for some milliseconds
_RECENTLY_ENDED_SECONDS = 60.0  # the platform may deliver the end of a call again
_LIVE_CALLS_QUERY = (
    f"SELECT id, counter, state, digest, {WHOLE_ANSWER}, claimed, release, expires, {NO_ENDING} "  # noqa: S608
    "FROM calls "
    "WHERE expires >= ? AND (release != '' OR expires >= ?)"
)
_COPY_CLAIM = "INSERT OR IGNORE INTO claims (id, digest, deadline) VALUES (?, ?, ?)"
_COPY_REPORT = (
    "INSERT OR IGNORE INTO outbox (id, content, tries, expires, due) VALUES (?, ?, ?, ?, ?)"
)


def copy_live_rows(
    old: sqlite3.Connection, new: sqlite3.Connection, save: str, now: float, *, since: float = 0.0
) -> None:
    """Copy orchestrations, and all calls in progress or those that were saved since then. A newer row in the new file
    stays. Other workers copy the same rows, before or after this one.
    """
    lately = now + CALL_KEPT_SECONDS - _RECENTLY_ENDED_SECONDS
    rows = old.execute(_LIVE_CALLS_QUERY, (max(now, since + CALL_KEPT_SECONDS), lately)).fetchall()
    for start in range(0, len(rows), _ROWS_PER_TRANSACTION):
        with new:
            new.execute("BEGIN IMMEDIATE")
            new.executemany(save, rows[start : start + _ROWS_PER_TRANSACTION])
    with new:
        new.execute("BEGIN IMMEDIATE")
        new.executemany(
            _COPY_CLAIM,
            old.execute(
                "SELECT id, digest, deadline FROM claims WHERE deadline > ?", (now,)
            ).fetchall(),
        )
        new.executemany(
            _COPY_REPORT,
            old.execute("SELECT id, content, tries, expires, due FROM outbox").fetchall(),
        )
        copy_orchestrations(old, new, now)
