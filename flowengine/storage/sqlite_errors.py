"""The meaning of SQLite errors, and what an operator can do about them."""

import sqlite3


class SchemaVersionError(sqlite3.DatabaseError):
    """The file is of another kind, or of a version that this server does not know."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"its version is {version}")


def is_busy(error: BaseException) -> bool:
    """Whether another connection is writing, so that the caller may retry."""
    return (
        isinstance(error, sqlite3.OperationalError)
        and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    )


def suggest_remedy(error: Exception, lost: str) -> str:
    """What an operator can do about a file that cannot be used, for the end of an error message.
    `lost` names the data that only this file has.
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
    if code == sqlite3.SQLITE_IOERR:
        return "; the disk may be full, or fail"
    return ""
