"""Writes finished calls to files that other programs read: CSV, and Parquet by pyarrow."""

import csv
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from flowengine.journal.call_export import FinishedCall
from flowengine.journal.journal_error import JournalError

ROWS_PER_GROUP = 20_000  # of a Parquet file: so many calls are in memory at once
EXPORT_COLUMNS = FinishedCall.__struct_fields__
TIME_COLUMNS = ("began", "ended")
NO_PYARROW = (
    'Parquet needs pyarrow: pip install "flowengine[parquet]", or name a file that ends in .csv'
)
# What a spreadsheet may run as a formula, also behind blanks and in the wide letters of East Asia.
# A number, masked or not, may begin with a sign.
_FORMULA_PATTERN = re.compile(r"(?![+-][\d*]+\Z)\s*[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]")
WriteCalls = Callable[[Path, Iterable[FinishedCall]], int]


def find_export_writer(path: Path) -> WriteCalls | None:
    """What writes a file with this ending; None where nothing does."""
    return {".csv": write_csv, ".parquet": write_parquet}.get(path.suffix.lower())


def export_calls(path: Path, calls: Iterable[FinishedCall], write: WriteCalls) -> int:
    """Write the calls to a file that only its owner can read, whole or not at all; how many there
    are. Raises JournalError or OSError.
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        count = write(part, calls)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count


def write_csv(path: Path, calls: Iterable[FinishedCall]) -> int:
    """Write CSV with a line of names. Times are UTC, by ISO 8601."""
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(EXPORT_COLUMNS)
        for call in calls:
            values = msgspec.structs.asdict(call)
            values |= {name: format_moment(values[name]) for name in TIME_COLUMNS}
            writer.writerow(quote_formula(value) for value in values.values())
            count += 1
    return count


def format_moment(at: float) -> str:
    """A moment as text, in UTC.

    >>> format_moment(1795000000.25)
    '2026-11-18T11:06:40.250Z'
    """
    text = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def quote_formula(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: callers choose names of their own.

    >>> quote_formula("=1+1"), quote_formula("+1+1"), quote_formula("+46701234567")
    ("'=1+1", "'+1+1", '+46701234567')
    """
    return f"'{value}" if isinstance(value, str) and _FORMULA_PATTERN.match(value) else value


def write_parquet(path: Path, calls: Iterable[FinishedCall]) -> int:
    """Write Parquet; times are milliseconds in UTC. Raises JournalError without pyarrow."""
    try:
        import pyarrow as pa  # noqa: PLC0415  # its size is not everybody's
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError as error:
        raise JournalError(NO_PYARROW) from error
    types = {str: pa.string(), int: pa.int64(), float: pa.timestamp("ms", tz="UTC")}
    fields = msgspec.structs.fields(FinishedCall)
    schema = pa.schema(
        [pa.field(field.name, types[field.type], nullable=False) for field in fields]
    )
    count, waiting = 0, iter(calls)
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(waiting, ROWS_PER_GROUP)):
            columns = [
                [round(getattr(call, field.name) * 1000) for call in group]
                if field.type is float
                else [getattr(call, field.name) for call in group]
                for field in fields
            ]
            writer.write_table(pa.table(columns, schema=schema))
            count += len(group)
    return count
