"""The page of lines: groups and their queues, who is signed in, who waits, rings under way."""

import hashlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from flowengine.console.access import RequestRefusedError, get_user
from flowengine.console.change_requests import read_change
from flowengine.console.console_context import ConsoleContext
from flowengine.console.page_rendering import render_page
from flowengine.console.session_access import MissingSessionsError, open_sessions
from flowengine.environment import VARIABLES
from flowengine.journal.call_index import CallIndex
from flowengine.journal.call_search import ListedCall
from flowengine.journal.journal_error import JournalError
from flowengine.runtime.cookie import Codec, derive_key
from flowengine.runtime.orchestration_encoding import OrchestrationEncoding, OwnedRing
from flowengine.runtime.orchestrations import LIVE_KIND
from flowengine.runtime.queue_overview import (
    AgentOverview,
    Groups,
    QueueChangeRefusedError,
    QueueOverview,
    load_group_members,
    load_queue_overviews,
    sign_member,
)
from flowengine.runtime.queue_supervision import (
    WaitingCaller,
    list_waiting_callers,
    take_out_caller,
)
from flowengine.server import keys
from flowengine.sinch.address_mask import mask_address
from flowengine.states.queue_plan import AgentStatus
from flowengine.storage.sessions import OrchestrationStore, Store, StoreError

log = logging.getLogger(__name__)
MAX_LISTED_RINGS = 100
RUNG_PHASES = ("rings", "joined")
MAX_LISTED_CALLERS = 200
HANDLE_KEY_BYTES = 32
MakeLineChange = Callable[[OrchestrationStore], Awaitable[str]]
"""Makes a change, and says what was done"""


class SigningChange(msgspec.Struct, forbid_unknown_fields=True):
    """A member of a group, by the handle that the page has, and what they do."""

    group: str
    member: str
    sign: AgentStatus


class DismissChange(msgspec.Struct, forbid_unknown_fields=True):
    """A caller to take out of the queue of a group, in the wait with this number."""

    group: str
    call: str
    number: int


class ShownMember(NamedTuple):
    """A member as the page shows them; `handle` stands for the address, which it does not have, and
    `place` is that in the group of the project, 0 for one who is not there any more.
    """

    handle: str
    agent: AgentOverview
    place: int


class ShownCaller(NamedTuple):
    """A caller who waits, with what the journal has of the call, where it has it. Of a call-back `call`
    is the one that has asked for it, `to` the masked address that is called, and `next_try` when,
    where that is known; one that was `cancelled_by` somebody while it called is tried no more; one
    that `is_unreadable` was encrypted with a key that this console has not.
    """

    wait: WaitingCaller
    call: str
    listed: ListedCall | None
    to: str = ""
    tries: int = 0
    next_try: float = 0.0
    cancelled_by: str = ""
    is_unreadable: bool = False


class ShownRing(NamedTuple):
    """A ring under way: the caller, and the members who are called, with the phase of each."""

    call: str
    listed: ListedCall | None
    group: str
    legs: Sequence[tuple[str, str]]


class LinesView(NamedTuple):
    """All that the page shows; `now` is the time of the store, and of `unreadable` call-backs and
    rings the console has no key.
    """

    now: float = 0.0
    queues: Sequence[QueueOverview] = ()
    members: Sequence[ShownMember] = ()
    waiting: Sequence[ShownCaller] = ()
    more_waiting: int = 0
    rings: Sequence[ShownRing] = ()
    unreadable: int = 0


def build_line_routes(context: ConsoleContext) -> list[BaseRoute]:
    key = secrets.token_bytes(HANDLE_KEY_BYTES)

    async def show_lines(request: Request) -> Response:
        view, missing, failure = LinesView(), "", ""
        try:
            index = await context.calls.load_index()
            async with open_sessions(context.settings) as store:
                view = await load_lines(
                    require_queues(store), build_encoding(context), get_groups(context), key, index
                )
        except MissingSessionsError as error:
            missing = str(error)
        except (StoreError, JournalError, OSError) as error:
            failure = str(error)
        return render_page(
            request,
            "lines.html",
            view=view,
            missing=missing,
            failure=failure,
            statuses=SIGNING,
        )

    async def sign(request: Request) -> Response:
        async def change(store: OrchestrationStore) -> str:
            asked = await read_change(request, SigningChange)
            groups = get_groups(context)
            address = await find_address(store, asked.group, asked.member, groups, key)
            now, who = store.clock(), get_user(request).name
            await sign_member(store, asked.group, address, asked.sign, now, groups, signer=who)
            return f"{mask_address(address)} {SIGNING_DONE[asked.sign]} {asked.group}"

        return await run_line_change(context, request, change)

    async def dismiss(request: Request) -> Response:
        return await run_line_change(context, request, lambda store: take_out(store, request))

    return [
        Route("/lines", show_lines),
        Route("/lines/sign", sign, methods=["POST"]),
        Route("/lines/dismiss", dismiss, methods=["POST"]),
    ]


SIGNING: dict[AgentStatus, str] = {"in": "Sign in", "pause": "Pause", "out": "Sign out"}
SIGNING_DONE: dict[AgentStatus, str] = {
    "in": "is signed in to", "pause": "pauses in", "out": "is signed out of",
}  # fmt: skip


