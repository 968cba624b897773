"""The variables of the environment, where a secret may stand in a file instead: `NAME_FILE` names the
file that has the value of `NAME`.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from flowengine.limits import MAX_SECRET_FILE_BYTES

FILE_SUFFIX = "_FILE"


class Variables(Mapping[str, str]):
    """The variables of an environment and those in files. A file is read once: a process goes on
    with the secrets that it began with, and its successor reads the file anew.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._contents: dict[str, str] = {}
        self._stamps: dict[str, tuple[int, ...] | None] = {}

    def __getitem__(self, name: str) -> str:
        """Raises KeyError where the variable is not set, or its file cannot be read."""
        value = self._environment.get(name)
        path = self._environment.get(name + FILE_SUFFIX) if value is None else None
        if path is None:
            return self._environment[name]
        if path not in self._contents:
            self._stamps[path] = get_stamp(path)
            try:
                self._contents[path] = read_secret(path)
            except (OSError, ValueError) as error:
                raise KeyError(name) from error
        return self._contents[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environment)

    def __len__(self) -> int:
        return len(self._environment)

    def find_source(self, name: str) -> str:
        """The name of the variable that has the value, or that names its file; "" for none."""
        names = (name, name + FILE_SUFFIX)
        return next((each for each in names if each in self._environment), "")

    def find_fault(self, name: str) -> str:
        """What keeps a variable from being read, as a sentence without its end; "" for nothing."""
        named = name + FILE_SUFFIX
        if named not in self._environment:
            return ""
        if name in self._environment:
            return f"{name} and {named} are both set: unset one of them"
        path = self._environment[named]
        try:
            return "" if read_secret(path) else f"{named} names {path}, which is empty"
        except OSError as error:
            return f"{named} names {path}, which cannot be read: {error.strerror or error}"
        except ValueError as error:
            return f"{named} names {path}, which is no secret: {error}"

    def notice_changed_files(self) -> bool:
        """Whether a file that was read has changed since, or since this was last asked."""
        before, self._stamps = self._stamps, {path: get_stamp(path) for path in self._stamps}
        return before != self._stamps


def read_secret(path: str) -> str:
    """The secret in this file, without the end of its last line. Raises OSError or ValueError."""
    with Path(path).open("rb") as file:
        content = file.read(MAX_SECRET_FILE_BYTES + 1)
    if len(content) > MAX_SECRET_FILE_BYTES:
        raise ValueError(f"it has more than {MAX_SECRET_FILE_BYTES:,} bytes")
    return content.decode().rstrip("\r\n")


def get_stamp(path: str) -> tuple[int, ...] | None:
    """What changes with a file, also where a link leads to another one; None for no file."""
    try:
        found = os.stat(path)  # noqa: PTH116  # of where a link leads
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


VARIABLES = Variables(os.environ)
