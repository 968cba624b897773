"""A position in an open document: what stands there."""

import re

import msgspec
from lsprotocol.types import Position, Range
from pygls.workspace import PositionCodec

from flowengine.lsp.cursor import TextCursor, find_cursor
from flowengine.lsp.name_index import NameUse
from flowengine.lsp.project_view import ProjectView
from flowengine.lsp.text_positions import TextPositions
from flowengine.source import Document, KeyPath

_WORD_END = re.compile(r"[\w-]*\Z")


class OpenView(msgspec.Struct, frozen=True):
    """A position in a file of a project."""

    view: ProjectView
    positions: TextPositions
    offset: int

    @classmethod
    def at_position(cls, view: ProjectView, position: Position, codec: PositionCodec) -> "OpenView":
        positions = TextPositions(view.session.get_text(view.file), codec)
        return cls(view, positions, positions.to_offset(position))

    def get_document(self) -> Document | None:
        """The document, where its text of now can be read."""
        read = self.view.session.read_file(self.view.file)
        return read.document if read and read.is_current else None

    def find_name(self) -> NameUse | None:
        """The name that stands here."""
        read = self.view.session.read_file(self.view.file)
        names = read.names if read and read.is_current else ()
        found = [use for use in names if use.start <= self.offset <= use.end and use.end]
        # a definition says most of what it is the name of
        return min(found, key=lambda use: not use.is_definition, default=None)

    def find_key(self) -> tuple[KeyPath, Range] | None:
        """The path of the key that stands here."""
        document = self.get_document()
        for path, (start, end) in document.keys.items() if document else ():
            if start <= self.offset <= end:
                return path, self.positions.to_range(start, end)
        return None

    def find_cursor(self) -> TextCursor:
        position = self.positions.split_offset(self.offset)
        return find_cursor(self.positions.list_lines(), *position)

    def get_word_range(self) -> Range:
        """The part of a name before the position, which a completion replaces."""
        line, column = self.positions.split_offset(self.offset)
        before = self.positions.get_line(line)[:column]
        found = _WORD_END.search(before)
        start = self.offset - (len(found[0]) if found else 0)
        return self.positions.to_range(start, self.offset)

    def get_text_behind(self) -> str:
        """The rest of the line."""
        line, column = self.positions.split_offset(self.offset)
        return self.positions.get_line(line)[column:]
