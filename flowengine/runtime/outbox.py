"""The reports of ended calls that could not be delivered at once: the store keeps them, and workers
retry until they arrive.

No caller waits for a report. But a bill, a complaint or a recording must not be lost because
another system was down for an hour when the call ended.
"""

import asyncio
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import islice
from urllib.parse import urlsplit

import msgspec

from flowengine.limits import (
    MAX_CONCURRENT_REPORTS,
    MAX_UNSTORED_REPORTS,
    REPORT_KEPT_SECONDS,
    REPORT_LEASE_SECONDS,
    REPORT_PAUSE_SECONDS,
    REPORT_SECONDS,
    REPORTS_PER_RECEIVER,
)
from flowengine.runtime.cookie import Codec
from flowengine.runtime.log_once import LogOnce
from flowengine.states import LookupRequest, LookupResult
from flowengine.storage.sessions import RECEIVER_BYTES, PendingReport, Store, StoreError

MAX_REPORT_PAUSE_SECONDS = 3600.0
log = logging.getLogger(__name__)
REPORTS_WAIT = "kept reports could not be looked at: %s"
REPORTS_READ_AGAIN = "kept reports are looked at again"
ARRIVAL_NOT_NOTED = "it cannot be noted that reports arrived: %s"
UNSTORED_REPORTS = "reports wait in memory, as the store cannot keep them: %s"
REPORTS_LOST = "reports are lost, as too many wait in memory: %s"
REPORTS_PER_STORING = 100  # in one round trip
_decode_request = msgspec.msgpack.Decoder(LookupRequest).decode


def needs_retry(request: LookupRequest, fetched: LookupResult) -> bool:
    """Whether to retry a request: it changes something in the other system, and failed for a reason
    that may pass.
    """
    passing = fetched.is_unanswered if fetched.status == 0 else fetched.status >= 500
    return request.method != "GET" and passing


