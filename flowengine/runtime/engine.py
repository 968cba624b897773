"""The engine answers callbacks; every protocol calls it. An event that is delivered twice gets the
same answer and has its effects once. Whatever fails here, the caller hears an apology.
"""

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from typing import cast

from msgspec.structs import replace

from flowengine.cooperative import watch_in_flight
from flowengine.limits import MAX_STEP_RETRIES
from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.calling_hours import ReleaseHours
from flowengine.runtime.cookie import Codec
from flowengine.runtime.delivery import (
    FIXED_IDENTITIES,
    CallbackDelivery,
    Reply,
    assume_connected,
    compute_plain_digest,
    is_unanswered,
    make_event_number,
    parse_stamp,
)
from flowengine.runtime.delivery_log import is_latest_answer, is_over, mark_undelivered
from flowengine.runtime.driver import StepDriver
from flowengine.runtime.leg_answers import LegAnswers
from flowengine.runtime.locate import LocatedCall, Locator, ReleaseSource
from flowengine.runtime.log_once import LogOnce
from flowengine.runtime.orchestrations import Orchestrations
from flowengine.runtime.outbox import Outbox
from flowengine.runtime.placement_answers import PlacementAnswers
from flowengine.runtime.placements import Placements
from flowengine.runtime.reply import EMPTY_BODY, Replier, make_record, render_apology
from flowengine.runtime.requester import FetchFunction, Requester
from flowengine.runtime.state_encryption import StateEncryption
from flowengine.runtime.step_outcome import Outcome, TraceEntry
from flowengine.runtime.store_failures import APOLOGY, LOST_NOT_KEPT
from flowengine.sinch import CallbackEvent, Dice
from flowengine.states import OwnEvent
from flowengine.states.flow_context import RingGroup
from flowengine.storage.sessions import Store, StoreError

__all__ = ["CallbackRecord", "Engine", "LocatedCall", "ReleaseSource", "Reply", "render_apology"]

log = logging.getLogger(__name__)


