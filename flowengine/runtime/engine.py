"""Drives the step for one callback: finds the call's state, performs what the flow asks of the
outside, keeps the state, answers.

A callback that comes twice gets the same answer and does nothing twice. Whatever fails in here, the
caller hears an apology.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.limits import (
    CALL_KEPT_SECONDS,
    FETCH_MARGIN_SECONDS,
    MAX_COOKIE_BYTES,
    MAX_RETAKEN_STEPS,
)
from flowengine.pace import elsewhere, give_way_to
from flowengine.runtime.call import Call, dump, fits, restore
from flowengine.runtime.complaints import Complaints
from flowengine.runtime.cookie import COOKIE_KEY, Codec, size
from flowengine.runtime.outbox import Outbox, undelivered
from flowengine.runtime.step import Entry, Outcome, resume, step
from flowengine.runtime.store import Saved, Store, StoreError
from flowengine.runtime.vault import Vault
from flowengine.sinch import Dice, Event, Ice, Notify
from flowengine.states import Fetched, Names, Request, Run
from flowengine.svaml import Hangup, SetCookie, encode

log = logging.getLogger(__name__)
Fetch = Callable[[Request, float], Awaitable[Fetched]]


class Releases(Protocol):
    """Where releases come from: one for a new call, any by its id for calls under way, wherever it
    must be fetched from.
    """

    @property
    def current(self) -> Release: ...
    @property
    def known(self) -> tuple[Release, ...]: ...
    def release_for(self, event: Event) -> Release: ...
    def get(self, release_id: str) -> Release | None: ...
    async def load(self, release_id: str) -> Release | None: ...


class Record(msgspec.Struct, frozen=True):
    """What one callback was and became. `outcome` is answered, apology, unrouted, unkept or error.

    The last four are what the step began with and ended with, so that it can be taken again: its
    time, the outcomes of its requests, all values, and the call as it was found.
    """

    event: Event
    release: str
    call: Call | None
    trace: tuple[Entry, ...]
    seconds: float
    fetch_seconds: float
    repeated: bool
    outcome: str
    at: float = 0.0
    asked: Sequence[tuple[Request, Fetched]] = ()
    names: Mapping[str, Any] = {}
    found: "Found | None" = None

    @property
    def flow(self) -> str:
        return self.call.flow if self.call else ""

    @property
    def state(self) -> str:
        return self.call.state if self.call else ""

    @property
    def step(self) -> int:
        return self.call.steps if self.call else 0


class Reply(msgspec.Struct, frozen=True):
    """The bytes of an answer and what to note of it."""

    body: bytes
    record: Record


class Found(msgspec.Struct, frozen=True):
    """A call as it was found: its state where it is usable, its release, and how many steps are
    known to have been taken.

    Where it was known once and is not usable, `gone` is its flow, as far as that can be told.
    `note` says what became of a call whose own release is gone.
    """

    call: Call | None
    release: Release
    steps: int
    gone: str | None = None
    note: str = ""


class Work(msgspec.Struct):
    """One callback being answered. `awaited` exists once the same delivery came again in the
    meantime; `asked` are the requests performed so far, so that none is made twice when the call
    has gone on in between and the step is taken anew.
    """

    event: Event
    digest: bytes
    begun: float
    fetched: float = 0.0
    awaited: asyncio.Future[Reply | None] | None = None
    claimed: bool = False
    asked: list[tuple[Request, Fetched]] = []
    at: float = 0.0
    found: Found | None = None

    async def same(self) -> Reply | None:
        """The reply that the first delivery gets; None if it was given up."""
        if self.awaited is None:
            self.awaited = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self.awaited)


class Engine:
    """Answers callbacks. One per worker; holds no state of any call beyond a callback."""

    def __init__(
        self,
        releases: Releases,
        store: Store,
        codec: Codec | None,
        fetch: Fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.releases = releases
        self.store = store
        self.codec = codec
        self.vault = Vault(codec)
        self.outbox = Outbox(store, codec, fetch, clock) if codec else None
        self.fetch = fetch
        self.clock = clock
        self.under_way: dict[bytes, Work] = {}
        give_way_to(self.under_way)
        self.complaints = Complaints(log)

    async def answer(self, event: Event, body: bytes) -> Reply:
        """The answer to a callback; `body` is its raw form, by which a repeated delivery is known.
        Never raises.
        """
        digest = hashlib.blake2b(body, digest_size=16).digest()
        while (running := self.under_way.get(digest)) is not None:
            reply = await running.same()
            if reply is not None:
                return Reply(reply.body, replace(reply.record, repeated=True))
        work = self.under_way[digest] = Work(event, digest, time.perf_counter())
        reply = None
        try:
            reply = await self.worked(work)
        except StoreError as error:
            self.complaints.error(
                "calls whose state is in the store alone hear the apology: %s", error
            )
            reply = self.apology(work)
        except Exception:  # whatever it is, a caller is on the line
            log.exception("callback of call %s failed", event.call_id)
            reply = self.apology(work)
        finally:
            del self.under_way[digest]
            if work.awaited is not None:
                work.awaited.set_result(reply)
        return reply

    async def worked(self, work: Work) -> Reply:
        """Step from what is saved, as often as another callback of this call has saved something
        else in the meantime.

        A call that rings is taken for new: nothing of it need be read, and where it is not new
        saving tells.
        """
        event = work.event
        try:
            saved = None if isinstance(event, Ice) else await self.store.load(event.call_id)
        except StoreError as error:
            if not self.does_without(event):
                raise
            self.complaints.error("calls go on without the store: %s", error)
            saved = None
        for _ in range(MAX_RETAKEN_STEPS):
            if saved is not None and (again := self.repeated(work, saved)) is not None:
                return again
            found = self.find(event, saved)
            if isinstance(found, Call):
                found = await self.pinned(found)
            work.found, work.at = found, self.clock()
            outcome = step(
                found.release, found.call, event, datetime.fromtimestamp(work.at, UTC), found.gone
            )
            if outcome.waiting is not None:
                won = None if work.claimed else await self.claimed(work, found)
                if isinstance(won, Reply):
                    return won
                if won is not None:
                    saved = won
                    continue
                # A task of its own, as requests count on running in one, and whoever awaits an
                # answer may drive it without.
                outcome = await asyncio.create_task(self.performed(work, outcome, found.release))
            kept = await self.kept(work, found, outcome)
            if isinstance(kept, Reply):
                return kept
            saved = kept
        raise RuntimeError("other callbacks of this call were always first")

    def does_without(self, event: Event) -> bool:
        """Whether this callback can be answered while the store fails: calls go on where their
        cookie comes back.
        """
        return self.carried(event, -1) is not None

    def find(self, event: Event, saved: Saved | None) -> "Found | Call":
        """The state of a call, from the store or the cookie, whichever has counted further; and the
        release that it began on.

        Where this process does not have that release, the call alone.
        """
        stored = self.stored(event, saved) if saved else None
        carried = self.carried(event, saved.counter if stored and saved else -1)
        call = stored if carried is None or (stored and stored.steps >= carried.steps) else carried
        counted = saved.counter if saved else 0
        if call is None:
            known = saved is not None or COOKIE_KEY in event.cookies
            return Found(None, self.releases.release_for(event), counted, "" if known else None)
        if call.steps < counted:
            call = replace(call, steps=counted)
        release = self.releases.get(call.release)
        return call if release is None else Found(call, release, call.steps)

    async def pinned(self, call: Call) -> Found:
        """A call whose release must be fetched, or is gone."""
        release = await asyncio.create_task(self.releases.load(call.release))
        return (
            orphaned(call, self.releases.current)
            if release is None
            else Found(call, release, call.steps)
        )

    def stored(self, event: Event, saved: Saved) -> Call | None:
        state = self.vault.state(saved.state, event.call_id)
        return restore(state) if state is not None else None

    def carried(self, event: Event, known: int) -> Call | None:
        """What the cookie carries, where it claims to have counted further than what is `known`;
        opening one for nothing is dear.
        """
        text = event.cookies.get(COOKIE_KEY) if event.cookies else None
        if not text or self.codec is None:
            return None
        payload = self.codec.open(text, event.call_id, known)
        return restore(payload) if payload is not None else None

    async def claimed(self, work: Work, found: Found) -> Reply | Saved | None:
        """Make sure that only one worker performs the requests of this callback; the answer of the
        other where there is one.

        Where the call has gone on since it was found, what is saved of it: the step is to be taken
        from there before anything is asked.
        """
        work.claimed = True
        limit = self.clock() + found.release.deadline
        while self.clock() < limit:
            try:
                free = await self.store.claim(work.event.call_id, work.digest, limit)
                if not free:
                    await asyncio.sleep(0.02)
                saved = await self.store.load(
                    work.event.call_id
                )  # also when it is free: the other may just have answered
            except StoreError as error:
                self.complaints.error("calls ask other systems without a claim: %s", error)
                return await self.known(work)
            if saved is not None and (again := self.repeated(work, saved)) is not None:
                return again
            if free:
                return saved if saved is not None and saved.counter > found.steps else None
        return None

    async def known(self, work: Work) -> Reply | None:
        """What a call that rings has been answered, where the store cannot tell by saving: a full
        disk can still be read.
        """
        if not isinstance(work.event, Ice):
            return None
        try:
            saved = await self.store.load(work.event.call_id)
        except StoreError:
            return None
        return self.repeated(work, saved) if saved is not None else None

    async def performed(self, work: Work, outcome: Outcome, release: Release) -> Outcome:
        """Perform the requests of a step, one after the other, within the callback's deadline."""
        answers = list(work.asked)
        while outcome.waiting is not None:
            asked = time.perf_counter()
            left = release.deadline - FETCH_MARGIN_SECONDS - (asked - work.begun)
            fetched = await self.asked(work, answers, outcome.waiting.request, left)
            work.fetched += time.perf_counter() - asked
            outcome = resume(outcome.waiting, fetched)
        return outcome

    async def asked(
        self, work: Work, answers: list[tuple[Request, Fetched]], request: Request, left: float
    ) -> Fetched:
        """The outcome of a request; the one known already where this step was taken before."""
        if answers and answers[0][0] == request:
            return answers.pop(0)[1]
        answers.clear()
        with elsewhere():
            fetched = await self.fetch(request, left) if left > 0 else Fetched(0, error="timeout")
        work.asked.append((request, fetched))
        if (
            self.outbox is not None
            and isinstance(work.event, (Dice, Notify))
            and undelivered(request, fetched)
        ):
            await self.outbox.keep(request, work.digest)
        return fetched

    async def kept(self, work: Work, found: Found, outcome: Outcome) -> Reply | Saved:
        """Keep the state, then answer: an answer leaves only when its state would survive a killed
        process.

        Where another callback of this call was first, what it saved.
        """
        call = outcome.call
        if found.note:
            outcome = replace(
                outcome,
                trace=(
                    Entry(call.flow if call else "", call.state if call else "", found.note),
                    *outcome.trace,
                ),
            )
        if call is None:
            return Reply(
                encode(outcome.instructions, outcome.action),
                self.record(work, found.release, outcome, "unrouted"),
            )
        if call.steps <= found.steps:
            call = replace(call, steps=found.steps + 1)
        state = dump(call)
        guarded = (call.stack[0].flow if call.stack else call.flow) in found.release.guarded
        cookie = self.cookie(work.event, outcome, call.steps, state, guarded=guarded)
        body = encode(
            (*outcome.instructions, cookie) if cookie else outcome.instructions, outcome.action
        )
        saved = Saved(
            call.steps, state, work.digest, body, work.at, "" if call.ended else call.release
        )
        if guarded:
            saved = self.vault.sealed(saved, work.event.call_id, cookie.value if cookie else "")
        try:
            kept = await self.store.save(
                work.event.call_id, saved, self.clock() + CALL_KEPT_SECONDS
            )
        except StoreError as error:
            if not work.claimed and (again := await self.known(work)) is not None:
                return again
            if cookie is None and not call.ended:
                raise
            self.complaints.error("states of calls are in their cookies alone: %s", error)
            return Reply(body, self.record(work, found.release, outcome, "unkept"))
        if kept is not saved:
            return kept
        sorry = call.ended and any(entry.what == "apology" for entry in outcome.trace)
        return Reply(
            body, self.record(work, found.release, outcome, "apology" if sorry else "answered")
        )

    def cookie(
        self, event: Event, outcome: Outcome, steps: int, state: bytes, *, guarded: bool
    ) -> SetCookie | None:
        """The state as a cookie, where the platform takes one and it fits. It is sealed where it
        may hold a secret.
        """
        if (
            self.codec is None
            or isinstance(event, (Dice, Notify))
            or outcome.action is None
            or size(len(state)) > MAX_COOKIE_BYTES
        ):
            return None
        value = (
            self.codec.seal(state, event.call_id, steps)
            if guarded
            else self.codec.sign(state, event.call_id, steps)
        )
        return SetCookie(key=COOKIE_KEY, value=value)

    def record(self, work: Work, release: Release, outcome: Outcome, what: str) -> Record:
        seconds = time.perf_counter() - work.begun
        return Record(
            work.event, release.id, outcome.call, outcome.trace, seconds, work.fetched, False, what,
            work.at, work.asked, outcome.names, work.found,
        )  # fmt: skip

    def repeated(self, work: Work, saved: Saved) -> Reply | None:
        """The very answer that this delivery got before, if it was the last one."""
        if saved.digest != work.digest or not saved.answer:
            return None
        answer = self.vault.answer(saved.answer, work.event.call_id)
        if answer is None:
            return None
        call = self.stored(work.event, saved)
        record = replace(
            self.record(work, self.releases.current, Outcome(call, (), None, ()), "answered"),
            repeated=True,
        )
        return Reply(answer, replace(record, release=call.release) if call else record)

    def apology(self, work: Work) -> Reply:
        """The answer when the engine itself has failed."""
        release = self.releases.current
        body = apology(release, work.event)
        return Reply(body, self.record(work, release, Outcome(None, (), None, ()), "error"))


def orphaned(call: Call, current: Release) -> Found:
    """A call whose release is gone goes on in the same state of the current one if its values still
    fit, else it is as good as lost.
    """
    if fits(call, current):
        note = f"release {call.release} is gone: goes on in {current.id}"
        return Found(replace(call, release=current.id), current, call.steps, note=note)
    return Found(
        None,
        current,
        call.steps,
        call.root().flow,
        note=f"release {call.release} is gone, and {current.id} does not fit",
    )


def apology(release: Release, event: Event) -> bytes:
    """The words of last resort and a hang-up; events that want no words get none."""
    if isinstance(event, (Dice, Notify)):
        return b"{}"
    run = Run(event, Names.of({}, {}, event, datetime.now(UTC)), release.locale, 0)
    return encode(release.apology.instructions(run), Hangup())
