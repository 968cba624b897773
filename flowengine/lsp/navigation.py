"""Where names are defined and used, what a file holds, and the edits that rename a name."""

import re
from collections.abc import Iterator
from typing import Final

from lsprotocol.types import (
    DocumentSymbol,
    Location,
    Range,
    SymbolKind,
    TextEdit,
    WorkspaceEdit,
)
from pygls.workspace import PositionCodec

from flowengine.lsp.name_index import NameUse, Symbol
from flowengine.lsp.open_view import OpenView
from flowengine.lsp.project_session import ProjectSession
from flowengine.lsp.text_positions import TextPositions
from flowengine.source import Document, KeyPath

_RENAMED_KINDS: Final = frozenset({"state", "variable"})
_NEW_NAME: Final = re.compile(r"(?!(?:repeat|back)$)[a-z][a-z0-9_]{0,39}")
_SYMBOL_KINDS: Final = {
    "flow": SymbolKind.Module,
    "state": SymbolKind.Method,
    "variable": SymbolKind.Variable,
    "scenario": SymbolKind.Event,
    "message": SymbolKind.String,
    "service": SymbolKind.Interface,
    "secret": SymbolKind.Key,
    "calendar": SymbolKind.Object,
    "group": SymbolKind.Object,
    "table": SymbolKind.Array,
}


class RenameError(Exception):
    """A name that cannot be changed, in words for its author."""


def find_definitions(place: OpenView, codec: PositionCodec) -> list[Location]:
    """Where the name at a place is defined."""
    use = place.find_name()
    if use is None:
        return []
    return [
        locate(place.view.session, file, document, other, codec)
        for file, document, other in list_uses(place.view.session, use.symbol)
        if other.is_definition
    ]


def find_references(
    place: OpenView, codec: PositionCodec, *, with_definition: bool
) -> list[Location]:
    """Everywhere the name at a place stands."""
    use = place.find_name()
    if use is None:
        return []
    return [
        locate(place.view.session, file, document, other, codec)
        for file, document, other in list_uses(place.view.session, use.symbol)
        if (with_definition or not other.is_definition) and other.end
    ]


def list_uses(session: ProjectSession, symbol: Symbol) -> Iterator[tuple[str, Document, NameUse]]:
    """All uses of a name, over all files. A calendar or table may be a file of this name."""
    for file, read in session.read_files_with(symbol).items():
        for use in read.names:
            if use.symbol == symbol and use.end:
                yield file, read.document, use
    for name in session.list_files():
        own = name.rpartition("/")[2].rsplit(".", 1)[0]
        if own == symbol.name and (read_own := session.read_file(name)):
            for use in read_own.names:
                if use.symbol == symbol and not use.end:
                    yield name, read_own.document, use


def locate(
    session: ProjectSession, file: str, document: Document, use: NameUse, codec: PositionCodec
) -> Location:
    positions = TextPositions(document.text, codec)
    return Location(session.get_uri(file), positions.to_range(use.start, use.end))


def rename(place: OpenView, new_name: str, codec: PositionCodec) -> WorkspaceEdit:
    """The edits that give a state or a variable another name, over all files. Raises RenameError."""
    use = place.find_name()
    session = place.view.session
    if use is None or use.symbol.kind not in _RENAMED_KINDS:
        raise RenameError("only states and variables can be renamed here")
    if not _NEW_NAME.fullmatch(new_name):
        raise RenameError("names are small letters, digits and _, such as ask_account")
    if new_name in place.view.list_names(use.symbol.kind, use.symbol.flow):
        raise RenameError(f"there is a {use.symbol.kind} {new_name} already")
    if use.symbol.kind == "variable":
        _refuse_messages(place, use.symbol)
    changes: dict[str, list[TextEdit]] = {}
    for file, read in session.read_files_with(use.symbol).items():
        if not read.is_current:
            raise RenameError(f"{file} cannot be read just now: mend it first")
        edits = _list_edits(read.document, read.names, use.symbol, new_name, codec)
        if edits:
            changes[session.get_uri(file)] = edits
    return WorkspaceEdit(changes=changes)


def get_renamed_range(place: OpenView) -> Range | None:
    """The characters of a name that can be changed."""
    use = place.find_name()
    if use is None or use.symbol.kind not in _RENAMED_KINDS:
        return None
    return place.positions.to_range(use.start, use.end)


def _list_edits(
    document: Document,
    names: tuple[NameUse, ...],
    symbol: Symbol,
    new_name: str,
    codec: PositionCodec,
) -> list[TextEdit]:
    positions = TextPositions(document.text, codec)
    return [
        TextEdit(positions.to_range(use.start, use.end), new_name)
        for use in names
        if use.symbol == symbol
    ]


def _refuse_messages(place: OpenView, symbol: Symbol) -> None:
    """A message may be said by several flows, so that no name in it belongs to one alone."""
    pattern = re.compile(rf"\bvars\.{symbol.name}\b")
    for name, texts in place.view.list_names("message", "").items():
        if pattern.search(str(texts)):
            raise RenameError(f"the message {name} reads vars.{symbol.name}: change it by hand")


def list_document_symbols(
    session: ProjectSession, file: str, codec: PositionCodec
) -> list[DocumentSymbol]:
    """What a file defines, as far as it can be, or could be, read."""
    read = session.read_file(file)
    if read is None:
        return []
    positions = TextPositions(read.document.text, codec)
    return [
        DocumentSymbol(
            use.symbol.name,
            _SYMBOL_KINDS.get(use.symbol.kind, SymbolKind.Object),
            positions.to_range(*_get_whole_range(read.document, use)),
            positions.to_range(use.start, use.end),
            detail=_get_title(read.document, use.path),
        )
        for use in read.names
        if use.is_definition and use.end and use.symbol.kind in _SYMBOL_KINDS
    ]


def _get_whole_range(document: Document, use: NameUse) -> tuple[int, int]:
    """A key with its value."""
    _, end = document.values.get(use.path, (use.start, use.end))
    return use.start, max(use.end, end)


def _get_title(document: Document, path: KeyPath) -> str | None:
    title = document.data.get("title") if path == ("flow",) else None
    return title if isinstance(title, str) else None
