"""What a session store promises. It keeps bytes by call id and knows nothing of calls."""

from collections.abc import Awaitable, Collection
from typing import NamedTuple, Protocol

from flowengine.operator_error import OperatorError

PROBE_KEY = b"\0probe"  # no id of a call begins so


class SavedCall(NamedTuple):
    """One call after one step. `deliveries` is the log of those that were answered (see
    `runtime.delivery_log`), and `answer` the one by which the platform has gone on last; `claimed`
    is when the last delivery was taken up, which tells the step of one worker from the same step of
    another.

    `release` is what the call needs to go on; "" once it has ended.
    """

    counter: int
    state: bytes
    deliveries: bytes
    answer: bytes
    claimed: float = 0.0
    release: str = ""


RECEIVER_BYTES = 8


class PendingReport(NamedTuple):
    """A request that must still reach another system; `tries` counts how often that was attempted.

    The first `RECEIVER_BYTES` of its id are the same for all letters to one receiver, and hold no
    comma.
    """

    id: bytes
    content: bytes
    tries: int
    expires: float


class StoreError(OperatorError):
    """The store cannot be opened, read or written; the message says why."""


class Store(Protocol):
    """Every store must pass the same tests. Times are seconds since 1970, so that workers agree on
    them.

    Stores keep the bytes that they are given. Those of calls that may hold secrets come sealed;
    whoever can read the store can read what all other callers said and typed.
    """

    async def load(self, call_id: str) -> SavedCall | None:
        """What is stored, even if it has expired and waits to be dropped: the ids of calls are
        never used again.
        """
        ...

    def save(self, call_id: str, saved: SavedCall, expires: float) -> Awaitable[SavedCall]:
        """Keep this step unless one as late or later is there: the higher counter wins, and of
        equal ones the first.

        Returns `saved` itself if it was kept, otherwise what is stored instead. By then it survives a killed process.
        """
        ...

    async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
        """Whether the caller is to make the requests of the event with this key; False while
        somebody else does, who has until their deadline.

        Whoever gets False polls `load` for its answer, and claims again if the deadline passes: the
        other one has died.
        """
        ...

    async def catch_up(self) -> bool:
        """Whether a state that seems to be missing, or older than its call, may be found by now.

        It waits for that where workers may just have known different steps of a call.
        """
        ...

    async def check_writable(self) -> None:
        """Write what a call writes, and nothing that stays. Raises StoreError where that fails."""
        ...

    async def add_report(self, report: PendingReport, due: float) -> None:
        """Keep a letter until it is delivered. One with the same id is kept already: this is a
        repeated delivery.
        """
        ...

    async def claim_report(
        self, now: float, lease: float, busy: Collection[bytes]
    ) -> PendingReport | None:
        """The letter whose time has come first, of those to receivers that are not `busy`; for the
        caller alone until `now + lease`, with one try more. None where there is none.
        """
        ...

    async def settle_report(self, report: PendingReport, due: float | None) -> None:
        """Forget a letter, or try it again at `due` unless somebody else has claimed it since."""
        ...

    async def find_needed_releases(self) -> set[str]:
        """The releases that calls under way need."""
        ...

    async def drop_expired(self, now: float) -> int:
        """Delete the calls and claims whose time is over; the number of calls deleted."""
        ...

    async def close(self) -> None:
        """Finish what is being saved, then let go of the store."""
        ...
