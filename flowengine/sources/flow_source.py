"""What a source of flows is: it is read again and again, and tells when that may be worth it."""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

import msgspec

# of looking whether the worker that follows is still there, or a folder that was moved away is back
FOLLOW_POLL_SECONDS = 0.25


class FlowOrigin(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where flows came from. `place` is a folder or a repository; the rest is known for those
    that come from git.
    """

    place: str
    ref: str = ""
    commit: str = ""
    author: str = ""
    message: str = ""

    @property
    def title(self) -> str:
        return self.message.partition("\n")[0]


class SourceSnapshot(NamedTuple):
    """What a place has now."""

    files: dict[str, bytes]
    origin: FlowOrigin


class FlowSource(Protocol):
    """Where flows live."""

    @property
    def origin(self) -> FlowOrigin:
        """What it is called."""
        ...

    def read(self) -> SourceSnapshot | None:
        """What is there now; None where that is what was there before. Raises OSError or GitError."""
        ...

    def forget_last_read(self) -> None:
        """Have the next read return everything: what the last one returned was not used."""
        ...

    def watch_changes(self) -> AsyncIterator[object]:
        """Something whenever it may be worth to read again."""
        ...

    def close(self) -> None:
        """End what was started to read it."""
        ...


def format_source_name(origin: FlowOrigin) -> str:
    """A place by its name: a branch of a repository is another one than the next branch."""
    return f"{origin.place}@{origin.ref}" if origin.ref else origin.place
