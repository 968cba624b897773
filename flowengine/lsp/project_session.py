"""A project that is open in an editor: its files on disk with the open documents laid over them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from flowengine.lsp.name_index import NameUse, Symbol, list_names
from flowengine.model.project_loader import read_project_document
from flowengine.problems import Problem
from flowengine.source import Document
from flowengine.sources.project_folder import (
    PROJECT_FILE,
    PROJECT_PARTS,
    SCENARIO_FOLDER,
    ProjectFolder,
    UnreadableFilesError,
    is_flow_content,
    is_project_file,
    read_scenario_files,
)

_FOLDERS_OF_PROJECT = (*PROJECT_PARTS, SCENARIO_FOLDER)


class OpenDocument(msgspec.Struct, frozen=True):
    """A document as it is in the editor, saved or not."""

    uri: str
    text: str
    version: int | None

    @property
    def content(self) -> bytes:
        # half of a surrogate pair has no bytes; the reader says what is wrong with a `?` there
        return self.text.encode("utf-8", errors="replace")


class ProjectSnapshot(msgspec.Struct, frozen=True):
    """What a project is at one moment: its files, the scenarios that are open, and the versions of
    the open documents.
    """

    files: Mapping[str, bytes]
    scenarios: Mapping[str, bytes]
    unreadable: tuple[Problem, ...]
    versions: Mapping[str, int | None]

    def has_flows(self) -> bool:
        """Whether this is a project at all, and not a folder of other programs' files."""
        return PROJECT_FILE in self.files or any("/" not in name for name in self.files)


class ReadFile(msgspec.Struct, frozen=True):
    """A file as data, with the names in it. `is_current` says that it is the text of now, and not
    an older one that could still be read.
    """

    document: Document
    names: tuple[NameUse, ...]
    is_current: bool = True


def find_project_folder(path: Path) -> Path:
    """The folder of the project that a file belongs to."""
    folder = path.parent
    if (folder / PROJECT_FILE).is_file() or folder.name not in _FOLDERS_OF_PROJECT:
        return folder
    return folder.parent


@dataclass(slots=True)
class ProjectSession:
    """The files of one project. Names are paths in the project, such as `tables/floors.yaml`."""

    folder: Path
    opened: dict[str, OpenDocument] = field(default_factory=dict)
    _reader: ProjectFolder = field(init=False)
    _on_disk: Mapping[str, bytes] | None = None
    _scenarios_on_disk: Mapping[str, bytes] | None = None
    _unreadable: tuple[Problem, ...] = ()
    _read: dict[str, tuple[bytes, ReadFile | None]] = field(default_factory=dict)
    _last_good: dict[str, ReadFile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the folder again and again: only what has changed is opened."""
        self._reader = ProjectFolder(self.folder)

    def get_name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def forget_disk(self) -> None:
        """Have the files read again: something has changed there."""
        self._on_disk = self._scenarios_on_disk = None

    def take_snapshot(self) -> ProjectSnapshot:
        files, scenarios = dict(self._read_disk()), dict[str, bytes]()
        for name, document in self.opened.items():
            is_scenario = name.startswith(f"{SCENARIO_FOLDER}/")
            (scenarios if is_scenario else files)[name] = document.content
        if PROJECT_FILE not in files:
            files = {
                name: content
                for name, content in files.items()
                if "/" in name or is_flow_content(content)
            }
        unreadable = tuple(one for one in self._unreadable if one.span.file not in self.opened)
        versions = {name: document.version for name, document in self.opened.items()}
        return ProjectSnapshot(files, scenarios, unreadable, versions)

    def list_files(self) -> dict[str, bytes]:
        """All files with their scenarios."""
        if self._scenarios_on_disk is None:
            try:
                self._scenarios_on_disk = read_scenario_files(self.folder)
            except OSError:
                self._scenarios_on_disk = {}
        taken = self.take_snapshot()
        return {**taken.files, **self._scenarios_on_disk, **taken.scenarios}

    def read_file(self, name: str) -> ReadFile | None:
        """A file as data: as it is now, or as it was when it could last be read."""
        content = self.list_files().get(name)
        return None if content is None else self._read_content(name, content)

    def read_files_with(self, symbol: Symbol) -> dict[str, ReadFile]:
        """All files in which a name stands, together with that of its flow."""
        sought, flow = symbol.name.encode(), symbol.flow.encode()
        found = {
            name: self._read_content(name, content)
            for name, content in self.list_files().items()
            if sought in content and flow in content
        }
        return {name: read for name, read in found.items() if read}

    def get_text(self, name: str) -> str:
        """The text of a file as it is now."""
        content = self.list_files().get(name, b"")
        return content.decode("utf-8", errors="replace").removeprefix("\ufeff")

    def get_uri(self, name: str) -> str:
        document = self.opened.get(name)
        return document.uri if document else (self.folder / name).as_uri()

    def _read_disk(self) -> Mapping[str, bytes]:
        if self._on_disk is None:
            self._unreadable = ()
            try:
                self._on_disk = self._reader.read()
            except UnreadableFilesError as error:
                self._on_disk, self._unreadable = error.files, tuple(error.to_problems())
            except OSError:  # a folder that is not there yet, or no more
                self._on_disk = {}
        return self._on_disk

    def _read_content(self, name: str, content: bytes) -> ReadFile | None:
        known = self._read.get(name)
        if known is None or known[0] != content:
            document, _ = read_project_document(name, content)
            read = ReadFile(document, tuple(list_names(document))) if document else None
            known = self._read[name] = (content, read)
            if read:
                self._last_good[name] = read
        if known[1] is None and (older := self._last_good.get(name)):
            return ReadFile(older.document, older.names, is_current=False)
        return known[1]


def is_file_of_flows(path: Path) -> bool:
    """Whether a file of this name may belong to a project."""
    return is_project_file(path.name)
