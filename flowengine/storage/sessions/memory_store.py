import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence

from flowengine.storage.sessions.memory_orchestrations import MemoryOrchestrations
from flowengine.storage.sessions.orchestration_rows import OrchestrationChange
from flowengine.storage.sessions.store_protocol import (
    RECEIVER_BYTES,
    PendingReport,
    SavedCall,
    StoreError,
)

_MAX_CALLS = 10_000  # calls: at about a kilobyte each, ten megabytes
NO_ORCHESTRATIONS = (
    "without a session store nothing can be decided over several calls: start the server with "
    "--store sqlite:PATH or --store postgresql://…"
)


class MemoryStore:
    """Keeps calls in the memory of this process. When it is full, the call that was saved longest
    ago is dropped. Orchestrations are for a process that is alone: where another one may answer
    the callbacks of a leg, `is_alone` is False and there are none.
    """

    def __init__(
        self,
        capacity: int = _MAX_CALLS,
        clock: Callable[[], float] = time.time,
        *,
        is_alone: bool = True,
    ) -> None:
        self.orchestrations = MemoryOrchestrations(clock) if is_alone else None
        self._capacity = capacity
        self.clock = clock
        self._calls: OrderedDict[str, tuple[SavedCall, float]] = OrderedDict()
        self._reports: dict[bytes, tuple[PendingReport, float]] = {}
        self._claims: OrderedDict[tuple[str, bytes], float] = OrderedDict()

    async def load(self, call_id: str) -> SavedCall | None:
        found = self._calls.get(call_id)
        return found[0] if found else None

    async def save(
        self,
        call_id: str,
        saved: SavedCall,
        expires: float,
        changes: Sequence[OrchestrationChange] = (),
    ) -> SavedCall:
        if changes and self.orchestrations is None:
            raise StoreError(NO_ORCHESTRATIONS)
        calls = self._calls
        found = calls.get(call_id)
        if found and found[0].counter >= saved.counter:
            return found[0]
        calls[call_id] = (saved, expires)
        calls.move_to_end(call_id)
        if len(calls) > self._capacity:
            self._drop_oldest()
        if changes and self.orchestrations is not None:
            self.orchestrations.write_changes(changes)
        return saved

    async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
        claim = (call_id, key)
        if self._claims.get(claim, 0.0) > self.clock():
            return False
        self._claims[claim] = deadline
        self._claims.move_to_end(claim)
        self._drop_oldest()
        return True

    async def update_clock(self) -> None:
        """The clock of the machine is read directly."""

    async def catch_up(self) -> bool:
        return False

    async def check_writable(self) -> None:
        """Memory can always be written."""

    async def add_report(self, report: PendingReport, due: float) -> None:
        self._reports.setdefault(report.id, (report, due))

    async def claim_report(
        self, now: float, lease: float, busy: Collection[bytes]
    ) -> PendingReport | None:
        ready = [
            (due, letter)
            for letter, due in self._reports.values()
            if due <= now and letter.id[:RECEIVER_BYTES] not in busy
        ]
        if not ready:
            return None
        _, letter = min(ready)
        letter = letter._replace(tries=letter.tries + 1)
        self._reports[letter.id] = (letter, now + lease)
        return letter

    async def settle_report(self, report: PendingReport, due: float | None) -> None:
        if due is None:
            self._reports.pop(report.id, None)
        elif report.id in self._reports and self._reports[report.id][0].tries == report.tries:
            self._reports[report.id] = (report, due)

    async def find_needed_releases(self) -> set[str]:
        needed = {saved.release for saved, _ in self._calls.values()} - {""}
        return needed | (
            self.orchestrations.find_needed_releases() if self.orchestrations else set()
        )

    async def drop_expired(self, now: float) -> int:
        over = [call_id for call_id, (_, expires) in self._calls.items() if expires <= now]
        for call_id in over:
            del self._calls[call_id]
        for key in [key for key, deadline in self._claims.items() if deadline <= now]:
            del self._claims[key]
        if self.orchestrations is not None:
            self.orchestrations.drop_expired(now)
        return len(over)

    async def close(self) -> None:
        self._calls.clear()
        self._claims.clear()

    def _drop_oldest(self) -> None:
        while len(self._calls) > self._capacity:
            self._calls.popitem(last=False)
        while len(self._claims) > self._capacity:
            self._claims.popitem(last=False)
