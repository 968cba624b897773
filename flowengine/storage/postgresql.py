"""Connections to a PostgreSQL server and its tables, for the session store, the archive of releases
and the call journal.
"""

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

from flowengine.storage.sessions.store_url import find_address_fault

_CONNECT_SECONDS = 2

# Both sides notice within some seconds that the other machine has vanished; the server then frees
# its locks.
_KEEPALIVE_SETTINGS = {
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}
# Set in the session and not as `options` of its start, which poolers refuse. The limit of a
# statement, in milliseconds.
SESSION_SETTINGS_QUERY: LiteralString = (
    "SELECT set_config('statement_timeout', %s::text, false), "
    "set_config('tcp_keepalives_idle', '4', false), "
    "set_config('tcp_keepalives_interval', '2', false), "
    "set_config('tcp_keepalives_count', '3', false)"
)


def build_connection_parameters(address: str) -> dict[str, Any]:
    """The parameters of a connection. Raises psycopg.Error for a bad address."""
    if fault := find_address_fault(address):
        raise psycopg.ProgrammingError(fault)
    return {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "flowengine",
        **_KEEPALIVE_SETTINGS,
        **conninfo_to_dict(address),
    }


def connect(address: str, patience: float) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a connection that commits each statement. A statement takes at most `patience` seconds.
    Raises psycopg.Error.
    """
    connection = psycopg.connect(**build_connection_parameters(address), autocommit=True)
    try:
        connection.execute(SESSION_SETTINGS_QUERY, (round(patience * 1000),))
    except BaseException:
        connection.close()
        raise
    return connection


async def connect_async(address: str, patience: float) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """Open the same connection for an event loop."""
    connection = await psycopg.AsyncConnection.connect(
        **build_connection_parameters(address), autocommit=True
    )
    try:
        await connection.execute(SESSION_SETTINGS_QUERY, (round(patience * 1000),))
    except BaseException:
        await connection.close()
        raise
    return connection


def ensure_tables(
    connection: psycopg.Connection[Any], part: str, version: int, tables: Sequence[LiteralString]
) -> None:
    """Create the tables of a part where they do not exist. Raises psycopg.Error, also where they
    have another version.
    """
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('flowengine'))"
        )  # machines that start together create the tables together
        if not has_parts(connection):
            # looked for first: a role that may use the schema need not be allowed to create any
            # The tables have a schema of their own, so that they can share a database with others.
            # Every name is qualified by it: a pooler reuses sessions, and the search_path of the
            # database or the role stays as it is.
            connection.execute("CREATE SCHEMA IF NOT EXISTS flowengine")
            connection.execute(
                "CREATE TABLE flowengine.parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
        found = read_versions(connection).get(part)
        if found is None:
            for statement in tables:
                connection.execute(statement)
            connection.execute("INSERT INTO flowengine.parts VALUES (%s, %s)", (part, version))
        elif found != version:
            raise psycopg.NotSupportedError(describe_version(part, found, version))


def has_parts(connection: psycopg.Connection[Any]) -> bool:
    """Whether flowengine has used this database. Raises psycopg.Error."""
    query = "SELECT to_regclass('flowengine.parts') IS NOT NULL"
    return connection.execute(query).fetchone() == (True,)


def read_versions(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """The versions of the parts that have tables. Raises psycopg.Error."""
    if not has_parts(connection):
        return {}
    return dict(connection.execute("SELECT name, version FROM flowengine.parts").fetchall())


def describe_version(part: str, found: int, version: int) -> str:
    """Why tables of another version are not used, and what to do."""
    cure = (
        "a newer flowengine has upgraded them: install that version again, or name another database"
        if found > version
        else "name another database"
    )
    return f"its part {part} has version {found}, not {version}: {cure}"
