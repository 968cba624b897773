"""The versions of what a server keeps: which it has, and which this flowengine needs."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from flowengine.journal.journal_database import JOURNAL_SCHEMA
from flowengine.operator_error import OperatorError
from flowengine.releases.archive_database import ARCHIVE_SCHEMA_VERSION
from flowengine.releases.sqlite_archive import ARCHIVE_SCHEMA
from flowengine.server.server_settings import ServerSettings
from flowengine.storage.sessions.session_file import SESSION_SCHEMA
from flowengine.storage.sessions.store_url import NO_DRIVER, is_postgresql_url, redact_password
from flowengine.storage.sqlite_file import SqliteSchema, connect_existing, open_sqlite_file

BUSY_SECONDS = 5.0


class SchemaVersionsError(OperatorError):
    """The versions cannot be read; the message says why."""


class KeptPart(NamedTuple):
    """A file, or a part of a database, with its version, and the statements from there to the version
    that is wanted; None where there is no way.
    """

    name: str
    found: int
    wanted: int
    statements: Sequence[str] | None

    @property
    def is_current(self) -> bool:
        """Whether nothing need be done."""
        return self.found == self.wanted


def list_kept_parts(settings: ServerSettings) -> list[KeptPart]:
    """What a server with these settings keeps. Raises SchemaVersionsError."""
    found = [
        read_file_version(path, schema)
        for path, schema in list_schemas(settings).items()
        if path.is_file()
    ]
    for address in list_addresses(settings):
        found += read_server_versions(address)
    return found


def upgrade_parts(settings: ServerSettings) -> None:
    """Upgrade the files that are older, as the next start of a server would; no part of a database
    has an older version yet. Raises SchemaVersionsError.
    """
    for path, schema in list_schemas(settings).items():
        if path.is_file():
            try:
                open_sqlite_file(path, schema, BUSY_SECONDS).connection.close()
            except (OSError, sqlite3.Error) as error:
                raise SchemaVersionsError(f"{path} cannot be upgraded: {error}") from error


def find_missing_store(settings: ServerSettings) -> Path | None:
    """The file of the session store, where there is none."""
    path = next(
        (path for path, schema in list_schemas(settings).items() if schema is SESSION_SCHEMA), None
    )
    return path if path is not None and not path.is_file() else None


def list_schemas(settings: ServerSettings) -> Mapping[Path, SqliteSchema]:
    """The files of a server."""
    found = {settings.store_file: SESSION_SCHEMA} if settings.store_file is not None else {}
    if isinstance(settings.archive, Path):
        found[settings.archive] = ARCHIVE_SCHEMA
    if isinstance(settings.journal_location, Path):
        found[settings.journal_location] = JOURNAL_SCHEMA
    return found


def list_addresses(settings: ServerSettings) -> Iterator[str]:
    """The databases of a server."""
    if is_postgresql_url(settings.store):
        yield settings.store
    if isinstance(settings.journal_location, str) and settings.journal_location != settings.store:
        yield settings.journal_location


def read_file_version(path: Path, schema: SqliteSchema) -> KeptPart:
    """The version of a file. Raises SchemaVersionsError."""
    try:
        with closing(connect_existing(path, "ro", BUSY_SECONDS)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise SchemaVersionsError(f"{path} cannot be read: {error}") from error
    statements = schema.upgrades.get(version) if version != schema.version else ()
    return KeptPart(str(path), version, schema.version, statements)


def read_server_versions(address: str) -> list[KeptPart]:
    """The versions of the parts of a database that has been used. Raises SchemaVersionsError."""
    try:
        import psycopg  # noqa: PLC0415  # its driver is not everybody's
    except ImportError as error:
        raise SchemaVersionsError(NO_DRIVER) from error
    from flowengine.journal.postgresql_tables import JOURNAL_TABLES_VERSION  # noqa: PLC0415
    from flowengine.storage.postgresql import connect, read_versions  # noqa: PLC0415
    from flowengine.storage.sessions.postgresql_orchestrations import (  # noqa: PLC0415
        ORCHESTRATION_TABLES_VERSION,
    )
    from flowengine.storage.sessions.postgresql_queues import (  # noqa: PLC0415
        QUEUE_TABLES_VERSION,
    )
    from flowengine.storage.sessions.postgresql_store import (  # noqa: PLC0415
        SESSION_TABLES_VERSION,
    )

    wanted = {
        "calls": SESSION_TABLES_VERSION,
        "orchestrations": ORCHESTRATION_TABLES_VERSION,
        "queues": QUEUE_TABLES_VERSION,
        "releases": ARCHIVE_SCHEMA_VERSION,
        "servers": ARCHIVE_SCHEMA_VERSION,
        "canary": ARCHIVE_SCHEMA_VERSION,
        "journal": JOURNAL_TABLES_VERSION,
    }
    try:
        with closing(connect(address, BUSY_SECONDS)) as connection:
            found = read_versions(connection)
    except psycopg.Error as error:
        raise SchemaVersionsError(f"{redact_password(address)}: {error}") from error
    return [
        KeptPart(
            f"{redact_password(address)} {part}",
            version,
            wanted[part],
            () if version == wanted[part] else None,
        )
        for part, version in sorted(found.items())
        if part in wanted
    ]