class Outbox:
    """Keeps reports in the store, encrypted, as they may hold secrets. While the store is away they
    wait in memory. A server without a codec keeps none.
    """

    def __init__(
        self,
        store: Store,
        codec: Codec,
        fetch: Callable[[LookupRequest, float], Awaitable[LookupResult]],
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._codec = codec
        self._fetch = fetch
        self._clock = clock or store.clock
        self._log_once = LogOnce(log)
        self._unsettled: set[bytes] = set()
        self._unstored: dict[bytes, tuple[PendingReport, float]] = {}
        """Reports that the store could not take, and when they are due"""

    async def keep_report(self, request: LookupRequest) -> None:
        """Keep a request that must be delivered once. Requests with the same idempotency key are
        one.
        """
        content = msgspec.msgpack.encode(request)
        name = _hash_receiver(request) + hashlib.blake2b(content, digest_size=16).hexdigest()
        now = self._clock()
        report = PendingReport(
            name.encode(), self._codec.seal(content, name).encode(), 0, now + REPORT_KEPT_SECONDS
        )
        due = now + REPORT_PAUSE_SECONDS
        try:
            await self._store.add_report(report, due)
        except StoreError as error:
            if report.id not in self._unstored and len(self._unstored) >= MAX_UNSTORED_REPORTS:
                self._log_once.error(REPORTS_LOST, f"one to {request.service}, {error}")
                return
            self._unstored[report.id] = report, due
            self._log_once.error(UNSTORED_REPORTS, error)
        log.warning("a report to %s failed; the server retries it", request.service)

    async def store_waiting_reports(self) -> None:
        """Store what the store could not take before. Raises StoreError while it still cannot."""
        while self._unstored:
            waiting = [*islice(self._unstored.values(), REPORTS_PER_STORING)]
            await asyncio.gather(*(self._store.add_report(report, due) for report, due in waiting))
            for report, _due in waiting:
                self._unstored.pop(report.id, None)
        self._log_once.end(REPORTS_LOST, "no report is lost any more")
        self._log_once.end(UNSTORED_REPORTS, "the store keeps all reports again")

    async def close(self) -> None:
        """Store what waits in memory, and say what is lost where that fails."""
        try:
            await self.store_waiting_reports()
        except StoreError as error:
            count = len(self._unstored)
            log.error("%d reports are lost, as the store cannot keep them: %s", count, error)  # noqa: TRY400  # its text says it all

    async def deliver_due_reports(self) -> int:
        """Deliver every report that is due, and return the number of delivered ones. Receivers are
        served in parallel. A claim protects each report from its first byte to the end of its
        attempt.
        """
        arrived, attempts = 0, dict[asyncio.Task[bool], bytes]()
        try:
            while True:
                try:
                    # here, as the loop lasts for as long as reports are due
                    await self.store_waiting_reports()
                    await self._start_attempts(attempts)
                except StoreError as error:
                    if not attempts:
                        raise
                    self._log_once.error(REPORTS_WAIT, error)
                if not attempts:
                    return arrived
                done, _ = await asyncio.wait(
                    attempts,
                    timeout=REPORT_PAUSE_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                for attempt in done:
                    del attempts[attempt]
                    arrived += attempt.result()
        finally:
            for attempt in attempts:
                attempt.cancel()

    async def _start_attempts(self, attempts: dict[asyncio.Task[bool], bytes]) -> None:
        """Start attempts up to the limits for all receivers and for each one."""
        while len(attempts) < MAX_CONCURRENT_REPORTS:
            counted = Counter(attempts.values())
            busy = [name for name, count in counted.items() if count >= REPORTS_PER_RECEIVER]
            letter = await self._store.claim_report(self._clock(), REPORT_LEASE_SECONDS, busy)
            self._log_once.end(REPORTS_WAIT, REPORTS_READ_AGAIN)
            if letter is None:
                return
            attempts[asyncio.create_task(self._attempt_report(letter))] = letter.id[:RECEIVER_BYTES]

    async def _attempt_report(self, report: PendingReport) -> bool:
        """Whether the report is done: delivered, or refused for good."""
        if report.id in self._unsettled:  # delivered, but the store could not record that
            return await self._settle_report(report, None)
        content = self._codec.open(report.content.decode(), report.id.decode())
        if content is None:
            log.error("a stored report cannot be decrypted: its key is missing")
            await self._settle_report(report, None)
            return False
        # no caller waits, so it has the longest time
        request = replace(_decode_request(content), timeout=REPORT_SECONDS)
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                fetched = await self._fetch(request, REPORT_SECONDS)
        except TimeoutError:
            fetched = LookupResult(0, error="timeout")
        again = needs_retry(request, fetched)
        due = self._compute_next_due(report, request.service) if again else None
        await self._settle_report(report, due)
        return not again

    async def _settle_report(self, report: PendingReport, due: float | None) -> bool:
        """Record the result of an attempt. Repeats this while the store fails and the claim lasts."""
        end = time.monotonic() + REPORT_LEASE_SECONDS - REPORT_SECONDS - REPORT_PAUSE_SECONDS
        while True:
            try:
                await self._store.settle_report(report, due)
            except StoreError as error:
                self._log_once.error(ARRIVAL_NOT_NOTED, error)
                if due is None:
                    self._unsettled.add(report.id)
                if time.monotonic() > end:
                    return True
                await asyncio.sleep(REPORT_PAUSE_SECONDS)
            else:
                self._unsettled.discard(report.id)
                self._log_once.end(ARRIVAL_NOT_NOTED, "it is noted again that reports arrived")
                return True

    def _compute_next_due(self, report: PendingReport, service: str) -> float | None:
        """The time of the next attempt: the pause doubles after each, up to an hour. After a day
        the report is dropped.
        """
        due = self._clock() + min(
            REPORT_PAUSE_SECONDS * 2.0 ** min(report.tries, 12), MAX_REPORT_PAUSE_SECONDS
        )
        if due < report.expires:
            return due
        log.error("a report to %s is dropped after %d attempts", service, report.tries)
        return None


def _hash_receiver(request: LookupRequest) -> str:
    """The first bytes of the ids of all reports to one host."""
    host = urlsplit(request.url).netloc.encode()
    return hashlib.blake2b(host, digest_size=RECEIVER_BYTES // 2).hexdigest()
