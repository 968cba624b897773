"""Flows straight from a repository's objects: no checkout, no index, nothing written. Git itself
reads them, in one process that stays.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from flowengine.limits import MAX_PROJECT_FILES
from flowengine.model.folder import PARTS, UNPRINTABLE, counts, shown
from flowengine.releases.batch import Batch, Ended, Object, complaint

_TREE, _LINK, _SUBMODULE = "40000", "120000", "160000"
_ODD = {_TREE: "a folder", _LINK: "a symbolic link", _SUBMODULE: "a submodule"}
PARTLY = (
    "{} is missing from {}, which was cloned partly: git fetch --refetch --no-filter brings all"
)


class GitError(Exception):
    """A repository, a ref or a path that cannot be read; the message says which and what to do."""


class NotThereError(GitError):
    """Nothing has this name."""


class Commit(msgspec.Struct, frozen=True):
    """One commit. `message` is the whole text; `author` as git writes it, `Name <address>`."""

    id: str
    tree: str
    author: str
    message: str

    @property
    def title(self) -> str:
        return self.message.partition("\n")[0]


class Entry(NamedTuple):
    """One name in a tree."""

    mode: str
    name: str
    id: str


class Repository:
    """A repository, bare or with a working tree, that is read again and again: contents that have
    been read are not read twice.

    Refs are looked up anew each time, so a push or a commit shows at once. For one thread at a
    time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._batch: Batch | None = None
        self._read: list[tuple[int, int]] = []
        self._contents: dict[str, bytes] = {}

    def commit(self, ref: str) -> Commit:
        """The commit that a branch, tag or id names now. Raises GitError."""
        if not ref or ref.startswith("-") or not ref.isprintable():
            raise GitError(f"{ref!r} is not the name of a commit")
        self._renew()
        for name in (f"refs/heads/{ref}", ref):  # git itself would take a tag of that name
            with suppress(NotThereError):
                found = self._object(f"{name}^{{commit}}", ref)
                return parsed(found.id, found.content)
        raise self._without(ref)

    def files(self, commit: Commit, folder: str = "") -> dict[str, bytes]:
        """The YAML files of the project in a folder of the commit, as `model.folder` picks them
        from a disk. Raises GitError.
        """
        ids = dict(self._listed(commit, plain(folder)))
        if len(ids) > MAX_PROJECT_FILES:
            raise GitError(
                f"{folder or 'the repository'} has more than {MAX_PROJECT_FILES} files of flows"
            )
        self._contents = {
            item: self._contents.get(item) or self._blob(name, item) for name, item in ids.items()
        }
        return {name: self._contents[item] for name, item in ids.items()}

    def close(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            batch.close()

    def _renew(self) -> None:
        """A process of git stays in the folder where it began, which may lie elsewhere by now and
        another one in its place.
        """
        if (now := list(identities(self.path))) != self._read:
            self.close()
            self._read = now

    def _listed(self, commit: Commit, folder: str) -> Iterator[tuple[str, str]]:
        for entry in self._top(commit, folder):
            if entry.mode == _TREE and entry.name in PARTS:
                yield from (
                    (f"{entry.name}/{inner.name}", inner.id)
                    for inner in self._tree(entry.id, PARTLY.format(entry.name, self.path))
                    if is_flow(inner)
                )
            elif is_flow(entry):
                yield entry.name, entry.id

    def _top(self, commit: Commit, folder: str) -> list[Entry]:
        if not folder:
            return self._tree(commit.tree, PARTLY.format("the top folder", self.path))
        try:
            return self._tree(
                f"{commit.id}:{folder}",
                f"commit {commit.id[:12]} of {self.path} has no folder {folder}",
            )
        except NotThereError:
            if self._is_submodule(commit, folder):
                raise GitError(
                    f"{folder} of {self.path} is a submodule: serve its own repository instead"
                ) from None
            raise

    def _is_submodule(self, commit: Commit, folder: str) -> bool:
        above, _, last = folder.rpartition("/")
        with suppress(GitError):
            return any(
                (entry.mode, entry.name) == (_SUBMODULE, last)
                for entry in self._tree(f"{commit.id}:{above}", "")
            )
        return False

    def _tree(self, name: str, otherwise: str) -> list[Entry]:
        found = self._object(name, otherwise)
        if found.kind != "tree":
            raise GitError(f"{name} of {self.path} is a {found.kind}, not a folder")
        return list(entries(found.content, len(found.id) // 2))

    def _blob(self, name: str, item: str) -> bytes:
        return self._object(item, PARTLY.format(name, self.path)).content

    def _object(self, name: str, otherwise: str) -> Object:
        """An object. A process that has died is started again, once."""
        for _ in range(2):
            try:
                self._batch = self._batch or Batch(self.path)
                found = self._batch.ask(name)
            except Ended as ended:
                self.close()
                raise GitError(f"{name} of {self.path} cannot be read: {ended}") from ended
            except OSError:
                self.close()
            else:
                if found is None:
                    raise NotThereError(otherwise)
                return found
        why = complaint(self.path)
        raise GitError(f"git cannot read {self.path}: {why}" if why else otherwise)

    def _without(self, ref: str) -> GitError:
        """What to do about a ref that is not here."""
        cure = f"; the clone is shallow: {fetching(ref)}" if shallow(self.path) else ""
        with suppress(GitError):
            self._object(f"refs/remotes/origin/{ref}^{{commit}}", ref)
            cure = f", but origin/{ref}"
        return GitError(f"{self.path} has no commit {ref}{cure}")


def identities(repository: Path) -> Iterator[tuple[int, int]]:
    for folder in (repository, repository / ".git"):
        with suppress(OSError):
            found = folder.stat()
            yield found.st_dev, found.st_ino


def shallow(repository: Path) -> bool:
    return any((repository / folder / "shallow").is_file() for folder in ("", ".git"))


def fetching(ref: str) -> str:
    """How a shallow clone, such as those of pipelines, gets what it lacks.

    >>> fetching("origin/main")
    'git fetch --depth=1 origin main:refs/remotes/origin/main brings it, as origin/main'
    """
    name = ref.removeprefix("origin/")
    if any(mark in name for mark in "~^@"):
        return "git fetch --unshallow brings what came before"
    return (
        f"git fetch --depth=1 origin {name}:refs/remotes/origin/{name} brings it, as origin/{name}"
    )


def plain(folder: str) -> str:
    """A folder as git wants it: nothing for the top of the repository.

    >>> plain("./flows/"), plain(".")
    ('flows', '')
    """
    return "/".join(part for part in folder.split("/") if part not in ("", "."))


def parsed(name: str, content: bytes) -> Commit:
    """A commit from its object: headers, an empty line, the message."""
    head, _, message = content.decode(errors="replace").partition("\n\n")
    headers = dict(line.split(" ", 1) for line in reversed(head.splitlines()) if " " in line)
    return Commit(name, headers["tree"], headers["author"].rsplit(" ", 2)[0], message.strip())


def entries(content: bytes, digest: int) -> Iterator[Entry]:
    """The entries of a tree object; ids have `digest` bytes."""
    rest = content
    while rest:
        mode, _, rest = rest.partition(b" ")
        name, _, rest = rest.partition(b"\0")
        yield Entry(mode.decode(), name.decode(errors="surrogateescape"), rest[:digest].hex())
        rest = rest[digest:]


def is_flow(entry: Entry) -> bool:
    """Whether an entry is a file of the project. Raises GitError where it should be one, and is
    not.
    """
    if not counts(entry.name) and entry.name not in PARTS:
        return False
    if entry.mode in _ODD:
        raise GitError(
            f"{shown(entry.name)} is {_ODD[entry.mode]}: flows served from git must be files"
        )
    if entry.name in PARTS:  # a file of that name, which a folder of the disk passes over, too
        return False
    if not entry.name.isprintable():
        raise GitError(f"{shown(entry.name)} {UNPRINTABLE}")
    return True
