"""Makes the spans of a callback, or of a task, from what was noted of it.

The spans are made when the answer is on its way, as values of the SDK that are ready to export: to
begin and end each by the API of the SDK takes eight times as long (docs/decisions/0144).
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from flowengine.journal.masking import mask_reason
from flowengine.runtime.callback_record import CallbackRecord
from flowengine.runtime.leg_answers import LEG_FLOW
from flowengine.runtime.placements import BEGIN_PART, PLACEMENT_TASK
from flowengine.server.exemplars import Exemplars
from flowengine.server.telemetry.current_trace import CurrentTrace, TimedEntries
from flowengine.server.telemetry.trace_ids import (
    SAMPLED_FLAG,
    TraceIds,
    compute_trace_ids,
    create_span_id,
    format_span_id,
    format_trace_id,
)
from flowengine.sinch import Dice, Ice
from flowengine.states.orchestration_result import OWN_KINDS
from flowengine.storage.sessions import ScheduledTask

Attributes = Mapping[str, str | int | bool | tuple[str, ...]]
ERROR_OUTCOMES = frozenset({"apology", "error", "unsaved", "unrouted"})
PLACEMENT_BEGIN_KEY = f"{PLACEMENT_TASK}:{BEGIN_PART}"
SAMPLED = TraceFlags(SAMPLED_FLAG)
FAILED = Status(StatusCode.ERROR)
UNSET = Status(StatusCode.UNSET)


class SpanBuilder:
    """Makes spans, and hands them to `emit`. `route` is the path of callbacks; `exemplars` hear of
    each callback whose spans are exported.
    """

    def __init__(
        self,
        resource: Resource,
        sampler: Sampler,
        scope: InstrumentationScope,
        route: str,
        emit: Callable[[ReadableSpan], None],
        exemplars: Exemplars,
    ) -> None:
        self._resource = resource
        self._sampler = sampler
        self._scope = scope
        self._route = route
        self._emit = emit
        self._exemplars = exemplars

    def is_sampled(self, trace: int) -> bool:
        """Whether the spans of this trace are exported: the same on each machine with the same
        sampler.
        """
        decision = self._sampler.should_sample(None, trace, "call").decision
        return decision is Decision.RECORD_AND_SAMPLE

    def emit_callback(self, current: CurrentTrace, record: CallbackRecord, ended: int) -> None:
        """Make the spans of a callback. A leg of a ring belongs to the trace of its caller."""
        ids = find_trace_ids(record, current)
        if not self.is_sampled(ids.trace):
            return
        attributes = describe_record(record)
        is_own = record.event.kind in OWN_KINDS
        if not is_own:
            attributes |= {
                "http.request.method": "POST",
                "http.route": self._route,
                "http.response.status_code": 200,
            }
        error = record.outcome if record.outcome in ERROR_OUTCOMES else ""
        is_root = is_first_callback(record)
        own = ids.root if is_root else current.span
        self._exemplars.note(
            record.event.kind, record.seconds, format_trace_id(ids.trace), format_span_id(own)
        )
        self._emit_span(
            ids.trace, own, None if is_root else ids.root, describe_name(record),
            (current.begun, ended), current, attributes,
            SpanKind.INTERNAL if is_own else SpanKind.SERVER, error, list_links(record),
        )  # fmt: skip
        states = []
        if current.entries is not None:
            for name, begun, left, of_state, failure in list_states(current.entries):
                states.append((begun, left, span := create_span_id()))
                self._emit_span(
                    ids.trace, span, own, name, (begun, left), current, of_state,
                    SpanKind.INTERNAL, failure,
                )  # fmt: skip
        self._emit_client_calls(current, ids.trace, own, states, ended)

    def emit_task(self, current: CurrentTrace, task: ScheduledTask, ended: int, error: str) -> None:
        """Make the spans of a task of an orchestration, in the trace of the call that it is for."""
        if (ids := current.ids) is None or not self.is_sampled(ids.trace):
            return
        kind = task.key.partition(":")[0]
        attributes = {
            "flowengine.task": kind,
            "flowengine.orchestration.id": clean_text(task.orchestration),
        }
        # no callback begins the trace of a placement
        is_root = task.key == PLACEMENT_BEGIN_KEY
        own = ids.root if is_root else current.span
        self._emit_span(
            ids.trace, own, None if is_root else ids.root, f"task {kind}", (current.begun, ended),
            current, attributes, SpanKind.INTERNAL, error,
        )  # fmt: skip
        self._emit_client_calls(current, ids.trace, own, [], ended)

    def _emit_client_calls(
        self,
        current: CurrentTrace,
        trace: int,
        own: int,
        states: list[tuple[int, int, int]],
        ended: int,
    ) -> None:
        """Make the spans of requests: a lookup lies below the state that asks."""
        for call in current.client_calls:
            if call.begun >= ended:  # after the answer, such as that it may be lost
                continue
            below = (
                span for begun, left, span in states if begun <= call.begun and call.ended <= left
            )
            is_lookup = "flowengine.service" in call.attributes
            parent = next(below, own) if is_lookup else own
            attributes: Attributes = call.attributes
            if call.error:
                attributes = {**call.attributes, "error.type": call.error}
            self._emit_span(
                trace, call.span, parent, call.name, (call.begun, call.ended), current, attributes,
                SpanKind.CLIENT, call.error,
            )  # fmt: skip

    def _emit_span(
        self,
        trace: int,
        span: int,
        parent: int | None,
        name: str,
        times: tuple[int, int],
        current: CurrentTrace,
        attributes: Attributes,
        kind: SpanKind,
        error: str,
        links: tuple[Link, ...] = (),
    ) -> None:
        above = None
        if parent is not None:
            above = SpanContext(trace, parent, is_remote=False, trace_flags=SAMPLED)
        self._emit(
            ReadableSpan(
                name,
                SpanContext(trace, span, is_remote=False, trace_flags=SAMPLED),
                above,
                self._resource,
                attributes,
                links=links,
                kind=kind,
                status=FAILED if error else UNSET,
                start_time=current.to_epoch(times[0]),
                end_time=current.to_epoch(times[1]),
                instrumentation_scope=self._scope,
            )
        )


def find_trace_ids(record: CallbackRecord, current: CurrentTrace) -> TraceIds:
    """The ids of the trace that a callback belongs to."""
    if is_leg_of_ring(record) and record.leg is not None:
        return compute_trace_ids(record.leg.orchestration)
    return current.ids or compute_trace_ids(record.event.call_id)


def is_leg_of_ring(record: CallbackRecord) -> bool:
    """Whether this is a call that rings a member. A placed call has a trace of its own."""
    return (
        record.leg is not None
        and not record.release
        and record.call is not None
        and record.call.flow == LEG_FLOW
    )


def is_first_callback(record: CallbackRecord) -> bool:
    """Whether the call begins with this callback; no other one has the span of its root."""
    if record.repeated or is_leg_of_ring(record):
        return False
    located = record.located
    if type(record.event) is Ice:
        return True
    return (
        located is not None
        and located.call is None
        and located.lost_flow is None
        and located.steps == 0
    )


def describe_name(record: CallbackRecord) -> str:
    """The name of the span of a callback: the event, and the flow that it leads to."""
    return f"{record.event.kind} {record.flow}" if record.flow else record.event.kind


def describe_record(record: CallbackRecord) -> dict[str, str | int | bool | tuple[str, ...]]:
    """The attributes of a callback: those of its line in the log, without any number."""
    event = record.event
    attributes: dict[str, str | int | bool | tuple[str, ...]] = {
        "flowengine.call.id": clean_text(event.call_id),
        "flowengine.event": event.kind,
        "flowengine.outcome": record.outcome,
        "flowengine.application": clean_text(event.application_key),
        "flowengine.release": record.release,
        "flowengine.flow": record.flow,
        "flowengine.state": record.state,
        "flowengine.step": record.step,
    }
    if record.outcome in ERROR_OUTCOMES:
        attributes["error.type"] = record.outcome
    if record.repeated:
        attributes["flowengine.repeated"] = True
    if record.leg is not None:
        attributes["flowengine.leg"] = record.leg.attempt
        attributes["flowengine.orchestration.id"] = clean_text(record.leg.orchestration)
    if is_leg_of_ring(record):
        attributes["flowengine.trace"] = tuple(mask_reason(entry.what) for entry in record.trace)
    if type(event) is Dice:
        attributes["flowengine.result"] = clean_text(event.result)
    return attributes


def list_links(record: CallbackRecord) -> tuple[Link, ...]:
    """Of a call that was placed, a link to the tasks that have placed it."""
    if record.leg is None or not is_first_callback(record):
        return ()
    placed = compute_trace_ids(record.leg.orchestration)
    return (Link(SpanContext(placed.trace, placed.root, is_remote=True, trace_flags=SAMPLED)),)


def list_states(entries: TimedEntries) -> Iterator[tuple[str, int, int, Attributes, str]]:
    """The states that a step has passed: name, times, attributes, and what failed. A state ends
    with the last of its lines.
    """
    begun = entries.begun
    lines = zip(entries, entries.times, strict=True)
    for (flow, state), passed in groupby(lines, lambda line: (line[0].flow, line[0].state)):
        found = list(passed)
        whats = tuple(clean_text(mask_reason(entry.what)) for entry, _ in found)
        ended = found[-1][1]
        attributes: Attributes = {
            "flowengine.flow": flow,
            "flowengine.state": state,
            "flowengine.trace": whats,
        }
        failure = next((what for what in whats if what.startswith("failed")), "")
        yield f"{flow}/{state}", begun, ended, attributes, failure
        begun = ended


def clean_text(text: str) -> str:
    """Text that UTF-8 can hold: one half of a character would cost a whole batch of spans."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
