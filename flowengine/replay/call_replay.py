"""One recorded call on another release: the same events, the same answers of other systems, at the
same times.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import zip_longest

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.journal import RecordedCallback
from flowengine.journal.encrypted_part import EncryptedPart, LookupRow
from flowengine.journal.journal_row import ACTION_PATTERN, REPEATED_OUTCOME
from flowengine.journal.masking import mask_reason
from flowengine.replay.answer_difference import find_difference
from flowengine.runtime.call_state import Call
from flowengine.runtime.locate import STALE_STATE_NOTE
from flowengine.runtime.step import resume, step
from flowengine.runtime.step_outcome import Outcome, TraceEntry
from flowengine.sinch import decode
from flowengine.states import LookupRequest, LookupResult, OwnEvent, StepEvent
from flowengine.states.orchestration_result import OWN_KINDS
from flowengine.svaml import encode_svaml

STAY_EXIT = "answers"
UNIQUE_EVENTS = ("ice", "dice")
_decode_own = msgspec.json.Decoder(OwnEvent).decode


# no error: it happens to calls that were recorded in part
class NotReplayableError(Exception):
    """A call that cannot be run again; the message says why."""


class CallDifference(msgspec.Struct, frozen=True, order=True):
    """How a call goes differently, and where first. `kind` is exit, lookup, answer or error."""

    flow: str
    state: str
    event: str
    kind: str
    what: str


class NewLookupError(Exception):  # ends a step that cannot go on
    """A release asks what was not asked in the recorded call."""

    def __init__(self, entry: TraceEntry, request: LookupRequest) -> None:
        super().__init__(f"asks {request.service} what it did not ask then ({request.method})")
        self.entry = entry


def replay_call(release: Release, callbacks: Sequence[RecordedCallback]) -> CallDifference | None:
    """How a call goes on this release, compared with how it went: the first difference. Raises
    NotReplayable.
    """
    call: Call | None = None
    for recorded in skip_repeated(callbacks):
        whole = read_sealed_part(recorded)
        if whole.is_known and call is None:
            raise NotReplayableError("its beginning is not in the journal")
        event = decode_event(whole, recorded.event)
        before = call if whole.is_known else None
        try:
            outcome = run_step(release, before, event, whole)
        except NewLookupError as lookup:
            return CallDifference(
                lookup.entry.flow, lookup.entry.state, event.kind, "lookup", str(lookup)
            )
        found = compare_step(event, outcome, whole)
        if found is not None:
            return found
        call = outcome.call or call
    return None


def skip_repeated(callbacks: Sequence[RecordedCallback]) -> Iterator[RecordedCallback]:
    """The callbacks without those that only repeat one."""
    answered = {
        _get_event_key(recorded) for recorded in callbacks if recorded.outcome != REPEATED_OUTCOME
    }
    for recorded in callbacks:
        if recorded.outcome != REPEATED_OUTCOME:
            yield recorded
        elif _get_event_key(recorded) not in answered:
            raise NotReplayableError("the server was stopped while it recorded it")


def _get_event_key(recorded: RecordedCallback) -> str | bytes:
    """A key that is equal for all deliveries of an event: a call begins once and ends once, in
    whatever bytes.
    """
    return recorded.event if recorded.event in UNIQUE_EVENTS else recorded.digest


def read_sealed_part(recorded: RecordedCallback) -> EncryptedPart:
    if recorded.outcome == "error":
        raise NotReplayableError("the server failed in it")
    if not recorded.has_encrypted_part:
        raise NotReplayableError("it was recorded without what replay needs (replay: false)")
    if recorded.encrypted_part is None:
        raise NotReplayableError("it is sealed with a key that is not here")
    return recorded.encrypted_part


def decode_event(whole: EncryptedPart, kind: str) -> StepEvent:
    is_own = kind in OWN_KINDS
    event: StepEvent = _decode_own(whole.event) if is_own else decode(whole.event)
    return (
        event
        if event.application_key == whole.application
        else replace(event, application_key=whole.application)
    )


def run_step(
    release: Release, call: Call | None, event: StepEvent, whole: EncryptedPart
) -> Outcome:
    """The step, with the recorded answers of other systems."""
    known = list(whole.lookups)
    outcome = step(release, call, event, datetime.fromtimestamp(whole.at, UTC), whole.lost_flow)
    while outcome.waiting is not None:
        request, walk = outcome.waiting.request, outcome.waiting.walk
        found = next((lookup for lookup in known if is_same_request(request, lookup)), None)
        if found is None:
            raise NewLookupError(walk.trace[-1], request)
        known.remove(found)
        outcome = resume(
            outcome.waiting,
            LookupResult(found.status, msgspec.json.decode(found.answer), found.error),
        )
    return outcome


def is_same_request(request: LookupRequest, lookup: LookupRow) -> bool:
    """Whether a request asks what was asked; in which order its values are written does not count."""
    asked, then = (
        (request.service, request.method, request.url),
        (lookup.service, lookup.method, lookup.url),
    )
    return asked == then and (
        request.body == lookup.body or decode_body(request.body) == decode_body(lookup.body)
    )


def decode_body(body: bytes) -> object:
    return msgspec.json.decode(body) if body else None


def compare_step(event: StepEvent, outcome: Outcome, whole: EncryptedPart) -> CallDifference | None:
    """The first thing in which a step went differently. Names of states, and states passed on the
    way, may be others.
    """
    now = outcome.trace
    then = tuple(TraceEntry(*entry) for entry in whole.trace if not _is_note(entry[2]))
    answer = encode_svaml(outcome.instructions, outcome.action)
    if answer == whole.answer and tuple(now) == then:
        return None  # as most steps; the rest finds in what they differ
    kind, what = classify_difference(event, now, then, whole, answer)
    if not kind:
        return None
    place = find_parting_entry(now, then)
    return CallDifference(place.flow, place.state, event.kind, kind, what)


def _is_note(what: str) -> bool:
    """Whether a trace entry is about how the call was found, not about a state."""
    return what == STALE_STATE_NOTE or what.startswith("release ")


def list_failures(trace: Sequence[TraceEntry]) -> list[str]:
    return [entry.what for entry in trace if entry.what.startswith("failed: ")]


def list_requests(trace: Sequence[TraceEntry]) -> list[str]:
    return [entry.what for entry in trace if is_request_entry(entry)]


def classify_difference(
    event: StepEvent,
    now: Sequence[TraceEntry],
    then: Sequence[TraceEntry],
    whole: EncryptedPart,
    answer: bytes,
) -> tuple[str, str]:
    """The kind of difference, and it in words."""
    failures = list_failures(now)
    if len(failures) > len(list_failures(then)):
        return "error", mask_reason(failures[-1])
    if whole.is_known and event.kind in ("pie", "ace") and has_other_exit(now, then):
        return "exit", format_change(format_exit(then[0]), format_exit(now[0]))
    asks, asked_then = list_requests(now), list_requests(then)
    if asks != asked_then:
        return "lookup", format_change(format_requests(asked_then), format_requests(asks))
    part = find_difference(answer, whole.answer)
    return ("answer", format_answer_difference(part, answer, whole.answer)) if part else ("", "")


def format_answer_difference(part: str, now: bytes, then: bytes) -> str:
    """Where answers differ, in words; what they say stays out of reports, as it may be about a
    caller.
    """
    if part not in ("action", "action.name"):
        return f"another {part}"
    actions = [
        found[1].decode() if (found := ACTION_PATTERN.search(answer)) else "nothing"
        for answer in (then, now)
    ]
    return format_change(*actions)


def format_change(before: str, after: str) -> str:
    """What the release that answered the call did, and what the other one does."""
    return f"before: {before}, after: {after}"


def has_other_exit(now: Sequence[TraceEntry], then: Sequence[TraceEntry]) -> bool:
    """Whether the state that the call waited in, by the same name, was left by another exit."""
    if not now or not then or (now[0].flow, now[0].state) != (then[0].flow, then[0].state):
        return False
    return now[0].what != then[0].what


def format_exit(entry: TraceEntry) -> str:
    return "stays" if entry.what == STAY_EXIT else f"takes {entry.what}"


def is_request_entry(entry: TraceEntry) -> bool:
    return entry.what.startswith("asks ")


def format_requests(asks: Sequence[str]) -> str:
    return " and ".join(asks) or "asks nobody"


def find_parting_entry(now: Sequence[TraceEntry], then: Sequence[TraceEntry]) -> TraceEntry:
    """Where two ways part: the state in which, for the first time, something else happens; else the
    last one.
    """
    last = TraceEntry("", "", "")
    for one, other in zip_longest(now, then):
        if one is None or other is None or one.what != other.what:
            return other or one or last
        last = other
    return last
