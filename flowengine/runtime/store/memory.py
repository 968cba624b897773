import time
from collections import OrderedDict
from collections.abc import Callable

from flowengine.runtime.store.protocol import Letter, Saved

_CAPACITY = 10_000  # calls; at about a kilobyte each this stays near ten megabytes


class MemoryStore:
    """Calls of this process alone, gone with it; when full, the call that was saved longest ago is
    forgotten.
    """

    def __init__(self, capacity: int = _CAPACITY, clock: Callable[[], float] = time.time) -> None:
        self._capacity = capacity
        self._clock = clock
        self._calls: OrderedDict[str, tuple[Saved, float]] = OrderedDict()
        self._letters: dict[bytes, tuple[Letter, float]] = {}
        self._claims: OrderedDict[tuple[str, bytes], float] = OrderedDict()

    async def load(self, call_id: str) -> Saved | None:
        found = self._calls.get(call_id)
        return found[0] if found else None

    async def save(self, call_id: str, saved: Saved, expires: float) -> Saved:
        found = self._calls.get(call_id)
        if found and found[0].counter >= saved.counter:
            return found[0]
        self._calls[call_id] = (saved, expires)
        self._calls.move_to_end(call_id)
        self._trim()
        return saved

    async def claim(self, call_id: str, digest: bytes, deadline: float) -> bool:
        key = (call_id, digest)
        if self._claims.get(key, 0.0) > self._clock():
            return False
        self._claims[key] = deadline
        self._claims.move_to_end(key)
        self._trim()
        return True

    async def check_writable(self) -> None:
        """Memory can always be written."""

    async def post(self, letter: Letter, due: float) -> None:
        self._letters.setdefault(letter.id, (letter, due))

    async def due(self, now: float, lease: float) -> list[Letter]:
        ready = [
            letter._replace(tries=letter.tries + 1)
            for letter, due in self._letters.values()
            if due <= now
        ]
        self._letters.update({letter.id: (letter, now + lease) for letter in ready})
        return ready

    async def settle(self, letter_id: bytes, due: float | None) -> None:
        letter, _ = self._letters.pop(letter_id)
        if due is not None:
            self._letters[letter_id] = (letter, due)

    async def releases(self) -> set[str]:
        return {saved.release for saved, _ in self._calls.values()} - {""}

    async def drop_expired(self, now: float) -> int:
        over = [call_id for call_id, (_, expires) in self._calls.items() if expires <= now]
        for call_id in over:
            del self._calls[call_id]
        for key in [key for key, deadline in self._claims.items() if deadline <= now]:
            del self._claims[key]
        return len(over)

    async def close(self) -> None:
        self._calls.clear()
        self._claims.clear()

    def _trim(self) -> None:
        while len(self._calls) > self._capacity:
            self._calls.popitem(last=False)
        while len(self._claims) > self._capacity:
            self._claims.popitem(last=False)
