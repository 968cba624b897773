"""The versions of a project that pages compare: the files as they are now, and archived releases."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import closing
from threading import Lock
from typing import NamedTuple

from flowengine.compile import CompileResult, compile_project
from flowengine.console.console_context import ConsoleContext
from flowengine.diff import ProjectDifference, compare_projects
from flowengine.environment import VARIABLES
from flowengine.releases.archive import Archive
from flowengine.releases.ledger import Ledger
from flowengine.releases.release_overview import format_role

WORKING_VERSION = "now"  # no release has such an id
MAX_COMPILED_VERSIONS = 4
MAX_LISTED_VERSIONS = 50


class VersionChoice(NamedTuple):
    """A version to choose. `made` is in seconds since 1970, 0 for the files as they are now; `role`
    is what a release is for callers, such as `current`.
    """

    name: str
    title: str
    role: str = ""
    made: float = 0.0


WORKING_CHOICE = VersionChoice(WORKING_VERSION, "the files as they are now")


class UnknownVersionError(LookupError):
    """No release has this id."""


class FlowVersions:
    """Versions by name, compiled when they are asked for. Its functions take their time: call them
    in a thread.
    """

    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._lock = Lock()
        self._compiled: OrderedDict[str, CompileResult] = OrderedDict()

    def list_choices(self) -> list[VersionChoice]:
        """The files as they are now, then releases, the newest first."""
        return [WORKING_CHOICE, *self._list_releases()]

    def find_default_old(self) -> str:
        """What the files are compared with unless somebody says so: the live release."""
        releases = list(self._list_releases())
        live = [one.name for one in releases if "current" in one.role]
        return next(iter([*live, *(one.name for one in releases)]), "")

    def compare(self, old: str, new: str) -> tuple[ProjectDifference, CompileResult, CompileResult]:
        """What changed between two versions. Raises UnknownVersionError or
        ArchiveError.
        """
        before, after = self.load(old), self.load(new)
        return compare_projects(before, after), before, after

    def load(self, name: str) -> CompileResult:
        """The compiled version. Raises UnknownVersionError."""
        if name == WORKING_VERSION:
            working = self._context.project.latest.compiled
            if working is None:
                raise UnknownVersionError("the files cannot be read")
            return working
        with self._lock:
            if name not in self._compiled:
                self._compiled[name] = self._compile_release(name)
                if len(self._compiled) > MAX_COMPILED_VERSIONS:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(name)
            return self._compiled[name]

    def _compile_release(self, name: str) -> CompileResult:
        files = None
        if self._context.has_releases():
            with closing(Archive(self._context.settings.server.archive)) as archive:
                files = archive.load_files(name)
        if files is None:
            raise UnknownVersionError(f"no release has the id {name}")
        return compile_project(files, VARIABLES)

    def _list_releases(self) -> Iterator[VersionChoice]:
        if not self._context.has_releases():
            return
        place = self._context.settings.server.archive
        with closing(Archive(place)) as archive, closing(Ledger(place)) as ledger:
            live = ledger.get_live()
            for kept in archive.list_releases()[:MAX_LISTED_VERSIONS]:
                title = kept.origin.title or kept.origin.place
                yield VersionChoice(kept.id, title, format_role(kept, live), kept.made)
