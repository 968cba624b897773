"""Finds the state of a call, in the store or in its cookie, and the release of the call."""

import asyncio
from typing import Protocol

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.runtime.call_state import END_FACTS, Call, can_continue_on, decode_call
from flowengine.runtime.cookie import COOKIE_KEY, Codec
from flowengine.runtime.state_encryption import StateEncryption
from flowengine.runtime.step_start import (
    answers_another_menu,
    find_asked_state,
    is_from_conference,
)
from flowengine.sinch import CallbackEvent, Ice, Notify, Pie
from flowengine.states.parking_plan import CODE_FACT
from flowengine.states.queue_plan import KEPT_TURNS_FACT, QueueTurn, parse_kept_turns
from flowengine.states.room_plan import ROOM_FACT
from flowengine.states.verb import Verb
from flowengine.storage.sessions import SavedCall

STALE_STATE_NOTE = "the saved state is not that of the menu that was asked"


class ReleaseSource(Protocol):
    """A source of releases: the one for a new call, and any other one by its id, from memory or
    from the archive.
    """

    @property
    def current(self) -> Release: ...
    @property
    def loaded_releases(self) -> tuple[Release, ...]: ...
    def select_release(self, event: CallbackEvent) -> Release: ...
    def get(self, release_id: str) -> Release | None: ...
    async def load(self, release_id: str) -> Release | None: ...


class LocatedCall(msgspec.Struct, frozen=True):
    """A call as the server found it: its state where that is usable, its release, and the number of
    steps taken. `lost_flow` is the flow of a known call whose state is not usable, "" where the
    flow is not known either. `note` says what happened to a call whose own release or state is
    missing.
    """

    call: Call | None
    release: Release
    steps: int
    lost_flow: str | None = None
    note: str = ""


class Locator:
    """Finds calls. `codec` opens their cookies; with None the server reads no cookies."""

    def __init__(
        self, releases: ReleaseSource, codec: Codec | None, encryption: StateEncryption
    ) -> None:
        self.releases = releases
        self._codec = codec
        self._encryption = encryption

    async def load_release(self, call: Call) -> LocatedCall:
        """Load the release that the call began on, which this process does not have in memory, and
        return the located call.
        """
        release = await asyncio.create_task(self.releases.load(call.release))
        if release is None:
            return move_to_release(call, self.releases.current)
        return LocatedCall(call, release, call.steps)

    def is_state_in_cookie(self, event: CallbackEvent) -> bool:
        """Whether the cookie of this event holds the state of the call."""
        payload = self._open_cookie(event, -1)
        return payload is not None and decode_call(payload) is not None

    def can_ask_again(self, located: LocatedCall, event: CallbackEvent, saved: SavedCall) -> bool:
        """Whether the call waits in a question that the platform has received: the cookie of the
        last answer has come back.
        """
        call = located.call
        is_asked = call is not None and _is_question(located, call)
        return is_asked and self._open_cookie(event, saved.counter - 1) is not None

    def restore_saved(self, event: CallbackEvent, saved: SavedCall) -> Call | None:
        """The stored state in clear; None where no key decrypts it, or another version wrote it."""
        call = decode_call(saved.state)  # in clear, as nearly all are
        if call is not None:
            return call
        state = self._encryption.open_state(saved.state, event.call_id)
        return decode_call(state) if state is not None else None

    def find_call(self, event: CallbackEvent, saved: SavedCall | None) -> LocatedCall | Call:
        """The call of this event, from the store or from the cookie, whichever has more steps.
        Returns the bare call where this process does not have its release in memory.
        """
        counted, stored = 0, None
        if saved is not None:
            counted, stored = saved.counter, self.restore_saved(event, saved)
        call = self._choose_newer_state(event, stored, counted) if event.cookies else stored
        if call is None:
            known = saved is not None or COOKIE_KEY in event.cookies
            release = self.releases.select_release(event)
            return LocatedCall(None, release, counted, "" if known else None)
        if call.steps < counted:
            call = replace(call, steps=counted)
        found = self.releases.get(call.release)
        return call if found is None else LocatedCall(call, found, call.steps)

    def _choose_newer_state(
        self, event: CallbackEvent, stored: Call | None, counted: int
    ) -> Call | None:
        """The state in the store or in the cookie, whichever has more steps."""
        payload = self._open_cookie(event, -1 if stored is None else counted)
        # only the store had the newer state, and it is lost: what is stored now is older
        if payload == b"":
            return None
        carried = decode_call(payload) if payload else None
        if carried is None or (stored is not None and stored.steps >= carried.steps):
            return stored
        return carried

    def _open_cookie(self, event: CallbackEvent, counted: int) -> bytes | None:
        """The content of the cookie where it says more than `counted` steps. Opening a cookie is
        expensive, so an older one stays closed.
        """
        text = event.cookies.get(COOKIE_KEY)
        if not text or self._codec is None:
            return None
        return self._codec.open(text, event.call_id, counted)


