"""What an editor can ask about a document."""

from collections.abc import Callable
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from flowengine.lsp.code_actions import build_code_actions
from flowengine.lsp.completion import Completer
from flowengine.lsp.formatting import list_formatting_edits
from flowengine.lsp.hover import build_hover
from flowengine.lsp.navigation import (
    find_definitions,
    find_references,
    get_renamed_range,
    list_document_symbols,
    rename,
)
from flowengine.lsp.open_projects import OpenProjects
from flowengine.lsp.open_view import OpenView
from flowengine.lsp.project_view import ProjectView
from flowengine.lsp.renaming import RenameError

TRIGGERS = types.CompletionOptions(trigger_characters=[".", " ", "{", "[", ":"])
FIXES = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
# the editor shows its user why
REFUSED = types.LSPErrorCodes.RequestFailed.value
RENAMES = types.RenameOptions(prepare_provider=True)


class EditorFeatures:
    """Answers requests by the projects that are open."""

    def __init__(self, projects: OpenProjects) -> None:
        self._projects = projects

    def list_handlers(self) -> dict[str, tuple[Callable[[Any], Any], Any]]:
        """Each request, with the function that answers it and its options."""
        return {
            types.TEXT_DOCUMENT_COMPLETION: (self.complete, TRIGGERS),
            types.TEXT_DOCUMENT_HOVER: (self.hover, None),
            types.TEXT_DOCUMENT_DEFINITION: (self.find_definition, None),
            types.TEXT_DOCUMENT_REFERENCES: (self.find_references, None),
            types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (self.list_symbols, None),
            types.TEXT_DOCUMENT_PREPARE_RENAME: (self.prepare_rename, None),
            types.TEXT_DOCUMENT_RENAME: (self.rename, RENAMES),
            types.TEXT_DOCUMENT_FORMATTING: (self.format, None),
            types.TEXT_DOCUMENT_CODE_ACTION: (self.list_code_actions, FIXES),
        }

    def complete(self, params: types.CompletionParams) -> list[types.CompletionItem] | None:
        place = self._find_place(params.text_document, params.position)
        if place is None:
            return None
        has_colon = place.get_text_behind().lstrip().startswith(":")
        return Completer(
            place.view, place.find_cursor(), place.get_word_range(), has_colon
        ).complete()

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        place = self._find_place(params.text_document, params.position)
        return await build_hover(place) if place else None

    def find_definition(self, params: types.DefinitionParams) -> list[types.Location] | None:
        place = self._find_place(params.text_document, params.position)
        return find_definitions(place, self._projects.codec) if place else None

    def find_references(self, params: types.ReferenceParams) -> list[types.Location] | None:
        place = self._find_place(params.text_document, params.position)
        with_definition = params.context.include_declaration
        return (
            find_references(place, self._projects.codec, with_definition=with_definition)
            if place
            else None
        )

    def list_symbols(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol] | None:
        file = self._projects.find_file(params.text_document.uri)
        return (
            list_document_symbols(file.session, file.name, self._projects.codec) if file else None
        )

    def prepare_rename(self, params: types.PrepareRenameParams) -> types.Range | None:
        place = self._find_place(params.text_document, params.position)
        return get_renamed_range(place) if place else None

    def rename(self, params: types.RenameParams) -> types.WorkspaceEdit | None:
        place = self._find_place(params.text_document, params.position)
        try:
            return (
                rename(
                    place,
                    params.new_name,
                    self._projects.codec,
                    can_move_files=self._projects.can_move_files,
                )
                if place
                else None
            )
        except RenameError as error:
            raise JsonRpcException(str(error), REFUSED) from error

    def format(self, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        file = self._projects.find_file(params.text_document.uri)
        if file is None:
            return None
        return list_formatting_edits(file.session.get_text(file.name), file.name)

    def list_code_actions(self, params: types.CodeActionParams) -> list[types.CodeAction] | None:
        place = self._find_place(params.text_document, params.range.start)
        if place is None:
            return None
        return build_code_actions(
            params.text_document.uri, params.context.diagnostics, place.positions
        )

    def _find_place(
        self, document: types.TextDocumentIdentifier, position: types.Position
    ) -> OpenView | None:
        file = self._projects.find_file(document.uri)
        if file is None:
            return None
        view = ProjectView(file.checker, file.name)
        return OpenView.at_position(view, position, self._projects.codec)
