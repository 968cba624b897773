"""The language server: messages of the editor in, answers and problems out."""

import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Any, BinaryIO, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from flowengine.lsp.open_projects import OpenProjects

log = logging.getLogger(__name__)
T = TypeVar("T")
WATCHED_FILES = "**/*.{yaml,yml}"


class FlowLanguageServer(LanguageServer):
    """Keeps the projects, and tells of its own mistakes in its log alone."""

    def __init__(self) -> None:
        # whole documents: they are small, and what counts as a line is no question then
        super().__init__(
            "flowengine",
            version("flowengine"),
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
        )
        self.projects = OpenProjects(self)
        self.is_shut_down = False

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log it; a person who writes a flow can do nothing about it."""
        log.error("%s: %s", getattr(source, "__name__", source), error)


def build_server() -> FlowLanguageServer:
    """A server with all that it can do."""
    server = FlowLanguageServer()
    projects = server.projects

    def initialized(_: types.InitializedParams) -> None:
        if can_watch_files(server.client_capabilities):
            projects.is_watching = True
            server.client_register_capability(build_watch_registration())

    def shutdown(_: None) -> None:
        server.is_shut_down = True

    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        projects.set_document(document.uri, document.text, document.version)

    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        document = server.workspace.get_text_document(params.text_document.uri)
        projects.set_document(document.uri, document.source, params.text_document.version)

    def did_save(params: types.DidSaveTextDocumentParams) -> None:
        projects.save_document(params.text_document.uri)

    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        projects.close_document(params.text_document.uri)

    def did_change_watched_files(_: types.DidChangeWatchedFilesParams) -> None:
        projects.note_disk_change()

    handlers: dict[str, Callable[[Any], Any]] = {
        types.INITIALIZED: initialized,
        types.SHUTDOWN: shutdown,
        types.TEXT_DOCUMENT_DID_OPEN: did_open,
        types.TEXT_DOCUMENT_DID_CHANGE: did_change,
        types.TEXT_DOCUMENT_DID_SAVE: did_save,
        types.TEXT_DOCUMENT_DID_CLOSE: did_close,
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES: did_change_watched_files,
    }
    for method, handler in handlers.items():
        server.feature(method)(log_errors(handler))
    return server


def log_errors(handler: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """A handler that answers with nothing where it fails: pygls would send the trace to the editor."""

    @wraps(handler)
    def handle(params: Any) -> T | None:
        try:
            return handler(params)
        except Exception:  # whatever it is, the server goes on
            log.exception("%s failed", handler.__name__)
            return None

    return handle


def can_watch_files(client: types.ClientCapabilities) -> bool:
    """Whether the editor tells of changes on disk when it is asked to."""
    workspace = client.workspace
    watching = workspace.did_change_watched_files if workspace else None
    return bool(watching and watching.dynamic_registration)


def build_watch_registration() -> types.RegistrationParams:
    options = types.DidChangeWatchedFilesRegistrationOptions(
        [types.FileSystemWatcher(WATCHED_FILES)]
    )
    method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
    return types.RegistrationParams([types.Registration("flows", method, options)])


def serve_editor() -> None:
    """Serve the editor that has started this process, until it says `exit` or closes its side."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="flowengine lsp: %(message)s"
    )
    server = build_server()
    server.start_io(sys.stdin.buffer, take_stdout())
    logging.shutdown()
    # at once: a compilation that is under way need not come to its end
    os._exit(0 if server.is_shut_down else 1)


def take_stdout() -> BinaryIO:
    """The standard output for the protocol alone: what anything prints goes to the log."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")
