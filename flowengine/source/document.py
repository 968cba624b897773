"""A file as data, with the place of every key and value."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from flowengine.problems import Span
from flowengine.source.source_text import SourceText
from flowengine.source.value_offsets import map_offsets

KeyPath = tuple[str | int, ...]
OffsetRange = tuple[int, int]  # offsets of the first character and of the one after the last


class Positions(NamedTuple):
    """Where the values and the keys of a document are in its text."""

    values: Mapping[KeyPath, OffsetRange]
    keys: Mapping[KeyPath, OffsetRange]


class DroppablePositions:
    """The positions of a document, which take more memory than its data. Only problems need them:
    once dropped, they are read from the text again when one asks.
    """

    __slots__ = ("_known", "_read")

    def __init__(self, known: Positions | None, read: Callable[[], Positions]) -> None:
        self._known = known
        self._read = read

    def get(self) -> Positions:
        """The positions, read again where they were dropped."""
        if self._known is None:
            self._known = self._read()
        return self._known

    def drop(self) -> None:
        """Free their memory."""
        self._known = None


class Document(msgspec.Struct, frozen=True, eq=False):
    """`broken` names the values that have a problem already and are not to be judged again;
    `is_plain` says that nothing is written for any null in it, and no text ends in a line break.
    """

    source: SourceText
    data: Any
    positions: DroppablePositions
    broken: frozenset[KeyPath] = frozenset()
    is_plain: bool = False

    @property
    def values(self) -> Mapping[KeyPath, OffsetRange]:
        return self.positions.get().values

    @property
    def keys(self) -> Mapping[KeyPath, OffsetRange]:
        return self.positions.get().keys

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def text(self) -> str:
        return self.source.text

    def find_span(self, path: KeyPath) -> Span:
        """The value at a path; when it is missing, the nearest thing around it that exists."""
        values = self.values
        return self.source.get_span(
            *next(values[outer] for outer in _iterate_enclosing(path) if outer in values)
        )

    def find_key_span(self, path: KeyPath) -> Span:
        """The key that a path ends in; for an entry of a list, or a path that is missing, the
        nearest value or key.
        """
        values, keys = self.positions.get()
        for outer in _iterate_enclosing(path):
            if outer in keys:
                return self.source.get_span(*keys[outer])
            if outer in values and outer:
                return self.source.get_span(*values[outer])
        start, end = values[()]
        return self.source.get_span(start, min(end, self.source.find_line_end(start)))

    def find_inner_span(self, path: KeyPath, start: int, length: int) -> Span:
        """The characters [start, start+length) of the text value at a path, wherever quoting,
        escapes and folding put them.
        """
        if path not in self.values or not isinstance(value := self.get_value(path), str):
            return self.find_span(path)
        first, end = self.values[path]
        found = map_offsets(self.text[first:end], value, start, length)
        return (
            self.source.get_span(first + found[0], first + found[1])
            if found
            else self.find_span(path)
        )

    def get_source_text(self, path: KeyPath) -> str:
        """A value as it is written in the file."""
        start, end = self.values[path]
        return self.text[start:end]

    def find_empty_values(self, path: KeyPath) -> Iterator[KeyPath]:
        """The values at and below a path for which nothing is written, which may be a slip; null
        is something.
        """
        value = self.get_value(path)
        if isinstance(value, (dict, list)):
            for step in value if isinstance(value, dict) else range(len(value)):
                yield from self.find_empty_values((*path, step))
        elif value is None and path not in self.broken and not self.get_source_text(path):
            yield path

    def get_value(self, path: KeyPath) -> Any:
        value = self.data
        for step in path:
            value = value[step]
        return value


def _iterate_enclosing(path: KeyPath) -> Iterator[KeyPath]:
    return (path[:length] for length in range(len(path), -1, -1))
