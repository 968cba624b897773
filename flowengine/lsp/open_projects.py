"""The projects whose files are open in an editor."""

from pathlib import Path
from typing import NamedTuple

import msgspec
from lsprotocol.types import Diagnostic, PublishDiagnosticsParams, ResourceOperationKind
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path
from pygls.workspace import PositionCodec

from flowengine.lsp.diagnostics import build_diagnostics
from flowengine.lsp.project_checker import CheckedProject, ProjectChecker, WorkerThreads
from flowengine.lsp.project_session import (
    OpenDocument,
    ProjectSession,
    find_project_folder,
    is_file_of_flows,
)


class OpenFile(NamedTuple):
    """A file of a project that is open."""

    checker: ProjectChecker
    name: str

    @property
    def session(self) -> ProjectSession:
        return self.checker.session


class OpenProjects(msgspec.Struct):
    """Finds the project of each document, has it checked, and publishes what was found.
    `is_watching` says that the editor tells of changes on disk.
    """

    server: LanguageServer
    is_watching: bool = False
    _checkers: dict[Path, ProjectChecker] = msgspec.field(default_factory=dict)
    _published: dict[Path, dict[str, list[Diagnostic]]] = msgspec.field(default_factory=dict)
    _threads: WorkerThreads = msgspec.field(default_factory=WorkerThreads)

    @property
    def codec(self) -> PositionCodec:
        """How the editor counts columns."""
        return self.server.workspace.position_codec

    @property
    def can_move_files(self) -> bool:
        """Whether the editor can move a file as part of an edit."""
        workspace = self.server.client_capabilities.workspace
        edits = workspace.workspace_edit if workspace else None
        known = edits.resource_operations if edits else None
        return ResourceOperationKind.Rename in (known or ())

    def find_file(self, uri: str) -> OpenFile | None:
        """The file of an open document; None for documents of other programs."""
        path = _get_path(uri)
        if path is None:
            return None
        folder = find_project_folder(path)
        checker = self._checkers.get(folder)
        if checker is None:
            return None
        name = checker.session.get_name(path)
        return OpenFile(checker, name) if name in checker.session.opened else None

    def set_document(self, uri: str, text: str, version: int | None) -> None:
        """Take the text of a document that was opened or changed."""
        path = _get_path(uri)
        if path is None:
            return
        folder = find_project_folder(path)
        checker = self._checkers.get(folder) or ProjectChecker(
            ProjectSession(folder), self._threads, self.publish
        )
        self._checkers[folder] = checker
        name = checker.session.get_name(path)
        checker.session.opened[name] = OpenDocument(uri, text, version)
        self._note_change(checker)

    def save_document(self, uri: str) -> None:
        if file := self.find_file(uri):
            file.session.forget_disk()
            self._note_change(file.checker)

    def close_document(self, uri: str) -> None:
        """Go back to the file on disk. A project without an open document is closed."""
        file = self.find_file(uri)
        if file is None:
            return
        session = file.session
        del session.opened[file.name]
        session.forget_disk()
        if session.opened:
            self._note_change(file.checker)
            return
        file.checker.stop()
        del self._checkers[session.folder]
        for name in self._published.pop(session.folder, {}):
            self._send(session.get_uri(name), [], None)

    def note_disk_change(self) -> None:
        """Look at the files of all projects again."""
        for checker in self._checkers.values():
            checker.session.forget_disk()
            self._note_change(checker)

    def publish(self, checked: CheckedProject, checker: ProjectChecker) -> None:
        """Tell the editor of the problems of each file, as far as it has not been told."""
        session, snapshot = checker.session, checked.snapshot
        found = build_diagnostics(
            checked.problems,
            {**snapshot.files, **snapshot.scenarios},
            session.opened,
            self.codec,
        )
        before = self._published.get(session.folder, {})
        self._published[session.folder] = found
        for name in {**dict.fromkeys(session.opened), **found, **before}:
            # an open document has a version, so it is told again that it has no problems
            if found.get(name) != before.get(name) or name in session.opened:
                self._send(session.get_uri(name), found.get(name, []), snapshot.versions.get(name))

    def _note_change(self, checker: ProjectChecker) -> None:
        if not self.is_watching:
            checker.session.forget_disk()
        checker.note_change()

    def _send(self, uri: str, found: list[Diagnostic], version: int | None) -> None:
        self.server.text_document_publish_diagnostics(PublishDiagnosticsParams(uri, found, version))


def _get_path(uri: str) -> Path | None:
    """Where the file of a document is, if it may be one of flows."""
    path = to_fs_path(uri)
    return Path(path) if path and is_file_of_flows(Path(path)) else None
