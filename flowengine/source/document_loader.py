"""Events to data and places. Recursion is safe: the event stream bounds the depth."""

import re
import sys
from collections.abc import Iterator
from functools import partial
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

from flowengine.problems import quote_value
from flowengine.source.accidental_comments import report_swallowed_text
from flowengine.source.document import (
    Document,
    DroppablePositions,
    KeyPath,
    OffsetRange,
    Positions,
)
from flowengine.source.intended_values import read_meant_value
from flowengine.source.source_text import ProblemCollector, SourceText
from flowengine.source.yaml_events import get_offsets, parse_events
from flowengine.source.yaml_scalars import resolve_scalar

_GOES_ON: Final = re.compile(r"[=!<>&|+*/%?.\[-]|in\b")


class DocumentLoader:
    def __init__(self, text: SourceText, findings: ProblemCollector, base: int = 0) -> None:
        self._text = text
        self._findings = findings
        self._base_offset = base
        self._events: Iterator[Event] = parse_events(text, base, findings)
        self._values: dict[KeyPath, OffsetRange] = {}
        self._keys: dict[KeyPath, OffsetRange] = {}
        self._broken: set[KeyPath] = set()
        self.multiline_ranges: list[
            OffsetRange
        ] = []  # text over several lines, where # and : mean nothing

    def load(self) -> Document | None:
        """The first document of the file, None when there is nothing in it."""
        if self._find_next_document() is None:
            return None
        data = self._load_node(next(self._events), ())
        if (second := self._find_next_document()) is not None:
            start, _ = get_offsets(second, self._base_offset)
            self._findings.add(
                "FE109",
                start,
                start + 3,
                "a second document begins here",
                "put it into a file of its own",
            )
        known = Positions(self._values, self._keys)
        positions = DroppablePositions(known, partial(read_positions, self._text))
        return Document(self._text, data, positions, frozenset(self._broken))

    def _find_next_document(self) -> Event | None:
        return next(
            (event for event in self._events if isinstance(event, DocumentStartEvent)), None
        )

    def _load_node(self, event: Event, path: KeyPath) -> Any:
        if isinstance(event, ScalarEvent):
            return self._load_scalar(event, path)
        if isinstance(event, MappingStartEvent):
            return self._load_mapping(event, path)
        if isinstance(event, SequenceStartEvent):
            return self._load_sequence(event, path)
        self._values[path] = self._get_offsets(event)
        self._broken.add(path)
        return None

    def _load_scalar(self, event: ScalarEvent, path: KeyPath) -> Any:
        start, end = self._values[path] = self._get_offsets(event)
        if event.tag is not None:
            self._broken.add(path)
            if _GOES_ON.match(event.value):  # a condition is checked as it was meant
                return read_meant_value(self._text, start)
        if "\n" in self._text.text[start:end]:
            self.multiline_ranges.append((start, end))
        if event.style or not event.implicit[0]:
            return event.value
        value = resolve_scalar(event.value)
        if isinstance(value, str):
            report_swallowed_text(self._text, start, end, self._findings)
        return value

    def _load_sequence(self, event: SequenceStartEvent, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(item := next(self._events), SequenceEndEvent):
            items.append(self._load_node(item, (*path, len(items))))
        self._record_range(event, item, path, (*path, len(items) - 1))
        return items

    def _load_mapping(self, event: MappingStartEvent, path: KeyPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        last = path
        while not isinstance(key := next(self._events), MappingEndEvent):
            name = self._load_key(key, path, found)
            value = next(self._events)
            if name is None:
                self._skip_node(value)
            else:
                last = (*path, name)
                found[name] = self._load_node(value, last)
        self._record_range(event, key, path, last)
        return found

    def _record_range(
        self, start: CollectionStartEvent, end: Event, path: KeyPath, last: KeyPath
    ) -> None:
        """The mark behind a block is where the next thing begins; the block itself ends with its
        last value.
        """
        first, _ = get_offsets(start, self._base_offset)
        inner = self._values.get(last, (first, first + 1))[1] if last != path else first + 1
        self._values[path] = (
            first,
            get_offsets(end, self._base_offset)[1] if start.flow_style else inner,
        )

    def _load_key(self, event: Event, path: KeyPath, found: dict[str, Any]) -> str | None:
        """The name, or None when the key is of no use (and has been reported)."""
        start, end = self._get_offsets(event)
        if not isinstance(event, ScalarEvent):
            self._skip_node(event)
            if not isinstance(event, AliasEvent):
                self._report_complex_key(event, start, end, path)
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
        # the same few words in thousands of states
        return self._register_key(sys.intern(event.value), (start, end), path, found)

    def _register_key(
        self, name: str, stretch: OffsetRange, path: KeyPath, found: dict[str, Any]
    ) -> str | None:
        if name in found:
            line = self._text.get_position(self._keys[(*path, name)][0])[0]
            cure = f"it is on line {line} already: keep one of the two"
            self._findings.add(
                "FE110", *stretch, f"the key {quote_value(name)} is here twice", cure
            )
            return None
        self._keys[(*path, name)] = stretch
        return name

    def _report_complex_key(self, event: Event, start: int, end: int, path: KeyPath) -> None:
        if isinstance(event, MappingStartEvent) and self._text.text[start - 1 : start + 1] == "{{":
            self._broken.add(path)
            inside = (
                self._text.text[start + 1 : self._text.find_line_end(start)].split("}")[0].strip()
            )
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

    def _skip_node(self, event: Event) -> None:
        depth = int(isinstance(event, CollectionStartEvent))
        while depth:
            event = next(self._events)
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)

    def _get_offsets(self, event: Event) -> OffsetRange:
        start, end = get_offsets(event, self._base_offset)
        return start, start + len(self._text.text[start:end].rstrip())


def read_positions(text: SourceText) -> Positions:
    """The positions of a document that could be read before."""
    document = DocumentLoader(text, ProblemCollector(text)).load()
    assert document is not None  # noqa: S101  # it was read from the same text
    return document.positions.get()
