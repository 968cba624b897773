"""Events to data and places. Recursion is safe: the event stream bounds the depth."""

import re
from collections.abc import Iterator
from typing import Any, Final

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from flowengine.problems import quoted
from flowengine.source.comments import swallowed
from flowengine.source.document import Document, Path, Stretch
from flowengine.source.events import events, stretch
from flowengine.source.meant import meant_value
from flowengine.source.scalars import resolve
from flowengine.source.text import Findings, Text

_GOES_ON: Final = re.compile(r"[=!<>&|+*/%?.\[-]|in\b")


class Loader:
    def __init__(self, text: Text, findings: Findings, base: int = 0) -> None:
        self._text = text
        self._findings = findings
        self._base = base
        self._events: Iterator[Event] = events(text, base, findings)
        self._values: dict[Path, Stretch] = {}
        self._keys: dict[Path, Stretch] = {}
        self._broken: set[Path] = set()
        self.blocks: list[Stretch] = []  # text over several lines, where # and : mean nothing

    def load(self) -> Document | None:
        """The first document of the file, None when there is nothing in it."""
        if self._next_document() is None:
            return None
        data = self._node(next(self._events), ())
        if (second := self._next_document()) is not None:
            start, _ = stretch(second, self._base)
            self._findings.add(
                "FE109",
                start,
                start + 3,
                "a second document begins here",
                "put it into a file of its own",
            )
        return Document(self._text, data, self._values, self._keys, frozenset(self._broken))

    def _next_document(self) -> Event | None:
        return next(
            (event for event in self._events if isinstance(event, DocumentStartEvent)), None
        )

    def _node(self, event: Event, path: Path) -> Any:
        if isinstance(event, ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, MappingStartEvent):
            return self._mapping(event, path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(event, path)
        self._values[path] = self._stretch(event)
        self._broken.add(path)
        return None

    def _scalar(self, event: ScalarEvent, path: Path) -> Any:
        start, end = self._values[path] = self._stretch(event)
        if event.tag is not None:
            self._broken.add(path)
            if _GOES_ON.match(event.value):  # a condition is checked as it was meant
                return meant_value(self._text, start)
        if "\n" in self._text.text[start:end]:
            self.blocks.append((start, end))
        if event.style or not event.implicit[0]:
            return event.value
        value = resolve(event.value)
        if isinstance(value, str):
            swallowed(self._text, start, end, self._findings)
        return value

    def _sequence(self, event: SequenceStartEvent, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(item := next(self._events), SequenceEndEvent):
            items.append(self._node(item, (*path, len(items))))
        self._close(event, item, path, (*path, len(items) - 1))
        return items

    def _mapping(self, event: MappingStartEvent, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        last = path
        while not isinstance(key := next(self._events), MappingEndEvent):
            name = self._key(key, path, found)
            value = next(self._events)
            if name is None:
                self._skip(value)
            else:
                last = (*path, name)
                found[name] = self._node(value, last)
        self._close(event, key, path, last)
        return found

    def _close(self, start: CollectionStartEvent, end: Event, path: Path, last: Path) -> None:
        """The mark behind a block is where the next thing begins; the block itself ends with its
        last value.
        """
        first, _ = stretch(start, self._base)
        inner = self._values.get(last, (first, first + 1))[1] if last != path else first + 1
        self._values[path] = (first, stretch(end, self._base)[1] if start.flow_style else inner)

    def _key(self, event: Event, path: Path, found: dict[str, Any]) -> str | None:
        """The name, or None when the key is of no use (and has been reported)."""
        start, end = self._stretch(event)
        if not isinstance(event, ScalarEvent):
            self._skip(event)
            if not isinstance(event, AliasEvent):
                self._refuse_complex(event, start, end, path)
            return None
        plain = not event.style
        if plain and event.value == "<<":
            cure = "write the keys out, or put what many states share into defaults"
            self._findings.add(
                "FE114", start, end, 'flows do not use the YAML merge key "<<"', cure
            )
            return None
        if plain and not event.value:
            self._findings.add("FE118", start, end, "a key is missing before the colon")
            return None
        return self._named(event.value, (start, end), path, found)

    def _named(self, name: str, stretch: Stretch, path: Path, found: dict[str, Any]) -> str | None:
        if name in found:
            line = self._text.place(self._keys[(*path, name)][0])[0]
            cure = f"it is on line {line} already: keep one of the two"
            self._findings.add("FE110", *stretch, f"the key {quoted(name)} is here twice", cure)
            return None
        self._keys[(*path, name)] = stretch
        return name

    def _refuse_complex(self, event: Event, start: int, end: int, path: Path) -> None:
        if isinstance(event, MappingStartEvent) and self._text.text[start - 1 : start + 1] == "{{":
            self._broken.add(path)
            inside = self._text.text[start + 1 : self._text.line_end(start)].split("}")[0].strip()
            self._findings.add(
                "FE116", start - 1, start + 1, "{{ }} means nothing here", f"write ${{{inside}}}"
            )
        else:
            what = "a list" if isinstance(event, SequenceStartEvent) else "a group of keys"
            self._findings.add(
                "FE115",
                start,
                end,
                f"{what} cannot be a key",
                "a key is a word or a number; put quotes around text",
            )

    def _skip(self, event: Event) -> None:
        depth = int(isinstance(event, CollectionStartEvent))
        while depth:
            event = next(self._events)
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)

    def _stretch(self, event: Event) -> Stretch:
        start, end = stretch(event, self._base)
        return start, start + len(self._text.text[start:end].rstrip())