def move_to_release(call: Call, current: Release) -> LocatedCall:
    """Move a call whose release cannot be loaded to the current one: it stays in its state where
    its values fit, else the state is discarded.
    """
    if can_continue_on(call, current):
        note = f"release {call.release} is gone: goes on in {current.id}"
        return LocatedCall(replace(call, release=current.id), current, call.steps, note=note)
    note = f"release {call.release} is gone, and {current.id} does not fit"
    return LocatedCall(None, current, call.steps, call.to_root_flow().flow, note)


def discard_state(located: LocatedCall) -> LocatedCall:
    """The same call without its state, which is older than the call."""
    flow = located.call.to_root_flow().flow if located.call else ""
    return LocatedCall(None, located.release, located.steps, flow, STALE_STATE_NOTE)


def is_unanswered_by(located: LocatedCall, event: CallbackEvent) -> bool:
    """Whether the platform continues without the answer to this event, as far as the state of the
    call tells.
    """
    if type(event) is Notify:
        return True
    if type(event) is not Pie:
        return False
    if is_from_conference(event):
        return True
    call = located.call
    return event.type == "sequence" and call is not None and not _is_question(located, call)


def is_waiting_for_other_menu(located: LocatedCall, event: CallbackEvent) -> bool:
    """Whether the event answers a named menu, and the call waits for another one. A caller who has
    hung up answers no menu, and a call that has ended waits for none.
    """
    call = located.call
    return (
        type(event) is Pie
        and event.type != "hangup"
        and call is not None
        and not call.ended
        and answers_another_menu(located.release, call, event)
    )


def resumes_on_events(located: LocatedCall) -> bool:
    """Whether several events may let the call go on from the state that it is in: the notice of a
    file, the end of the call, a hang-up in a menu.
    """
    verb = find_verb(located)
    return verb is not None and verb.resumes_on_events


def concerns_others(located: LocatedCall) -> bool:
    """Whether somebody else may have to know of the end of the call, as nobody has to of most."""
    call, verb = located.call, find_verb(located)
    return (verb is not None and (verb.calls_others or verb.is_in_room)) or (
        call is not None and not call.values.keys().isdisjoint(END_FACTS)
    )


def find_room_name(located: LocatedCall, verb: Verb | None) -> str:
    """The conference that the call is in, of those that are told of their callers; else "". `verb`
    is the state that the call is in.
    """
    call = located.call
    return call.values.get(ROOM_FACT, "") if verb and verb.is_in_room and call else ""


def find_parking_code(located: LocatedCall) -> str:
    """The code that the call is parked under, or has picked up another by; else ""."""
    # the state does not matter: a call may have gone on, and the code not know of it
    return located.call.values.get(CODE_FACT, "") if located.call else ""


def list_kept_turns(located: LocatedCall) -> list[QueueTurn]:
    """The turns in queues that begin to wait with the end of the call."""
    return parse_kept_turns(located.call.values.get(KEPT_TURNS_FACT, "")) if located.call else []


def find_verb(located: LocatedCall) -> Verb | None:
    """The compiled state that the call is in."""
    call = located.call
    program = located.release.programs.get(call.flow) if call is not None else None
    state = program.states.get(call.state) if program is not None and call is not None else None
    return state.verb if state is not None else None


def is_doubtful(located: LocatedCall, event: CallbackEvent) -> bool:
    """Whether the state of the call may not be the latest one: neither its cookie nor the name of
    the menu confirms it.
    """
    if located.call is None:
        return type(event) is not Ice
    return (
        type(event) is Pie
        and COOKIE_KEY not in event.cookies
        and not is_from_conference(event)
        and find_asked_state(located.release, event) != (located.call.flow, located.call.state)
    )


def _is_question(located: LocatedCall, call: Call) -> bool:
    program = located.release.programs.get(call.flow)
    return (
        program is not None
        and call.state in program.states
        and program.states[call.state].verb.is_question
    )
