"""What became of a call, as queries and the index of the console tell it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from flowengine.journal import CallFilter, open_journal_reader
from flowengine.journal.call_outcomes import (
    EARLIER_OUTCOMES,
    OUTCOMES_BY_WEIGHT,
    POSTGRESQL_WEIGHT,
    SQLITE_WEIGHT,
    WEIGHTS,
)
from flowengine.journal.indexed_call import build_kind
from tests.console.operated_line import compile_line, create_operator, write_line
from tests.journal.journal_line import press, record, ring

TRACES = [
    [],
    [["line", "main", "next"]],
    [["line", "look_up", "failed"], ["line", "agents", "connect"]],
    [["line", "look_up", "failed: the secret is not set"]],
    [["line", "main", "error"]],
    [["line", "main", 'error: "quoted"']],
    [["line", "error", "next"], ["failed", "main", "failed to"]],
    [["error", "failed", "failure"]],
    [["line", "main", 'said ","failed"]']],
    [["line", "main", 'said \\","error: ']],
]
ROWS = [
    (outcome, json.dumps(trace, separators=(",", ":")))
    for outcome in (*OUTCOMES_BY_WEIGHT, *EARLIER_OUTCOMES, "repeated")
    if outcome != "failed"
    for trace in TRACES
]


def compute_weights() -> list[int]:
    return [
        build_kind(("pie", "r", "line", "main", outcome, "", "", trace), 0).weight
        for outcome, trace in ROWS
    ]


def test_weight_in_file_is_that_of_the_index() -> None:
    with closing(sqlite3.connect(":memory:")) as file:
        query = f"SELECT {SQLITE_WEIGHT} FROM (SELECT ? AS outcome, ? AS trace, NULL AS readable)"
        assert [file.execute(query, row).fetchone()[0] for row in ROWS] == compute_weights()
    assert WEIGHTS["failed"] in compute_weights()


def test_rows_with_the_outcome_of_an_earlier_version_are_found_by_its_name_of_today(
    tmp_path: Path, postgresql: str
) -> None:
    data, file = tmp_path / "data", tmp_path / "data" / "journal.db"
    data.mkdir()
    for location in (file, postgresql):
        record(location, compile_line(), [ring("old"), press("0", "old")])
    change = "UPDATE {}dimensions SET outcome = 'unkept' WHERE event = 'pie'"
    with closing(sqlite3.connect(file)) as journal:
        assert journal.execute(change.format("")).rowcount == 1
        journal.commit()
    with psycopg.connect(postgresql) as connection:
        assert connection.execute(change.format("flowengine.journal_")).rowcount == 1
    for location in (file, postgresql):
        with closing(open_journal_reader(location)) as reader:
            (call,) = reader.list_calls(CallFilter(outcome="unsaved"))
            entries = reader.list_callbacks(call.call)
        assert call.outcome == "unsaved"
        assert [one.outcome for one in entries] == ["answered", "unsaved"]
    console = create_operator(write_line(tmp_path / "flows"), data)
    for name in ("unsaved", "unkept"):  # an address may be older than the server
        assert '/calls/old">' in console.get(f"/calls?outcome={name}").text
    assert '/calls/old">' not in console.get("/calls?outcome=answered").text


def test_weight_on_server_is_that_of_the_index(postgresql: str) -> None:
    with psycopg.connect(postgresql) as connection:
        query = f"SELECT {POSTGRESQL_WEIGHT} FROM (SELECT %s AS outcome, %s AS trace) AS row"
        found = [(connection.execute(query, row).fetchone() or (None,))[0] for row in ROWS]
    assert found == compute_weights()


@pytest.mark.parametrize("outcome", [outcome for outcome, _ in ROWS[:: len(TRACES)]])
@pytest.mark.parametrize(
    ("readable", "has_failed"),
    [
        (None, False),
        ('{"trace": ["line/look_up: next"]}', False),
        ('{"trace": ["line/look_up: failed", "line/agents: connect"]}', True),
        ('{"trace": ["line/look_up: failed: the secret is not set"]}', True),
    ],
)
def test_row_of_version_2_has_its_trace_in_what_is_readable(
    outcome: str, readable: str | None, has_failed: bool
) -> None:
    with closing(sqlite3.connect(":memory:")) as file:
        columns = "SELECT ? AS outcome, NULL AS trace, ? AS readable"
        found = file.execute(f"SELECT {SQLITE_WEIGHT} FROM ({columns})", (outcome, readable))
        weight = (
            WEIGHTS["failed"] if has_failed and outcome == "answered" else WEIGHTS.get(outcome, 0)
        )
        assert found.fetchone() == (weight,)
