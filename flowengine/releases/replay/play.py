"""One recorded call on another release: the same events, the same answers of other systems, at the
same times.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import zip_longest

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.journal import Recorded
from flowengine.journal.masking import masked_reason
from flowengine.journal.row import ACTION, REPEATED, Lookup, Sealed
from flowengine.releases.replay.meaning import differs
from flowengine.runtime.call import Call
from flowengine.runtime.locate import STATE_IS_OLD
from flowengine.runtime.step import Entry, Outcome, resume, step
from flowengine.sinch import Event, decode
from flowengine.states import Fetched, Request
from flowengine.svaml import encode

ASKS_AGAIN = "answers"
ONCE_A_CALL = ("ice", "dice")


# no error: it happens to calls that were recorded in part
class NotReplayable(Exception):  # noqa: N818
    """A call that cannot be run again; the message says why."""


class Difference(msgspec.Struct, frozen=True, order=True):
    """How a call goes differently, and where first. `kind` is exit, lookup, answer or error."""

    flow: str
    state: str
    event: str
    kind: str
    what: str


class NewLookup(Exception):  # noqa: N818  # ends a step that cannot go on
    """A release asks what was not asked in the recorded call."""

    def __init__(self, entry: Entry, request: Request) -> None:
        super().__init__(f"asks {request.service} what it did not ask then ({request.method})")
        self.entry = entry


def replayed(release: Release, callbacks: Sequence[Recorded]) -> Difference | None:
    """How a call goes on this release, compared with how it went: the first difference. Raises
    NotReplayable.
    """
    call: Call | None = None
    for recorded in first_deliveries(callbacks):
        whole = opened(recorded)
        if whole.known and call is None:
            raise NotReplayable("its beginning is not in the journal")
        event = event_of(whole)
        before = call if whole.known else None
        try:
            outcome = taken(release, before, event, whole)
        except NewLookup as lookup:
            return Difference(
                lookup.entry.flow, lookup.entry.state, event.kind, "lookup", str(lookup)
            )
        found = compared(event, outcome, whole)
        if found is not None:
            return found
        call = outcome.call or call
    return None


def first_deliveries(callbacks: Sequence[Recorded]) -> Iterator[Recorded]:
    """The callbacks without those that only repeat one."""
    answered = {_event_key(recorded) for recorded in callbacks if recorded.outcome != REPEATED}
    for recorded in callbacks:
        if recorded.outcome != REPEATED:
            yield recorded
        elif _event_key(recorded) not in answered:
            raise NotReplayable("the server was stopped while it recorded it")


def _event_key(recorded: Recorded) -> str | bytes:
    """What is equal for all deliveries of an event: a call begins once and ends once, whatever
    bytes say so.
    """
    return recorded.event if recorded.event in ONCE_A_CALL else recorded.digest


def opened(recorded: Recorded) -> Sealed:
    if recorded.outcome == "error":
        raise NotReplayable("the server failed in it")
    if not recorded.kept:
        raise NotReplayable("it was recorded without what replay needs (replay: false)")
    if recorded.whole is None:
        raise NotReplayable("it is sealed with a key that is not here")
    return recorded.whole


def event_of(whole: Sealed) -> Event:
    event = decode(whole.event)
    return (
        event
        if event.application_key == whole.application
        else replace(event, application_key=whole.application)
    )


def taken(release: Release, call: Call | None, event: Event, whole: Sealed) -> Outcome:
    """The step, with the recorded answers of other systems."""
    known = list(whole.lookups)
    outcome = step(release, call, event, datetime.fromtimestamp(whole.at, UTC), whole.gone)
    while outcome.waiting is not None:
        request, walk = outcome.waiting.request, outcome.waiting.walk
        found = next((lookup for lookup in known if same(request, lookup)), None)
        if found is None:
            raise NewLookup(walk.trace[-1], request)
        known.remove(found)
        outcome = resume(
            outcome.waiting, Fetched(found.status, msgspec.json.decode(found.answer), found.error)
        )
    return outcome


def same(request: Request, lookup: Lookup) -> bool:
    """Whether a request asks what was asked; in which order its values are written does not count."""
    asked, then = (
        (request.service, request.method, request.url),
        (lookup.service, lookup.method, lookup.url),
    )
    return asked == then and (
        request.body == lookup.body or data(request.body) == data(lookup.body)
    )


def data(body: bytes) -> object:
    return msgspec.json.decode(body) if body else None


def compared(event: Event, outcome: Outcome, whole: Sealed) -> Difference | None:
    """The first thing in which a step went differently. Names of states, and states passed on the
    way, may be others.
    """
    now = outcome.trace
    then = tuple(Entry(*entry) for entry in whole.trace if not _is_note(entry[2]))
    kind, what = judged(event, now, then, whole, encode(outcome.instructions, outcome.action))
    if not kind:
        return None
    place = parting(now, then)
    return Difference(place.flow, place.state, event.kind, kind, what)


def _is_note(what: str) -> bool:
    """Whether this tells how the call was found, not what a state did."""
    return what == STATE_IS_OLD or what.startswith("release ")


def judged(
    event: Event, now: Sequence[Entry], then: Sequence[Entry], whole: Sealed, answer: bytes
) -> tuple[str, str]:
    """The kind of difference, and it in words."""
    failed = [entry.what for entry in now if entry.what.startswith("failed: ")]
    if len(failed) > sum(entry.what.startswith("failed: ") for entry in then):
        return "error", masked_reason(failed[-1])
    if whole.known and event.kind in ("pie", "ace") and left_otherwise(now, then):
        return "exit", f"{exit_words(now[0])}; then {exit_words(then[0])}"
    if (asks := [entry.what for entry in now if asked(entry)]) != (
        asked_then := [entry.what for entry in then if asked(entry)]
    ):
        return "lookup", f"{listed(asks)}; then {listed(asked_then)}"
    part = differs(answer, whole.answer)
    return ("answer", answered(part, answer, whole.answer)) if part else ("", "")


def answered(part: str, now: bytes, then: bytes) -> str:
    """Where answers differ, in words; what they say stays out of reports, as it may be about a
    caller.
    """
    if part not in ("action", "action.name"):
        return f"another {part}"
    actions = [
        found[1].decode() if (found := ACTION.search(answer)) else "nothing"
        for answer in (now, then)
    ]
    return f"{actions[0]}; then {actions[1]}"


def left_otherwise(now: Sequence[Entry], then: Sequence[Entry]) -> bool:
    """Whether the state that the call waited in, by the same name, was left by another exit."""
    if not now or not then or (now[0].flow, now[0].state) != (then[0].flow, then[0].state):
        return False
    return now[0].what != then[0].what


def exit_words(entry: Entry) -> str:
    return "stays" if entry.what == ASKS_AGAIN else f"takes {entry.what}"


def asked(entry: Entry) -> bool:
    return entry.what.startswith("asks ")


def listed(asks: Sequence[str]) -> str:
    return " and ".join(asks) or "asks nobody"


def parting(now: Sequence[Entry], then: Sequence[Entry]) -> Entry:
    """Where two ways part: the state in which, for the first time, something else happens; else the
    last one.
    """
    last = Entry("", "", "")
    for one, other in zip_longest(now, then):
        if one is None or other is None or one.what != other.what:
            return other or one or last
        last = other
    return last
