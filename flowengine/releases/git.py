"""Flows straight from a repository's objects: no checkout, no index, nothing written. Git itself reads them, in one process that stays."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from flowengine.limits import MAX_PROJECT_FILES
from flowengine.model.folder import PARTS

_TREE, _LINK = "40000", "120000"
_MISSING = ("missing", "ambiguous")


class GitError(Exception):
    """A repository, a ref or a path that cannot be read; the message says which and what to do."""


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
    """A repository, bare or with a working tree, that is read again and again: contents that have been read are not read twice.

    Refs are looked up anew each time, so a push or a commit shows at once. For one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process: subprocess.Popen[bytes] | None = None
        self._contents: dict[str, bytes] = {}

    def commit(self, ref: str) -> Commit:
        """The commit that a branch, tag or id names now. Raises GitError."""
        if not ref or ref.startswith("-") or not ref.isprintable():
            raise GitError(f"{ref!r} is not the name of a commit")
        missing = f"{self.path} has no commit {ref}"
        try:
            name, kind, content = self._object(f"refs/heads/{ref}^{{commit}}", missing)  # git itself would take a tag of that name
        except GitError:
            name, kind, content = self._object(f"{ref}^{{commit}}", missing)
        assert kind == "commit"  # noqa: S101  # what ^{commit} asks for
        return parsed(name, content)

    def files(self, commit: Commit, folder: str = "") -> dict[str, bytes]:
        """The YAML files of the project in a folder of the commit, as `model.folder` picks them from a disk. Raises GitError."""
        ids = dict(self._listed(commit, plain(folder)))
        if len(ids) > MAX_PROJECT_FILES:
            raise GitError(f"{folder or 'the repository'} has more than {MAX_PROJECT_FILES} files of flows")
        self._contents = {item: self._contents.get(item) or self._blob(item) for item in ids.values()}
        return {name: self._contents[item] for name, item in ids.items()}

    def close(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def _listed(self, commit: Commit, folder: str) -> Iterator[tuple[str, str]]:
        where = f"{commit.id}:{folder}" if folder else f"{commit.id}^{{tree}}"
        for entry in self._tree(where, f"commit {commit.id[:12]} of {self.path} has no folder {folder}"):
            if entry.mode == _TREE and entry.name in PARTS:
                yield from ((f"{entry.name}/{inner.name}", inner.id) for inner in self._tree(entry.id, "") if is_yaml(inner))
            elif is_yaml(entry):
                yield entry.name, entry.id

    def _tree(self, name: str, otherwise: str) -> list[Entry]:
        found, kind, content = self._object(name, otherwise)
        if kind != "tree":
            raise GitError(f"{name} of {self.path} is a {kind}, not a folder")
        return list(entries(content, len(found) // 2))

    def _blob(self, name: str) -> bytes:
        return self._object(name, f"object {name} is missing from {self.path}: was it cloned partly?")[2]

    def _object(self, name: str, otherwise: str) -> tuple[str, str, bytes]:
        """Id, kind and content of an object. A process that has died is started again, once."""
        try:
            return self._asked(name, otherwise)
        except OSError:
            self.close()
        try:
            return self._asked(name, otherwise)
        except OSError as error:
            self.close()
            raise GitError(f"git cannot read {self.path}: is it a repository? ({error})") from error

    def _asked(self, name: str, otherwise: str) -> tuple[str, str, bytes]:
        process = self._process = self._process or started(self.path)
        assert process.stdin is not None  # noqa: S101  # both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(name.encode() + b"\n")
        process.stdin.flush()
        head = process.stdout.readline().decode(errors="replace").rstrip("\n")
        if not head:
            raise BrokenPipeError("git has ended")
        if head.rpartition(" ")[2] in _MISSING:
            raise GitError(otherwise)
        found, kind, size = head.split(" ")
        content = process.stdout.read(int(size) + 1)
        if len(content) <= int(size):
            raise BrokenPipeError("git has ended in the middle of an object")
        return found, kind, content[:-1]


def started(path: Path) -> subprocess.Popen[bytes]:
    """The process that hands out objects, told of the repository by its path alone: the surroundings of a hook name another one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(path), "cat-file", "--batch"]
    return subprocess.Popen(  # noqa: S603  # no shell, and nothing in it comes from a caller
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
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


def is_yaml(entry: Entry) -> bool:
    if not entry.name.endswith((".yaml", ".yml")) or entry.mode == _TREE:
        return False
    if entry.mode == _LINK:
        raise GitError(f"{entry.name} is a symbolic link: flows served from git must be files")
    return True
