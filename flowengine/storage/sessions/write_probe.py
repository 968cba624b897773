"""Checks whether the file can be written, by writing to it as a call does."""

import sqlite3
from contextlib import closing
from pathlib import Path

from flowengine.storage.sessions.session_file import SESSION_LOSS_TEXT
from flowengine.storage.sessions.store_protocol import PROBE_KEY, StoreError
from flowengine.storage.sqlite_errors import suggest_remedy
from flowengine.storage.sqlite_file import connect_existing

_WAIT_SECONDS = 2.0  # the time that a callback waits for the writer
# More than a page: a row in a half-empty page would need no new room, and so prove nothing.
_PROBE_CONTENT = bytes(16_384)


def check_writable(path: Path) -> None:
    """Write a row to each table that a call needs and delete it again, in one commit. The probe has
    a connection of its own, so that its failure does not roll back the writes of callbacks. Raises
    StoreError.
    """
    try:
        with closing(connect_existing(path, "rw", _WAIT_SECONDS)) as connection:
            # This connection keeps its automatic checkpoints: the probes of a server without calls
            # would fill the write-ahead log.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT OR REPLACE INTO calls (id, counter, state, digest, answer, claimed, expires) "
                "VALUES (?, 1, ?, '', '', 0, 0)",
                (PROBE_KEY, _PROBE_CONTENT),
            )
            connection.execute(
                "INSERT OR REPLACE INTO claims (id, digest, deadline) VALUES (?, '', 0)",
                (PROBE_KEY,),
            )
            connection.execute("DELETE FROM calls WHERE id = ?", (PROBE_KEY,))
            connection.execute("DELETE FROM claims WHERE id = ?", (PROBE_KEY,))
            connection.execute("COMMIT")
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"the session store cannot be written: {error}{suggest_remedy(error, SESSION_LOSS_TEXT)}"
        ) from error
