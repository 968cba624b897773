"""A file as data, with the place of every key and value."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flowengine.problems import Span
from flowengine.source.inner import units
from flowengine.source.text import Text

Path = tuple[str | int, ...]
Stretch = tuple[int, int]  # offsets of the first character and of the one after the last


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """`broken` names the values that have a problem already and are not to be judged again."""

    source: Text
    data: Any
    values: Mapping[Path, Stretch] = field(repr=False)
    keys: Mapping[Path, Stretch] = field(repr=False)
    broken: frozenset[Path] = frozenset()

    @property
    def file(self) -> str:
        return self.source.file

    @property
    def text(self) -> str:
        return self.source.text

    def span(self, path: Path) -> Span:
        """The value at a path; when it is missing, the nearest thing around it that exists."""
        return self.source.span(
            *next(self.values[outer] for outer in _outward(path) if outer in self.values)
        )

    def key_span(self, path: Path) -> Span:
        """The key that a path ends in; for an entry of a list, or a path that is missing, the
        nearest value or key.
        """
        for outer in _outward(path):
            if outer in self.keys:
                return self.source.span(*self.keys[outer])
            if outer in self.values and outer:
                return self.source.span(*self.values[outer])
        start, end = self.values[()]
        return self.source.span(start, min(end, self.source.line_end(start)))

    def inner(self, path: Path, start: int, length: int) -> Span:
        """The characters [start, start+length) of the text value at a path, wherever quoting,
        escapes and folding put them.
        """
        if path not in self.values or not isinstance(value := self.at(path), str):
            return self.span(path)
        first, end = self.values[path]
        found = units(self.text[first:end], value, start, length)
        return self.source.span(first + found[0], first + found[1]) if found else self.span(path)

    def raw(self, path: Path) -> str:
        """A value as it is written in the file."""
        start, end = self.values[path]
        return self.text[start:end]

    def at(self, path: Path) -> Any:
        value = self.data
        for step in path:
            value = value[step]
        return value


def _outward(path: Path) -> Iterator[Path]:
    return (path[:length] for length in range(len(path), -1, -1))
