"""The language server: messages of the editor in, answers and problems out."""

import logging
import os
import sys
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from inspect import iscoroutinefunction
from typing import Any, BinaryIO

from lsprotocol.types import TextDocumentSyncKind
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from flowengine.lsp.document_events import DocumentEvents
from flowengine.lsp.features import EditorFeatures
from flowengine.lsp.open_projects import OpenProjects

log = logging.getLogger(__name__)


class FlowLanguageServer(LanguageServer):
    """Keeps the projects, and tells of its own mistakes in its log alone."""

    def __init__(self) -> None:
        # whole documents: they are small, and what counts as a line is no question then
        super().__init__(
            "flowengine",
            version("flowengine"),
            text_document_sync_kind=TextDocumentSyncKind.Full,
        )
        self.projects = OpenProjects(self)
        self.events = DocumentEvents(self, self.projects)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log it; a person who writes a flow can do nothing about it."""
        log.error("%s: %s", getattr(source, "__name__", source), error)


def build_server() -> FlowLanguageServer:
    """A server with all that it can do."""
    server = FlowLanguageServer()
    for method, handler in server.events.list_handlers().items():
        server.feature(method)(log_errors(handler))
    for method, (answer, options) in EditorFeatures(server.projects).list_handlers().items():
        server.feature(method, options)(log_errors(answer))
    return server


def log_errors(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A handler that answers with nothing where it fails: pygls would send the trace to the editor."""

    @wraps(handler)
    def handle(params: Any) -> Any:
        try:
            return handler(params)
        except JsonRpcException:  # an answer
            raise
        except Exception:  # whatever it is, the server goes on
            log.exception("%s failed", handler.__name__)
            return None

    @wraps(handler)
    async def handle_later(params: Any) -> Any:
        try:
            return await handler(params)
        except Exception:
            log.exception("%s failed", handler.__name__)
            return None

    return handle_later if iscoroutinefunction(handler) else handle


def serve_editor() -> None:
    """Serve the editor that has started this process, until it says `exit` or closes its side."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="flowengine lsp: %(message)s"
    )
    server = build_server()
    server.start_io(sys.stdin.buffer, take_stdout())
    logging.shutdown()
    # at once: a compilation that is under way need not come to its end
    os._exit(0 if server.events.is_shut_down else 1)


def take_stdout() -> BinaryIO:
    """The standard output for the protocol alone: what anything prints goes to the log."""
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")