async def take_out(store: OrchestrationStore, request: Request) -> str:
    """Take a caller out of a queue; says what has come of it. Raises QueueChangeRefusedError."""
    asked = await read_change(request, DismissChange)
    now = store.clock()
    for caller in await list_waiting_callers(store, now, asked.group):
        if (caller.call, caller.number) == (asked.call, asked.number):
            return await take_out_caller(store, caller, get_user(request).name, now)
    raise QueueChangeRefusedError("the caller does not wait any more")


def require_queues(store: Store) -> OrchestrationStore:
    """What the store keeps of queues. Raises StoreError."""
    if store.orchestrations is None:
        raise StoreError("this store keeps no queues")
    return store.orchestrations


async def run_line_change(
    context: ConsoleContext, request: Request, change: MakeLineChange
) -> Response:
    """Make a change, and record who has made it."""
    who = get_user(request).name
    try:
        async with open_sessions(context.settings) as store:
            done = await change(require_queues(store))
    except RequestRefusedError as refused:
        return JSONResponse({"error": str(refused)}, refused.status)
    except (QueueChangeRefusedError, StoreError, OSError) as error:
        return JSONResponse({"error": str(error)}, 409)
    log.info("%s: %s", who, done)
    return JSONResponse({"message": done})


def build_encoding(context: ConsoleContext) -> OrchestrationEncoding:
    """Opens what orchestrations keep, with all keys of the server."""
    release = context.project.latest.release
    applications = release.applications if release else {}
    folder = context.settings.server.folder
    found = keys.find_opening_keys(applications, VARIABLES, folder) or [""]
    return OrchestrationEncoding(Codec([derive_key(text) for text in found]))


def get_groups(context: ConsoleContext) -> Groups:
    """The groups of the flows that the console shows."""
    release = context.project.latest.release
    return release.groups if release else {}


async def load_lines(
    store: OrchestrationStore,
    encoding: OrchestrationEncoding,
    groups: Groups,
    key: bytes,
    index: CallIndex | None,
) -> LinesView:
    """How lines stand now. Raises StoreError."""
    now = store.clock()
    waiting = await list_waiting_callers(store, now)
    callers = [
        await describe_caller(store, encoding, wait, index) for wait in waiting[:MAX_LISTED_CALLERS]
    ]
    rings = [saved for saved in await store.list_orchestrations(LIVE_KIND) if saved.state]
    owned = [encoding.decode_ring(saved) for saved in rings]
    rung = [one for one in owned if one and one.ring.phase in RUNG_PHASES]
    return LinesView(
        now,
        await load_queue_overviews(store, now, groups),
        [
            ShownMember(
                make_handle(member.address, key),
                member.overview,
                find_place(groups, member.overview.group, member.address),
            )
            for member in await load_group_members(store, now, groups)
        ],
        callers,
        max(len(waiting) - MAX_LISTED_CALLERS, 0),
        [describe_ring(one, index) for one in rung[:MAX_LISTED_RINGS]],
        sum(caller.is_unreadable for caller in callers) + owned.count(None),
    )


async def describe_caller(
    store: OrchestrationStore,
    encoding: OrchestrationEncoding,
    wait: WaitingCaller,
    index: CallIndex | None,
) -> ShownCaller:
    """A caller with the call to look at, and with what the placement of a call-back says, where a key
    opens it.
    """
    call, owned = wait.call, None
    if wait.is_call_back:
        saved = await store.load_orchestration(wait.call)
        owned = encoding.decode_placement(saved) if saved else None
        call = owned.caller if owned else ""
    listed = index.find_call(call) if index and call else None
    if owned is None:
        return ShownCaller(wait, call, listed, is_unreadable=wait.is_call_back)
    placement = owned.placement
    to = mask_address(placement.plan.to.address)
    next_try = placement.due if wait.is_later else 0.0
    return ShownCaller(wait, call, listed, to, placement.tries, next_try, placement.cancelled_by)


def find_place(groups: Groups, group: str, address: str) -> int:
    """Which member of a group this is, from 1; 0 for nobody."""
    members = groups[group].members if group in groups else ()
    places = (place for place, one in enumerate(members, 1) if one.address == address)
    return next(places, 0)


async def find_address(
    store: OrchestrationStore, group: str, handle: str, groups: Groups, key: bytes
) -> str:
    """The address of the member of a group with this handle. Raises QueueChangeRefusedError."""
    for member in await load_group_members(store, store.clock(), groups):
        if member.overview.group == group and make_handle(member.address, key) == handle:
            return member.address
    raise QueueChangeRefusedError(f"nobody in the group {group} is meant")


def make_handle(address: str, key: bytes) -> str:
    """What stands for an address on the page. Without the key, which only this process has, nobody
    finds the address by trying all numbers.
    """
    return hashlib.blake2b(address.encode(), key=key, digest_size=12).hexdigest()


def describe_ring(owned: OwnedRing, index: CallIndex | None) -> ShownRing:
    ring = owned.ring
    legs = [(mask_address(leg.member.address), leg.phase) for leg in ring.legs]
    listed = index.find_call(ring.id) if index else None
    return ShownRing(ring.id, listed, ring.plan.group, legs)
