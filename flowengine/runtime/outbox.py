"""Reports of ended calls that could not be delivered at once: kept durably, and tried again until
they arrive.

A caller has no use for a report, so nothing waits for one. But a bill, a complaint or a recording
must not be lost because another system was down for an hour when the call ended.
"""

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec

from flowengine.limits import REPORT_KEPT_SECONDS, REPORT_PAUSE_SECONDS, REPORT_SECONDS
from flowengine.runtime.complaints import Complaints
from flowengine.runtime.cookie import Codec
from flowengine.runtime.store import Letter, Store, StoreError
from flowengine.states import Fetched, Request

LONGEST_PAUSE_SECONDS = 3600.0
log = logging.getLogger(__name__)
_decode = msgspec.msgpack.Decoder(Request).decode


def undelivered(request: Request, fetched: Fetched) -> bool:
    """Whether a request should be tried again: it tells something, and the other system has not
    taken it for reasons that may pass.
    """
    passing = fetched.is_unanswered if fetched.status == 0 else fetched.status >= 500
    return request.method != "GET" and passing


class Outbox:
    """Keeps reports in the store, sealed, as they may hold secrets. Without a codec nothing is
    sealed, and nothing is kept.
    """

    def __init__(
        self,
        store: Store,
        codec: Codec,
        fetch: Callable[[Request, float], Awaitable[Fetched]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._codec = codec
        self._fetch = fetch
        self._clock = clock
        self._complaints = Complaints(log)

    async def keep(self, request: Request, delivery: bytes) -> None:
        """Keep a request of this delivery. The same request of the same delivery is kept once."""
        content = msgspec.msgpack.encode(request)
        name = hashlib.blake2b(delivery + content, digest_size=16).hexdigest()
        now = self._clock()
        letter = Letter(
            name.encode(), self._codec.seal(content, name).encode(), 0, now + REPORT_KEPT_SECONDS
        )
        try:
            await self._store.post(letter, now + REPORT_PAUSE_SECONDS)
        except StoreError as error:
            self._complaints.error(
                "reports are lost, as the store cannot keep them: %s",
                f"one to {request.service}, {error}",
            )
        else:
            log.warning("a report to %s is kept and tried again", request.service)

    async def deliver(self) -> int:
        """Try every report whose time has come; the number of those that arrived."""
        letters = await self._store.due(self._clock(), 2 * REPORT_SECONDS)
        return sum([await self._tried(letter) for letter in letters])

    async def _tried(self, letter: Letter) -> bool:
        content = self._codec.open(letter.content.decode(), letter.id.decode())
        if content is None:
            log.error("a report cannot be read: its key is gone")
            await self._store.settle(letter.id, None)
            return False
        request = _decode(content)
        fetched = await self._fetch(request, REPORT_SECONDS)
        again = undelivered(request, fetched)
        await self._store.settle(letter.id, self._next(letter, request.service) if again else None)
        return not again

    def _next(self, letter: Letter, service: str) -> float | None:
        """Twice as long after each try, at most an hour; after a day the report is given up."""
        due = self._clock() + min(
            REPORT_PAUSE_SECONDS * 2.0 ** min(letter.tries, 12), LONGEST_PAUSE_SECONDS
        )
        if due < letter.expires:
            return due
        log.error("a report to %s is given up after %d tries", service, letter.tries)
        return None
