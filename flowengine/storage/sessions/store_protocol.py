"""The contract of a session store. It keeps bytes by call id, and knows nothing of calls."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple, Protocol

import msgspec

from flowengine.operator_error import OperatorError
from flowengine.storage.sessions.orchestration_rows import OrchestrationChange, OrchestrationStore

PROBE_KEY = b"\0probe"  # no call id begins with this


class SavedCall(msgspec.Struct, frozen=True):
    """A call after a step. `deliveries` is the log of answered deliveries (see
    `runtime.delivery_log`), and `answer` the last answer that the platform followed. `claimed` is
    when the step began: it tells the step of one worker from the same step of another. `release` is
    the release that the call needs, "" after its end.
    """

    counter: int
    state: bytes
    deliveries: bytes
    answer: bytes
    claimed: float = 0.0
    release: str = ""


RECEIVER_BYTES = 8


class PendingReport(NamedTuple):
    """A report that was not delivered yet; `tries` counts the attempts. The first `RECEIVER_BYTES`
    of its id are the same for all reports to one receiver, and hold no comma.
    """

    id: bytes
    content: bytes
    tries: int
    expires: float


class StoreError(OperatorError):
    """The store cannot be opened, read or written; the message says why."""


class Store(Protocol):
    """The interface of a session store; all stores pass the same tests. Times are seconds since
    1970 by the clock of the store, the same for all workers. A store keeps bytes as they are: the
    caller encrypts calls that may hold secrets, and all other calls can be read in the store.
    """

    @property
    def orchestrations(self) -> OrchestrationStore | None:
        """The store of orchestrations; None where no other worker would find one."""
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Reads the time that all who use this store share. Where machines share a store, it is
        that of the database: their own may differ, or step.
        """
        ...

    async def update_clock(self) -> None:
        """Ask for the shared time again, where this process cannot read it itself."""
        ...

    async def load(self, call_id: str) -> SavedCall | None:
        """The stored call, even an expired one that is not deleted yet: call ids are never used
        again.
        """
        ...

    def save(
        self,
        call_id: str,
        saved: SavedCall,
        expires: float,
        changes: Sequence[OrchestrationChange] = (),
    ) -> Awaitable[SavedCall]:
        """Save this step unless the store has the same step or a later one: the higher counter
        wins, and of equal counters the first. Returns `saved` itself where it was saved, else the
        stored call. After this the step survives a killed process. `changes` are written in the
        same transaction, or not at all where the step is not saved.
        """
        ...

    async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
        """Whether the caller may perform the requests of the event with this key; False while
        another caller has the claim, until its deadline. A caller that gets False polls `load` for
        the answer, and claims again after the deadline: the other process has died.
        """
        ...

    async def catch_up(self) -> bool:
        """Whether a state that seems missing or too old may be found by now. Waits where workers
        may have different steps of a call for a moment.
        """
        ...

    async def check_writable(self) -> None:
        """Write what a call writes, and roll it back. Raises StoreError where that fails."""
        ...

    async def add_report(self, report: PendingReport, due: float) -> None:
        """Keep a report until it is delivered. A report with the same id is already there after a
        repeated delivery.
        """
        ...

    async def claim_report(
        self, now: float, lease: float, busy: Collection[bytes]
    ) -> PendingReport | None:
        """Claim the report that is due first, except those to `busy` receivers, until `now +
        lease`, and count one more try. None where no report is due.
        """
        ...

    async def settle_report(self, report: PendingReport, due: float | None) -> None:
        """Delete a report, or set its next attempt to `due`, unless another process has claimed it
        since.
        """
        ...

    async def find_needed_releases(self) -> set[str]:
        """The releases that calls in progress and orchestrations need."""
        ...

    async def drop_expired(self, now: float) -> int:
        """Delete expired calls, claims and orchestrations, and return the number of calls."""
        ...

    async def close(self) -> None:
        """Finish pending saves, then close the store."""
        ...
