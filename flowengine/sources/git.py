"""Flows straight from a repository's objects: no checkout, no index, nothing written. Git itself
reads them, in one process that stays.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from flowengine.cooperative import pause_if_due
from flowengine.limits import MAX_PROJECT_FILES
from flowengine.operator_error import OperatorError
from flowengine.sources.git_cat_file import (
    GitCatFile,
    GitObject,
    GitStoppedError,
    diagnose_repository,
)
from flowengine.sources.project_folder import (
    PROJECT_PARTS,
    UNPRINTABLE_NAME,
    format_name,
    is_project_file,
)

_TREE, _LINK, _SUBMODULE = "40000", "120000", "160000"
_NOT_A_FILE = {_TREE: "a folder", _LINK: "a symbolic link", _SUBMODULE: "a submodule"}
PARTIAL_CLONE_TEXT = (
    "{} is missing from {}, which was cloned partly: git fetch --refetch --no-filter brings all"
)


class GitError(OperatorError):
    """A repository, a ref or a path that cannot be read; the message says which and what to do."""


class GitPathMissingError(GitError):
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


class TreeEntry(NamedTuple):
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
        self._cat_file: GitCatFile | None = None
        self._identities: list[tuple[int, int]] = []
        self._contents: dict[str, bytes] = {}

    def find_commit(self, ref: str) -> Commit:
        """The commit that a branch, tag or id names now. Raises GitError."""
        if not ref or ref.startswith("-") or not ref.isprintable():
            raise GitError(f"{ref!r} is not the name of a commit")
        self._restart_if_moved()
        for name in (f"refs/heads/{ref}", ref):  # git itself would take a tag of that name
            with suppress(GitPathMissingError):
                found = self._read_object(f"{name}^{{commit}}", ref)
                return parse_commit(found.id, found.content)
        raise self._build_missing_ref_error(ref)

    def read_files(self, commit: Commit, folder: str = "") -> dict[str, bytes]:
        """The YAML files of the project in a folder of the commit, as `ProjectFolder` picks them
        from a disk. Raises GitError.
        """
        ids = dict(self._list_flow_files(commit, normalise_folder(folder)))
        if len(ids) > MAX_PROJECT_FILES:
            raise GitError(
                f"{folder or 'the repository'} has more than {MAX_PROJECT_FILES} files of flows"
            )
        self._contents = {
            item: self._contents.get(item) or self._read_blob(name, item)
            for name, item in ids.items()
        }
        return {name: self._contents[item] for name, item in ids.items()}

    def close(self) -> None:
        batch, self._cat_file = self._cat_file, None
        if batch is not None:
            batch.close()

    def _restart_if_moved(self) -> None:
        """A process of git stays in the folder where it began, which may lie elsewhere by now and
        another one in its place.
        """
        if (now := list(read_repository_identities(self.path))) != self._identities:
            self.close()
            self._identities = now

    def _list_flow_files(self, commit: Commit, folder: str) -> Iterator[tuple[str, str]]:
        for entry in self._read_top_tree(commit, folder):
            if entry.mode == _TREE and entry.name in PROJECT_PARTS:
                yield from (
                    (f"{entry.name}/{inner.name}", inner.id)
                    for inner in self._read_tree(
                        entry.id, PARTIAL_CLONE_TEXT.format(entry.name, self.path)
                    )
                    if is_flow_file(inner)
                )
            elif is_flow_file(entry):
                yield entry.name, entry.id

    def _read_top_tree(self, commit: Commit, folder: str) -> list[TreeEntry]:
        if not folder:
            return self._read_tree(
                commit.tree, PARTIAL_CLONE_TEXT.format("the top folder", self.path)
            )
        try:
            return self._read_tree(
                f"{commit.id}:{folder}",
                f"commit {commit.id[:12]} of {self.path} has no folder {folder}",
            )
        except GitPathMissingError:
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
                for entry in self._read_tree(f"{commit.id}:{above}", "")
            )
        return False

    def _read_tree(self, name: str, otherwise: str) -> list[TreeEntry]:
        found = self._read_object(name, otherwise)
        if found.kind != "tree":
            raise GitError(f"{name} of {self.path} is a {found.kind}, not a folder")
        return list(parse_tree(found.content, len(found.id) // 2))

    def _read_blob(self, name: str, item: str) -> bytes:
        return self._read_object(item, PARTIAL_CLONE_TEXT.format(name, self.path)).content

    def _read_object(self, name: str, otherwise: str) -> GitObject:
        """An object. A process that has died is started again, once."""
        for _ in range(2):
            try:
                self._cat_file = self._cat_file or GitCatFile(self.path)
                found = self._cat_file.read_object(name)
            except GitStoppedError as ended:
                self.close()
                raise GitError(f"{name} of {self.path} cannot be read: {ended}") from ended
            except OSError:
                self.close()
            else:
                if found is None:
                    raise GitPathMissingError(otherwise)
                return found
        why = diagnose_repository(self.path)
        raise GitError(f"git cannot read {self.path}: {why}" if why else otherwise)

    def _build_missing_ref_error(self, ref: str) -> GitError:
        """What to do about a ref that is not here."""
        cure = (
            f"; the clone is shallow: {format_fetch_advice(ref)}" if is_shallow(self.path) else ""
        )
        with suppress(GitError):
            self._read_object(f"refs/remotes/origin/{ref}^{{commit}}", ref)
            cure = f", but origin/{ref}"
        return GitError(f"{self.path} has no commit {ref}{cure}")


def read_repository_identities(repository: Path) -> Iterator[tuple[int, int]]:
    for folder in (repository, repository / ".git"):
        with suppress(OSError):
            found = folder.stat()
            yield found.st_dev, found.st_ino


def is_shallow(repository: Path) -> bool:
    return any((repository / folder / "shallow").is_file() for folder in ("", ".git"))


def format_fetch_advice(ref: str) -> str:
    """How a shallow clone, such as those of pipelines, gets what it lacks.

    >>> format_fetch_advice("origin/main")
    'git fetch --depth=1 origin main:refs/remotes/origin/main brings it, as origin/main'
    """
    name = ref.removeprefix("origin/")
    if any(mark in name for mark in "~^@"):
        return "git fetch --unshallow brings what came before"
    return (
        f"git fetch --depth=1 origin {name}:refs/remotes/origin/{name} brings it, as origin/{name}"
    )


def normalise_folder(folder: str) -> str:
    """A folder as git wants it: nothing for the top of the repository.

    >>> normalise_folder("./flows/"), normalise_folder(".")
    ('flows', '')
    """
    return "/".join(part for part in folder.split("/") if part not in ("", "."))


def parse_commit(name: str, content: bytes) -> Commit:
    """A commit from its object: headers, an empty line, the message."""
    head, _, message = content.decode(errors="replace").partition("\n\n")
    headers = dict(line.split(" ", 1) for line in reversed(head.splitlines()) if " " in line)
    return Commit(name, headers["tree"], headers["author"].rsplit(" ", 2)[0], message.strip())


def parse_tree(content: bytes, digest: int) -> Iterator[TreeEntry]:
    """The entries of a tree object; ids have `digest` bytes."""
    at = 0
    while at < len(content):
        pause_if_due()  # a folder of thousands of flows is a tree of as many entries
        space = content.index(b" ", at)
        end = content.index(b"\0", space)
        name = content[space + 1 : end].decode(errors="surrogateescape")
        at_next = end + 1 + digest
        yield TreeEntry(content[at:space].decode(), name, content[end + 1 : at_next].hex())
        at = at_next


def is_flow_file(entry: TreeEntry) -> bool:
    """Whether an entry is a file of the project. Raises GitError where it should be one, and is
    not.
    """
    if not is_project_file(entry.name) and entry.name not in PROJECT_PARTS:
        return False
    if entry.mode in _NOT_A_FILE:
        raise GitError(
            f"{format_name(entry.name)} is {_NOT_A_FILE[entry.mode]}: flows served from git must be files"
        )
    if (
        entry.name in PROJECT_PARTS
    ):  # a file of that name, which a folder of the disk passes over, too
        return False
    if not entry.name.isprintable():
        raise GitError(f"{format_name(entry.name)} {UNPRINTABLE_NAME}")
    return True
