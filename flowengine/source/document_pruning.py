"""A document without the values that have problems, each other value still at its own place."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from flowengine.source.document import (
    Document,
    DroppablePositions,
    KeyPath,
    OffsetRange,
    Positions,
)


def prune_document(document: Document, dropped: Collection[KeyPath]) -> Document:
    """The document without the values at these paths. Entries behind a dropped entry of a list
    move up, and their places with them.
    """
    gone = frozenset(dropped)
    data = _prune_value(document.data, (), gone)

    def read() -> Positions:
        values, keys = document.positions.get()
        moved = dict(_move_paths(document.data, (), (), gone))
        return Positions(_select_ranges(values, moved), _select_ranges(keys, moved))

    broken = frozenset(path for path in document.broken if not _is_inside(path, gone))
    return replace(document, data=data, positions=DroppablePositions(read(), read), broken=broken)


def _prune_value(value: Any, path: KeyPath, gone: frozenset[KeyPath]) -> Any:
    if isinstance(value, dict):
        return {
            key: _prune_value(each, (*path, key), gone)
            for key, each in value.items()
            if (*path, key) not in gone
        }
    if isinstance(value, list):
        return [
            _prune_value(each, (*path, index), gone)
            for index, each in enumerate(value)
            if (*path, index) not in gone
        ]
    return value


def _move_paths(
    value: Any, old: KeyPath, new: KeyPath, gone: frozenset[KeyPath]
) -> Iterator[tuple[KeyPath, KeyPath]]:
    """Each path that stays, with the path that it has afterwards."""
    yield old, new
    if isinstance(value, dict):
        for key, each in value.items():
            if (*old, key) not in gone:
                yield from _move_paths(each, (*old, key), (*new, key), gone)
    elif isinstance(value, list):
        kept = (index for index in range(len(value)) if (*old, index) not in gone)
        for place, index in enumerate(kept):
            yield from _move_paths(value[index], (*old, index), (*new, place), gone)


def _select_ranges(
    ranges: Mapping[KeyPath, OffsetRange], moved: Mapping[KeyPath, KeyPath]
) -> dict[KeyPath, OffsetRange]:
    return {moved[path]: found for path, found in ranges.items() if path in moved}


def _is_inside(path: KeyPath, gone: frozenset[KeyPath]) -> bool:
    return any(path[:length] in gone for length in range(len(path) + 1))
