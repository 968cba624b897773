"""Where names are defined and used, what a file holds, and the edits that rename a name."""

from typing import Final

from lsprotocol.types import (
    DocumentSymbol,
    Location,
    OptionalVersionedTextDocumentIdentifier,
    Range,
    RenameFile,
    SymbolKind,
    TextDocumentEdit,
    TextEdit,
    WorkspaceEdit,
)
from pygls.workspace import PositionCodec

from flowengine.lsp.name_index import NameUse
from flowengine.lsp.open_view import OpenView
from flowengine.lsp.project_session import ProjectSession
from flowengine.lsp.renaming import RENAMED_KINDS, RenameError, RenamePlan, list_uses, plan_rename
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
        if (with_definition or not other.is_definition) and not other.is_file_name
    ]


def locate(
    session: ProjectSession, file: str, document: Document, use: NameUse, codec: PositionCodec
) -> Location:
    positions = TextPositions(document.text, codec)
    return Location(session.get_uri(file), positions.to_range(use.start, use.end))


def rename(
    place: OpenView, new_name: str, codec: PositionCodec, *, can_move_files: bool
) -> WorkspaceEdit:
    """The edits that give a name another one, over all files, and the moves of files with that
    name. Raises RenameError.
    """
    use = place.find_name()
    if use is None:
        raise RenameError("here is no name that can be changed")
    session = place.view.session
    plan = plan_rename(session, use.symbol, new_name)
    if not plan.moves:
        edits = {session.get_uri(file): list_edits(plan, file, codec) for file in plan.uses}
        return WorkspaceEdit(edits)
    if not can_move_files:
        (old, new), *_ = plan.moves.items()
        raise RenameError(
            f"{old} would have to become {new}, and this editor moves no files for a server: "
            f"run flowengine rename FOLDER {use.symbol.kind} {use.symbol.name} {new_name}"
        )
    return WorkspaceEdit(
        document_changes=[
            *(
                TextDocumentEdit(identify(session, file), list_edits(plan, file, codec))
                for file in plan.uses
            ),
            # last, as the edits name the files as they are now
            *(
                RenameFile(session.get_uri(old), session.get_uri(new))
                for old, new in plan.moves.items()
            ),
        ]
    )


def list_edits(plan: RenamePlan, file: str, codec: PositionCodec) -> list[TextEdit]:
    positions = TextPositions(plan.documents[file].text, codec)
    return [
        TextEdit(positions.to_range(each.start, each.end), plan.new_name)
        for each in plan.uses[file]
    ]


def identify(session: ProjectSession, file: str) -> OptionalVersionedTextDocumentIdentifier:
    """A file for an edit that is only good for this version of it."""
    document = session.opened.get(file)
    version = document.version if document else None
    return OptionalVersionedTextDocumentIdentifier(session.get_uri(file), version)


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
        if use.is_definition and not use.is_file_name and use.symbol.kind in _SYMBOL_KINDS
    ]


def _get_whole_range(document: Document, use: NameUse) -> tuple[int, int]:
    """A key with its value."""
    _, end = document.values.get(use.path, (use.start, use.end))
    return use.start, max(use.end, end)


def _get_title(document: Document, path: KeyPath) -> str | None:
    title = document.data.get("title") if path == ("flow",) else None
    return title if isinstance(title, str) else None
