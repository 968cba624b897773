"""The quick way to read a file: its data alone. Most files have nothing that needs to be told, and
nobody asks for the places in them.
"""

import re
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import yaml
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from flowengine.limits import MAX_DEPTH, MAX_NODES
from flowengine.source.document import Document, DroppablePositions
from flowengine.source.document_loader import read_positions
from flowengine.source.source_text import SourceText
from flowengine.source.yaml_scalars import resolve_scalar

_COMMENT_BEHIND_VALUE: Final = re.compile(r"[^\s#][ \t]+#")
_HASH_KEY: Final = re.compile(r"#[ \t]*:")
# names and prompts that many flows have are in memory once; Python 3.12 would never free them, and
# an editor reads a prompt anew with each key that is pressed in it
_intern_value: Final = sys.intern if sys.version_info[:2] != (3, 12) else str


class UnusualDocumentError(Exception):
    """The file has something that only the full loader knows of."""


def read_plain_document(text: SourceText) -> Document | None:
    """The document of a file that has nothing to report and no null in words. None for any other
    file: the full loader reads it.
    """
    # no more values than half as many characters
    if (
        len(text.text) > MAX_NODES // 2
        or _COMMENT_BEHIND_VALUE.search(text.text)
        or _HASH_KEY.search(text.text)
    ):
        return None
    try:
        data = _PlainLoader(text.text).load()
    except (yaml.YAMLError, UnusualDocumentError):
        return None
    positions = DroppablePositions(None, partial(read_positions, text))
    return Document(text, data, positions, is_plain=True)


class _PlainLoader:
    """Events to data. It reads no further than the first value that is unusual or too deep, so that
    hostile files take no longer than they do without it.
    """

    def __init__(self, text: str) -> None:
        self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event

    def load(self) -> dict[str, Any]:
        self._next()  # the start of the stream
        start = self._next()
        if start.__class__ is not DocumentStartEvent or start.version or start.tags:
            raise UnusualDocumentError
        root = self._next()
        if root.__class__ is not MappingStartEvent:
            raise UnusualDocumentError
        data: dict[str, Any] = self._load_collection(root, 1)
        ends = (self._next().__class__, self._next().__class__)
        if ends != (DocumentEndEvent, StreamEndEvent):
            raise UnusualDocumentError
        return data

    def _load_collection(self, start: Any, depth: int) -> Any:
        if start.anchor is not None or start.tag is not None or depth > MAX_DEPTH:
            raise UnusualDocumentError
        return (
            self._load_mapping(depth)
            if start.__class__ is MappingStartEvent
            else self._load_sequence(depth)
        )

    def _load_mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        read, intern = self._next, sys.intern
        while (key := read()).__class__ is ScalarEvent:
            name = intern(key.value)  # the same few words in thousands of states
            if (
                name in found
                or key.anchor is not None
                or key.tag is not None
                or (not key.style and name in ("", "<<"))
                or name.endswith("\n")
            ):
                raise UnusualDocumentError
            event = read()
            found[name] = (
                _load_scalar(event)
                if event.__class__ is ScalarEvent
                else self._load_nested(event, depth)
            )
        if key.__class__ is not MappingEndEvent:
            raise UnusualDocumentError
        return found

    def _load_sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        read = self._next
        while (event := read()).__class__ is not SequenceEndEvent:
            items.append(
                _load_scalar(event)
                if event.__class__ is ScalarEvent
                else self._load_nested(event, depth)
            )
        return items

    def _load_nested(self, event: Any, depth: int) -> Any:
        if event.__class__ is not MappingStartEvent and event.__class__ is not SequenceStartEvent:
            raise UnusualDocumentError
        return self._load_collection(event, depth + 1)


def _load_scalar(event: Any) -> Any:
    if event.tag is not None or event.anchor is not None:
        raise UnusualDocumentError
    text = _intern_value(event.value)
    if event.style or not event.implicit[0]:
        # a schema judges a line break at the end, the typed model does not
        if text.endswith("\n"):
            raise UnusualDocumentError
        return text
    value = resolve_scalar(text)
    if value is None and text:
        raise UnusualDocumentError
    return value
