"""What an editor tells: documents that are opened, changed, saved and closed, and files on disk."""

from collections.abc import Callable
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from flowengine.lsp.open_projects import OpenProjects

WATCHED_FILES = "**/*.{yaml,yml}"


class DocumentEvents:
    """Hands on what the editor tells. `is_shut_down` says that it has ended in order."""

    def __init__(self, server: LanguageServer, projects: OpenProjects) -> None:
        self.is_shut_down = False
        self._server = server
        self._projects = projects

    def list_handlers(self) -> dict[str, Callable[[Any], None]]:
        """Each notification, with the function that takes it."""
        return {
            types.INITIALIZED: self.start_watching,
            types.SHUTDOWN: self.note_shutdown,
            types.TEXT_DOCUMENT_DID_OPEN: self.open_document,
            types.TEXT_DOCUMENT_DID_CHANGE: self.change_document,
            types.TEXT_DOCUMENT_DID_SAVE: self.save_document,
            types.TEXT_DOCUMENT_DID_CLOSE: self.close_document,
            types.WORKSPACE_DID_CHANGE_WATCHED_FILES: self.note_disk_change,
        }

    def start_watching(self, _: types.InitializedParams) -> None:
        """Ask the editor to tell of changes on disk, if it can."""
        workspace = self._server.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace else None
        if watching and watching.dynamic_registration:
            self._projects.is_watching = True
            self._server.client_register_capability(build_watch_registration())

    def note_shutdown(self, _: None) -> None:
        self.is_shut_down = True

    def open_document(self, params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        self._projects.set_document(document.uri, document.text, document.version)

    def change_document(self, params: types.DidChangeTextDocumentParams) -> None:
        changed = params.text_document
        document = self._server.workspace.get_text_document(changed.uri)
        self._projects.set_document(changed.uri, document.source, changed.version)

    def save_document(self, params: types.DidSaveTextDocumentParams) -> None:
        self._projects.save_document(params.text_document.uri)

    def close_document(self, params: types.DidCloseTextDocumentParams) -> None:
        self._projects.close_document(params.text_document.uri)

    def note_disk_change(self, _: types.DidChangeWatchedFilesParams) -> None:
        self._projects.note_disk_change()


def build_watch_registration() -> types.RegistrationParams:
    options = types.DidChangeWatchedFilesRegistrationOptions(
        [types.FileSystemWatcher(WATCHED_FILES)]
    )
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    return types.RegistrationParams([types.Registration("flows", method, options)])
