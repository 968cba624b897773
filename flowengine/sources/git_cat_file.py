"""Git as one process that stays and hands out objects. It never asks anybody, never fetches, and is
ended where it does not answer.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Timer
from typing import NamedTuple

from flowengine.limits import GIT_TIMEOUT_SECONDS, MAX_READ_BYTES

_MISSING_REPLIES = ("missing", "ambiguous", "submodule")
_OFFLINE_ENVIRONMENT = {
    "GIT_NO_LAZY_FETCH": "1",  # a clone that lacks an object would ask for it where it came from
    "GIT_ALLOW_PROTOCOL": "",  # the same for versions of git that do not know the line above
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}


class GitStoppedError(Exception):  # that it was is no mistake
    """Git was ended on purpose; the message says why."""


class GitObject(NamedTuple):
    """An object as git has it."""

    id: str
    kind: str
    content: bytes


class GitCatFile:
    """`git cat-file --batch` in a repository. For one thread at a time; any may close it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # no shell, and nothing in it comes from a caller
        self._process = subprocess.Popen(  # noqa: S603
            build_command(path, "cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=build_environment(),
            start_new_session=True,  # what git starts ends with it
        )

    def read_object(self, name: str) -> GitObject | None:
        """An object, or None where nothing has this name. Raises OSError where git has ended, and
        Ended where it had to.
        """
        with self._limit_time():
            return self._request_object(name)

    def close(self) -> None:
        """End it. What a disk holds so that nothing ends it is left behind."""
        self._kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.communicate(timeout=1)

    @contextmanager
    def _limit_time(self) -> Iterator[None]:
        late = Event()
        watch = Timer(GIT_TIMEOUT_SECONDS, lambda: self._kill(late))
        watch.daemon = True
        watch.start()
        try:
            yield
        except OSError as error:
            if late.is_set():
                raise GitStoppedError(
                    f"git has not answered for {GIT_TIMEOUT_SECONDS:g} seconds: does a disk hang?"
                ) from error
            raise
        finally:
            watch.cancel()

    def _kill(self, told: Event | None = None) -> None:
        if told is not None:
            told.set()
        with suppress(OSError):  # it has ended by itself
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def _request_object(self, name: str) -> GitObject | None:
        asked, told = self._process.stdin, self._process.stdout
        assert asked is not None  # noqa: S101  # both are pipes
        assert told is not None  # noqa: S101
        asked.write(name.encode() + b"\n")
        asked.flush()
        head = told.readline().decode(errors="replace").rstrip("\n")
        if not head:
            raise BrokenPipeError("git has ended")
        if head.rpartition(" ")[2] in _MISSING_REPLIES:
            return None
        found, kind, size = head.split(" ")
        if int(size) > MAX_READ_BYTES:
            raise GitStoppedError(f"{int(size):,} bytes are too many for a file of flows")
        content = told.read(int(size) + 1)
        if len(content) <= int(size):
            raise BrokenPipeError("git has ended in the middle of an object")
        return GitObject(found, kind, content[:-1])


def diagnose_repository(path: Path) -> str:
    """What git says of a repository that it does not read; nothing where it does."""
    try:
        done = subprocess.run(  # noqa: S603  # as above
            build_command(path, "rev-parse", "--git-dir"),
            capture_output=True,
            check=False,
            env=build_environment(),
            timeout=GIT_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (
        ""
        if done.returncode == 0
        else " ".join(done.stderr.decode(errors="replace").split()) or "is it a repository?"
    )


def build_command(path: Path, *arguments: str) -> list[str]:
    return ["git", "-C", str(path), "-c", "core.warnAmbiguousRefs=false", *arguments]


def build_environment() -> dict[str, str]:
    """A repository is told by its path alone: the surroundings of a hook name another one."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_")
    } | _OFFLINE_ENVIRONMENT
