"""Tables as functions: `tables.NAME.COLUMN(key)` and `tables.NAME.has(key)`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flowengine.expr.functions import Overload
from flowengine.expr.types import LookupTable, Type


def build_table_overloads(tables: Mapping[str, LookupTable]) -> Iterator[Overload]:
    for name, table in tables.items():
        yield from _accept_both_key_types(
            f"tables.{name}.has", Type.BOOLEAN, table.rows.__contains__
        )
        for column, kind in table.columns.items():
            yield from _accept_both_key_types(
                f"tables.{name}.{column}", kind, _make_lookup(name, column, kind, table)
            )


def _accept_both_key_types(
    name: str, returns: Type, call: Callable[[str], Any]
) -> Iterator[Overload]:
    """Make the function accept integers, too: keys are text, and `tables.floors.desk(3)` means the
    row `3`.
    """
    yield Overload(name, (Type.TEXT,), returns, call)
    yield Overload(name, (Type.INTEGER,), returns, lambda key: call(str(key)))


def _make_lookup(name: str, column: str, kind: Type, table: LookupTable) -> Callable[[str], Any]:
    cells = {
        key: _convert_cell(row[column], kind) for key, row in table.rows.items() if column in row
    }
    spare = (
        [_convert_cell(table.default[column], kind)]
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


def _convert_cell(value: Any, kind: Type) -> Any:
    return float(value) if kind is Type.DECIMAL else value
