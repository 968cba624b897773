"""Flows that people push: a branch of a repository."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec.structs import replace

from flowengine.sources.flow_source import FlowOrigin, SourceSnapshot
from flowengine.sources.git import Repository

BRANCH_POLL_SECONDS = 0.1  # of looking at a branch, which costs 0.1 ms


class BranchSource:
    """A branch of a repository, local or bare."""

    def __init__(self, repository: Path, ref: str, path: str) -> None:
        self.origin = FlowOrigin(str(repository), ref)
        self._repository = Repository(repository)
        self._path = path
        self._read_lock = threading.Lock()
        self._last_commit = ""

    def read(self) -> SourceSnapshot | None:
        with self._read_lock:
            commit = self._repository.find_commit(self.origin.ref)
            if commit.id == self._last_commit:
                return None
            files = self._repository.read_files(commit, self._path)
            self._last_commit = commit.id
        return SourceSnapshot(
            files,
            replace(self.origin, commit=commit.id, author=commit.author, message=commit.message),
        )

    def forget_last_read(self) -> None:
        self._last_commit = ""

    def close(self) -> None:
        self._repository.close()

    async def watch_changes(self) -> AsyncIterator[object]:
        while True:
            yield None
            await asyncio.sleep(BRANCH_POLL_SECONDS)
