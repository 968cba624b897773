"""Dictionaries that hold a bounded number of entries: the oldest of too many is forgotten."""

from typing import TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


def put_bounded(entries: dict[KeyT, ValueT], key: KeyT, value: ValueT, limit: int) -> None:
    """Set an entry. A new one takes the place of the oldest where there are `limit` already.

    >>> entries = {"a": 1, "b": 2}
    >>> put_bounded(entries, "c", 3, limit=2)
    >>> entries
    {'b': 2, 'c': 3}
    """
    if key not in entries and len(entries) >= limit:
        del entries[next(iter(entries))]
    entries[key] = value
