"""What survives a restart of the switch: assigned numbers, callback URLs, call records and
recordings.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

StoredKind = Literal["number", "callbacks", "report", "recording"]
_CREATE_TABLE = (
    "CREATE TABLE IF NOT EXISTS kept (kind TEXT, name TEXT, content BLOB, PRIMARY KEY (kind, name))"
)
_UPSERT = "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET content = excluded.content"


class SwitchStore(Protocol):
    """Keeps things of a few kinds by their names."""

    def put(self, kind: StoredKind, name: str, content: bytes) -> None:
        """Keep this, in place of what was kept under the name."""

    def delete(self, kind: StoredKind, name: str) -> None:
        """Delete it."""

    def load_all(self, kind: StoredKind) -> Mapping[str, bytes]:
        """Everything of a kind, in the order in which it first came."""
        ...

    def close(self) -> None:
        """Close the file."""


class SwitchMemoryStore:
    """Keeps nothing, as a running switch has all of it in memory."""

    def put(self, kind: StoredKind, name: str, content: bytes) -> None:
        """Nothing to do."""

    def delete(self, kind: StoredKind, name: str) -> None:
        """Nothing to do."""

    def load_all(self, kind: StoredKind) -> Mapping[str, bytes]:  # noqa: ARG002
        """Nothing."""
        return {}

    def close(self) -> None:
        """Nothing to do."""


class SwitchSqliteStore:
    """Keeps everything in one file."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute(
                "PRAGMA synchronous = NORMAL"
            )  # a desk need not survive the loss of power
            self._connection.execute(_CREATE_TABLE)
        except sqlite3.Error:
            self._connection.close()
            raise

    def put(self, kind: StoredKind, name: str, content: bytes) -> None:
        """Keep this, in place of what was kept under the name."""
        self._connection.execute(_UPSERT, (kind, name, content))

    def delete(self, kind: StoredKind, name: str) -> None:
        """Delete it."""
        self._connection.execute("DELETE FROM kept WHERE kind = ? AND name = ?", (kind, name))

    def load_all(self, kind: StoredKind) -> Mapping[str, bytes]:
        """Everything of a kind, in the order in which it first came."""
        return dict(
            self._connection.execute(
                "SELECT name, content FROM kept WHERE kind = ? ORDER BY rowid", (kind,)
            ).fetchall()
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def open_store(address: str) -> SwitchStore:
    """The store at `memory` or `sqlite:PATH`. Raises OSError or sqlite3.Error where the file cannot
    be used.
    """
    kind, _, path = address.partition(":")
    return SwitchSqliteStore(Path(path)) if kind == "sqlite" else SwitchMemoryStore()
