"""Connections to a PostgreSQL server, and the tables on it: what the session store and the archive
of releases have in common there.
"""

from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict

_SCHEMA = (
    "flowengine"  # of our own, so that our tables may stand beside those of others in one database
)
_CONNECT_SECONDS = 2

# A machine that is gone without a word is noticed by either side within some seconds: what it had
# locked is free then.
_SERVER = "-c tcp_keepalives_idle=4 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"
_CLIENT = {
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}


def parameters(address: str, patience: float) -> dict[str, Any]:
    """What to connect with. No statement takes longer than `patience`, in seconds. Raises
    psycopg.Error for a bad address.
    """
    given = conninfo_to_dict(address)
    options = f"-c search_path={_SCHEMA} -c statement_timeout={round(patience * 1000)} {_SERVER} {given.pop('options', '')}"
    return {
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": "flowengine",
        **_CLIENT,
        **given,
        "options": options.strip(),
    }


def connect(address: str, patience: float) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection that commits each statement. Raises psycopg.Error."""
    return psycopg.connect(**parameters(address, patience), autocommit=True)


def ensure(
    connection: psycopg.Connection[Any], part: str, version: int, tables: Sequence[LiteralString]
) -> None:
    """Make the tables of a part where there are none yet. Raises psycopg.Error, also where they are
    of another version.
    """
    with connection.transaction():
        connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('flowengine'))"
        )  # machines that start together
        (made,) = connection.execute(
            "SELECT to_regclass('flowengine.parts') IS NOT NULL"
        ).fetchone() or (False,)
        if not made:  # asked first, as whoever may use the tables need not be allowed to make any
            connection.execute("CREATE SCHEMA IF NOT EXISTS flowengine")
            connection.execute(
                "CREATE TABLE parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"
            )
        found = connection.execute("SELECT version FROM parts WHERE name = %s", (part,)).fetchone()
        if found is None:
            for statement in tables:
                connection.execute(statement)
            connection.execute("INSERT INTO parts VALUES (%s, %s)", (part, version))
        elif found != (version,):
            raise psycopg.NotSupportedError(
                f"its {part} are of version {found[0]}, not {version}: name another database"
            )
