"""Rows of a journal as readers want them: each value in a column of its own, whichever version wrote
the row.

The name of the table `rows` is that of a temporary view, so that files of before, which readers must
not change, can be read like those of today.
"""

import sqlite3

COLUMN_OF_VERSION_2 = "shown"
_SHARED_COLUMNS = (
    "callbacks.number AS number, call, callbacks.at AS at, step, seconds, sealed, {} AS dimension"
)
# Version 2 kept 16 bytes of a digest.
_DIGEST_COLUMN = "substr(digest, 1, 8) AS digest"
_DIMENSION_COLUMNS = ("event", "release", "flow", "state", "outcome", "action", "exit", "reason")
_TEXT_COLUMN = """CASE typeof({column}) WHEN 'integer'
    THEN (SELECT content FROM texts WHERE texts.number = {column}) ELSE {column} END"""
_OLD_READABLE = "callbacks.shown"
_OLD_SAID = "coalesce((SELECT content FROM answers WHERE answers.number = callbacks.answer), callbacks.said)"


def has_rows_of_version_2(connection: sqlite3.Connection) -> bool:
    """Whether the table of callbacks has the columns of version 2, too."""
    return COLUMN_OF_VERSION_2 in _list_columns(connection)


def create_row_view(connection: sqlite3.Connection) -> None:
    """Make the view `rows` for this connection. Raises sqlite3.Error."""
    columns = _list_columns(connection)
    if "dimension" not in columns:
        view = _build_view_of_version_2()
    elif COLUMN_OF_VERSION_2 in columns:
        view = _build_mixed_view()
    else:
        view = _build_view()
    connection.execute("PRAGMA temp_store = MEMORY")  # readers leave no ids of calls on a disk
    connection.execute(f"CREATE TEMP VIEW rows AS {view}")


def _list_columns(connection: sqlite3.Connection) -> list[str]:
    return [row[1] for row in connection.execute("PRAGMA table_info(callbacks)")]


def _build_view() -> str:
    dimension = ", ".join(f"dimensions.{name} AS {name}" for name in _DIMENSION_COLUMNS)
    # LEFT, as SQLite must not begin with the dimensions: callbacks are found by call or time
    return f"""SELECT {_SHARED_COLUMNS.format("callbacks.dimension")}, {_DIGEST_COLUMN}, {dimension}, trace, micros, own,
        {_TEXT_COLUMN.format(column="readable")} AS readable, {_TEXT_COLUMN.format(column="answered")} AS said
        FROM callbacks LEFT JOIN dimensions ON dimensions.number = callbacks.dimension"""  # noqa: S608


def _build_mixed_view() -> str:
    dimension = ", ".join(
        f"coalesce(dimensions.{name}, callbacks.{name}) AS {name}" for name in _DIMENSION_COLUMNS
    )
    readable, said = (_TEXT_COLUMN.format(column=column) for column in ("readable", "answered"))
    return f"""SELECT {_SHARED_COLUMNS.format("callbacks.dimension")}, {_DIGEST_COLUMN}, {dimension}, trace, micros, own,
        CASE WHEN callbacks.dimension IS NULL THEN {_OLD_READABLE} ELSE {readable} END AS readable,
        CASE WHEN callbacks.dimension IS NULL THEN {_OLD_SAID} ELSE {said} END AS said
        FROM callbacks LEFT JOIN dimensions ON dimensions.number = callbacks.dimension"""  # noqa: S608


def _build_view_of_version_2() -> str:
    return f"""SELECT {_SHARED_COLUMNS.format("NULL")}, {_DIGEST_COLUMN}, {", ".join(_DIMENSION_COLUMNS)},
        NULL AS trace, NULL AS micros, NULL AS own, {_OLD_READABLE} AS readable, {_OLD_SAID} AS said
        FROM callbacks"""  # noqa: S608
