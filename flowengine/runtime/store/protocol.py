"""What a session store promises. It keeps bytes by call id and knows nothing of calls."""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

PROBE_KEY = b"\0probe"  # no id of a call begins so


class Saved(NamedTuple):
    """One call after one step. `digest` names the delivery that `answer` answered; `claimed` is
    when that delivery was taken up, which tells the step of one worker from the same step of
    another.

    `release` is what the call needs to go on; "" once it has ended.
    """

    counter: int
    state: bytes
    digest: bytes
    answer: bytes
    claimed: float = 0.0
    release: str = ""


class Letter(NamedTuple):
    """A request that must still reach another system; `tries` counts how often that was attempted."""

    id: bytes
    content: bytes
    tries: int
    expires: float


class StoreError(Exception):
    """The store cannot be opened, read or written; the message says why."""


class Store(Protocol):
    """Every store must pass the same tests. Times are seconds since 1970, so that workers agree on
    them.

    Stores keep the bytes that they are given. Those of calls that may hold secrets come sealed;
    whoever can read the store can read what all other callers said and typed.
    """

    async def load(self, call_id: str) -> Saved | None:
        """What is stored, even if it has expired and waits to be dropped: the ids of calls are
        never used again.
        """
        ...

    def save(self, call_id: str, saved: Saved, expires: float) -> Awaitable[Saved]:
        """Keep this step unless one as late or later is there: the higher counter wins, and of
        equal ones the first.

        Returns `saved` itself if it was kept, otherwise what is stored instead: the answer to give
        to a repeated delivery. By then it survives a killed process.
        """
        ...

    async def claim(self, call_id: str, digest: bytes, deadline: float) -> bool:
        """Whether the caller is to work on this delivery; False while somebody else does, who has
        until their deadline.

        Whoever gets False polls `load` for that digest, and claims again if the deadline passes:
        the other one has died.
        """
        ...

    async def check_writable(self) -> None:
        """Write what a call writes, and nothing that stays. Raises StoreError where that fails."""
        ...

    async def post(self, letter: Letter, due: float) -> None:
        """Keep a letter until it is delivered. One with the same id is kept already: this is a
        repeated delivery.
        """
        ...

    async def due(self, now: float, lease: float) -> list[Letter]:
        """The letters whose time has come, for the caller alone until `now + lease`; each counts
        one try more from here on.
        """
        ...

    async def settle(self, letter_id: bytes, due: float | None) -> None:
        """Forget a letter, or try it again at `due`."""
        ...

    async def releases(self) -> set[str]:
        """The releases that calls under way need."""
        ...

    async def drop_expired(self, now: float) -> int:
        """Delete the calls and claims whose time is over; the number of calls deleted."""
        ...

    async def close(self) -> None:
        """Finish what is being saved, then let go of the store."""
        ...
