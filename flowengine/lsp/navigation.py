"""Where names are defined and used, what a file holds, and the edits that rename a name."""

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
from flowengine.lsp.renaming import RENAMED_KINDS, RenameError, plan_rename
from flowengine.lsp.text_positions import TextPositions
from flowengine.source import Document, KeyPath

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
    """The edits that give a name another one, over all files. Raises RenameError."""
    use = place.find_name()
    if use is None:
        raise RenameError("here is no name that can be changed")
    session = place.view.session
    plan = plan_rename(session, use.symbol, new_name)
    changes: dict[str, list[TextEdit]] = {}
    for file, uses in plan.uses.items():
        positions = TextPositions(plan.documents[file].text, codec)
        changes[session.get_uri(file)] = [
            TextEdit(positions.to_range(each.start, each.end), new_name) for each in uses
        ]
    return WorkspaceEdit(changes=changes)


def get_renamed_range(place: OpenView) -> Range | None:
    """The characters of a name that can be changed."""
    use = place.find_name()
    if use is None or use.symbol.kind not in RENAMED_KINDS:
        return None
    return place.positions.to_range(use.start, use.end)


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
