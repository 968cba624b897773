"""The columns of a table, and whether a row has them."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flowengine.expr import Type
from flowengine.model import TableFile

COLUMN_TYPES: tuple[tuple[type, Type], ...] = (
    # bool comes first, as True is an int in Python
    (bool, Type.BOOLEAN),
    (int, Type.INTEGER),
    (float, Type.DECIMAL),
    (str, Type.TEXT),
)


def find_usual_columns(table: TableFile) -> dict[str, Type]:
    """The columns and types that most rows have, so that a mistake in the first row is told there;
    those of the first row where as many have others.
    """
    shapes: Counter[tuple[tuple[str, Type], ...]] = Counter(
        tuple((column, find_column_type(value)) for column, value in sorted(row.items()))
        for row in table.rows.values()
    )
    usual = dict(shapes.most_common(1)[0][0])
    # in the order in which its author wrote them
    first = next(row for row in table.rows.values() if has_columns(row, usual))
    return {column: usual[column] for column in first}


def find_column_type(value: Any) -> Type:
    return next(kind for python, kind in COLUMN_TYPES if isinstance(value, python))


def has_columns(row: Mapping[str, Any], columns: Mapping[str, Type]) -> bool:
    return row.keys() == columns.keys() and all(
        has_column_type(row[column], kind) for column, kind in columns.items()
    )


def has_column_type(value: Any, kind: Type) -> bool:
    return find_column_type(value) is kind


def find_unlike_columns(row: Mapping[str, Any], columns: Mapping[str, Type]) -> list[str]:
    """The columns that a row has and the others have not, that it lacks, or that have another type
    there.
    """
    return [
        name
        for name in dict.fromkeys((*row, *columns))
        if name not in row or name not in columns or not has_column_type(row[name], columns[name])
    ]
