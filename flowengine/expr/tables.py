"""Tables as functions: `tables.NAME.COLUMN(key)` and `tables.NAME.has(key)`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowengine.expr.functions import Overload
from flowengine.expr.types import Table, Type


def overloads(tables: Mapping[str, Table]) -> Iterator[Overload]:
    for name, table in tables.items():
        yield from _both_keys(f"tables.{name}.has", Type.BOOLEAN, table.rows.__contains__)
        for column, kind in table.columns.items():
            yield from _both_keys(
                f"tables.{name}.{column}", kind, _lookup(name, column, kind, table)
            )


def _both_keys(name: str, returns: Type, call: Callable[[str], Any]) -> Iterator[Overload]:
    """Keys are text; `tables.floors.desk(3)` means the row `3`."""
    yield Overload(name, (Type.TEXT,), returns, call)
    yield Overload(name, (Type.INTEGER,), returns, lambda key: call(str(key)))


def _lookup(name: str, column: str, kind: Type, table: Table) -> Callable[[str], Any]:
    cells = {key: _cell(row[column], kind) for key, row in table.rows.items() if column in row}
    spare = (
        [_cell(table.default[column], kind)]
        if table.default is not None and column in table.default
        else []
    )

    def lookup(key: str) -> Any:
        if key in cells:
            return cells[key]
        if spare:
            return spare[0]
        raise ValueError(f"table {name} has no {column} for {key[:40]!r}, and no default")

    return lookup


def _cell(value: Any, kind: Type) -> Any:
    return float(value) if kind is Type.DECIMAL else value
