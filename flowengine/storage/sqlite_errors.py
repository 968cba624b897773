"""What errors of SQLite mean, and what to do about them."""

import sqlite3


class SchemaVersionError(sqlite3.DatabaseError):
    """The file is of another kind, or of a version that is not known here."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"its version is {version}")


def is_busy(error: BaseException) -> bool:
    """Whether another connection is writing, so that it may be tried again."""
    return (
        isinstance(error, sqlite3.OperationalError)
        and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    )


def suggest_remedy(error: Exception, lost: str) -> str:
    """What to do about a file that cannot be used, to be said after the reason; `lost` is what
    stands in it and nowhere else.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"; move the file away, then one is made anew: what is lost then is {lost}"
    if code in (
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    ) or isinstance(error, OSError):
        return "; the file must be one, and the user of the server must be allowed to write it and its folder"
    return ""