class Engine:
    """Answers callbacks. A worker has one engine, which holds the state of a call only while it
    answers a callback. `create_trace` makes the list that a step writes its trace into.
    """

    def __init__(
        self,
        releases: ReleaseSource,
        store: Store,
        codec: Codec | None,
        fetch: FetchFunction,
        clock: Callable[[], float] | None = None,
        create_trace: Callable[[], list[TraceEntry]] = list,
    ) -> None:
        self.releases = releases
        self._store = store
        # The fingerprint has a key: from a plain digest, the keys that a caller pressed could be
        # found by trying.
        self._compute_fingerprint = codec.compute_fingerprint if codec else compute_plain_digest
        self._clock = clock = clock or store.clock
        self._log_once = LogOnce(log)
        self.outbox = Outbox(store, codec, fetch, clock) if codec else None
        encryption = StateEncryption(codec)
        locator = Locator(releases, codec, encryption)
        self.orchestrations, legs = None, None
        self.placements, placed_calls = None, None
        if codec is not None and (rows := store.orchestrations) is not None:
            self.orchestrations = Orchestrations(
                rows, codec, clock, lambda group: find_live_group(releases, group)
            )
            legs = LegAnswers(store, self.orchestrations, codec, clock)
            hours = ReleaseHours(lambda: releases.current)
            self.placements = Placements(rows, codec, hours, clock)
            select = releases.select_release
            placed_calls = PlacementAnswers(store, self.placements, codec, select, clock)
        self._replier = Replier(
            store, codec, encryption, locator, clock, self._log_once,
            self.orchestrations, self.placements,
        )  # fmt: skip
        requester = Requester(fetch, self.outbox, self.orchestrations)
        self._driver = StepDriver(
            store, locator, self._replier, requester, clock, self._log_once, legs, placed_calls,
            create_trace,
        )  # fmt: skip
        self.in_flight: dict[bytes, CallbackDelivery] = {}
        watch_in_flight(self.in_flight)

    async def answer(
        self,
        event: CallbackEvent,
        body: bytes,
        stamp: bytes = b"",
        is_connected: Callable[[], bool] = assume_connected,
    ) -> Reply:
        """The answer to a callback. Never raises.

        `body` is the raw request; it and its x-timestamp `stamp` identify a repeated delivery.
        `is_connected` tells whether the sender still waits.
        """
        delivery = self._create_delivery(event, body, stamp, is_connected)
        in_flight, key = self.in_flight, delivery.in_flight_key
        while (key in in_flight or delivery.is_unanswered) and (
            running := self._find_in_flight(delivery)
        ):
            # counted before it waits: the first request may lose the answer before this one has it
            running.recipients += 1
            try:
                shared = await running.wait_for_reply()
            except asyncio.CancelledError:
                running.recipients -= 1
                raise
            if shared is not None:
                record = replace(shared.record, repeated=True)
                return Reply(shared.body, record, shared.delivery)
        in_flight[key] = delivery
        reply = None
        try:
            reply = await self._driver.answer_once(delivery)
        except StoreError as error:
            self._log_once.error(APOLOGY, error)
            if type(event) is Dice and self.orchestrations is not None:
                self.orchestrations.missed_ends.set()
            reply = self._reply_with_apology(delivery)
        except Exception:  # whatever the error is, a caller is on the line
            log.exception("callback of call %s failed", event.call_id)
            reply = self._reply_with_apology(delivery)
        finally:
            del in_flight[key]
            if delivery.shared is not None:
                delivery.shared.set_result(reply)
        return reply

    async def answer_result(self, result: OwnEvent, body: bytes) -> Reply | None:
        """The answer for a caller who goes on in the flow, or hears how it stands; None where they
        have gone on since, or have hung up. The `body` identifies the result, and is the same in each try. Raises
        StoreError.
        """
        event = cast("CallbackEvent", result)  # the step tells them apart
        delivery = self._create_delivery(event, body, b"", assume_connected)
        try:
            reply = await self._driver.answer_once(delivery)
            saved = await self._store.load(event.call_id) if reply.record.repeated else None
        except StoreError:
            raise
        except Exception:  # whatever the error is, a caller is on the line
            log.exception("call %s cannot go on in its flow", event.call_id)
            return self._reply_with_apology(delivery)
        has_gone_on = saved is not None and (
            is_over(saved) or not is_latest_answer(saved, delivery.identity)
        )
        return None if has_gone_on or reply.body == EMPTY_BODY else reply

    async def note_undelivered(self, reply: Reply) -> None:
        """Note that this reply did not reach the platform, which sends the event again."""
        delivery = reply.delivery
        if delivery is None:
            return
        delivery.recipients -= 1
        if delivery.recipients:
            return  # another request has got the same answer, or is about to
        try:
            for _ in range(MAX_STEP_RETRIES):
                saved = await self._store.load(delivery.event.call_id)
                log_bytes = mark_undelivered(saved, delivery) if saved is not None else None
                if saved is None or log_bytes is None:
                    return
                if await self._replier.save_log(delivery.event, saved, log_bytes):
                    return
        except StoreError as error:
            self._log_once.error(LOST_NOT_KEPT, error)

    def _create_delivery(
        self, event: CallbackEvent, body: bytes, stamp: bytes, is_connected: Callable[[], bool]
    ) -> CallbackDelivery:
        moment = parse_stamp(stamp)
        identity = FIXED_IDENTITIES.get(type(event))
        if identity is None:
            identity = key = self._compute_fingerprint(body)
            unanswered = is_unanswered(event)
            if unanswered:
                key += make_event_number(moment)
        else:
            unanswered = not event.is_awaited
            key = identity + event.call_id.encode("utf-8", "surrogatepass")
        return CallbackDelivery(
            event, body, identity, moment, is_connected, self._clock(), perf_counter(), key,
            unanswered,
        )  # fmt: skip

    def _find_in_flight(self, delivery: CallbackDelivery) -> CallbackDelivery | None:
        """The delivery in flight with the same event."""
        running = self.in_flight.get(delivery.in_flight_key)
        if running is not None or not delivery.is_unanswered or type(delivery.event) is Dice:
            return running
        for other in self.in_flight.values():
            if other.identity == delivery.identity and not other.is_connected():
                return other
        return None

    def _reply_with_apology(self, delivery: CallbackDelivery) -> Reply:
        """The answer when the engine itself has failed."""
        release = self.releases.current
        record = make_record(delivery, release.id, Outcome(None, (), None, ()), "error")
        return Reply(render_apology(release, delivery.event), record)


def find_live_group(releases: ReleaseSource, name: str) -> RingGroup | None:
    """The group in the release that is live now."""
    return releases.current.groups.get(name)
