"""The trace of a call, as a collector receives it."""

from itertools import pairwise

import pytest

from flowengine.runtime.call_state import Call
from flowengine.runtime.engine import CallbackRecord
from flowengine.runtime.leg_token import LegToken
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.server.telemetry.current_trace import CurrentTrace
from flowengine.server.telemetry.span_builder import find_trace_ids, is_first_callback, list_links
from flowengine.server.telemetry.trace_ids import compute_trace_ids, format_span_id, format_trace_id
from flowengine.sinch import Ice
from flowengine.sinch.callback_events import CallTarget
from flowengine.states import LookupResult
from flowengine.storage.sessions import MemoryStore, ScheduledTask, StoreError
from tests.otlp_receiver import OtlpReceiver, ReceivedSpan
from tests.runtime.engine_calls import Crm
from tests.server.telemetry.traced_line import TracedLine

CLIENT, SERVER, ERROR = 3, 2, 2


def by_name(receiver: OtlpReceiver) -> dict[str, ReceivedSpan]:
    return {span.name: span for span in receiver.find_spans()}


async def test_callbacks_of_a_call_are_one_trace_below_the_first(receiver: OtlpReceiver) -> None:
    line = TracedLine()
    await line.ring()
    await line.enter("1234")
    await line.end()
    await line.close()
    spans = receiver.find_spans()
    assert {span.trace for span in spans} == {format_trace_id(compute_trace_ids("call-1").trace)}
    callbacks = [span for span in spans if span.kind == SERVER]
    root = format_span_id(compute_trace_ids("call-1").root)
    assert [(span.name, span.parent) for span in callbacks] == [
        ("ice line", ""),
        ("pie line", root),
        ("dice line", root),
    ]
    assert callbacks[0].span == root
    assert callbacks[1].attributes["http.route"] == "/sinch"
    assert callbacks[1].attributes["flowengine.outcome"] == "answered"


async def test_lookup_lies_below_the_state_that_asks_and_hands_its_id_on(
    receiver: OtlpReceiver,
) -> None:
    line = TracedLine(Crm(wait=0.01))
    await line.ring()
    await line.enter("1234")
    await line.close()
    found = by_name(receiver)
    lookup, state = found["GET crm"], found["line/look_up"]
    assert lookup.kind == CLIENT
    assert lookup.parent == state.span
    assert state.parent == found["pie line"].span
    assert state.begun <= lookup.begun < lookup.ended <= state.ended
    (request, _), *_ = line.crm.asked
    assert request.headers["traceparent"] == f"00-{lookup.trace}-{lookup.span}-01"
    assert lookup.attributes == {
        "http.request.method": "GET",
        "flowengine.service": "crm",
        "server.address": "crm.example.com",
        "server.port": 443,
        "http.response.status_code": 200,
    }


async def test_states_follow_each_other_with_what_the_log_says_of_them(
    receiver: OtlpReceiver,
) -> None:
    line = TracedLine()
    await line.ring()
    await line.enter("1234")
    await line.close()
    spans = [span for span in receiver.find_spans() if "flowengine.trace" in span.attributes]
    told = [(span.name, span.attributes["flowengine.trace"]) for span in spans]
    assert told == [
        ("line/ask", ["answers"]),
        ("line/ask", ["next"]),
        ("line/look_up", ["asks crm", "next"]),
        ("line/menu", ["answers"]),
    ]
    assert all(before.ended == after.begun for before, after in pairwise(spans[1:]))


async def test_failed_lookup_and_failed_store_are_errors(receiver: OtlpReceiver) -> None:
    class FailingStore(MemoryStore):
        async def claim(self, call_id: str, key: bytes, deadline: float) -> bool:
            raise StoreError(f"no disk for {call_id} {key!r} {deadline}")

    line = TracedLine(Crm(LookupResult(0, error="timeout")), FailingStore())
    await line.ring()
    await line.enter("1234")
    await line.close()
    found = by_name(receiver)
    lookup, claim = found["GET crm"], found["store claim"]
    assert (lookup.status, lookup.attributes["error.type"]) == (ERROR, "timeout")
    assert (claim.status, claim.attributes["error.type"]) == (ERROR, "StoreError")
    assert found["store save"].attributes["db.system.name"] == "sqlite"
    assert claim.parent == found["pie line"].span


async def test_lookup_that_was_not_sent_has_no_address(receiver: OtlpReceiver) -> None:
    line = TracedLine(Crm(LookupResult(0, error="not allowed")))
    await line.ring()
    await line.enter("1234")
    await line.close()
    assert "server.address" not in by_name(receiver)["GET crm"].attributes


async def test_spans_hold_nothing_of_callers(receiver: OtlpReceiver) -> None:
    line = TracedLine(Crm(LookupResult(200, {"name": "Wilhelmina"})))
    await line.ring()
    await line.enter("9371")
    await line.end()
    await line.close()
    sent = b"".join(receiver.bodies)
    assert b"line/look_up" in sent
    for secret in (b"46708168731", b"12017777777", b"9371", b"Wilhelmina", b"/accounts"):
        assert secret not in sent


async def test_callback_delivered_again_is_another_span_below_the_root(
    receiver: OtlpReceiver,
) -> None:
    line = TracedLine()
    assert await line.ring() == await line.ring()
    await line.close()
    first, again = [span for span in receiver.find_spans() if span.kind == SERVER]
    assert again.parent == first.span != again.span
    assert again.attributes["flowengine.repeated"] is True


async def test_trace_that_is_not_sampled_is_not_exported_and_the_service_knows(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    line = TracedLine()
    await line.ring()
    await line.enter("1234")
    await line.close()
    assert receiver.find_spans() == []
    (request, _), *_ = line.crm.asked
    assert request.headers["traceparent"].endswith("-00")


async def test_sampler_of_a_share_takes_whole_calls(
    receiver: OtlpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    line, calls = TracedLine(), [f"call-{number}" for number in range(40)]
    for call in calls:
        await line.ring(call)
        await line.end(call)
    await line.close()
    callbacks = [span for span in receiver.find_spans() if span.kind == SERVER]
    seen = [span.attributes["flowengine.call.id"] for span in callbacks]
    assert 5 < len(set(seen)) < 35
    assert all(seen.count(call) == 2 for call in seen)


def build_record(call_id: str, flow: str, release: str, leg: LegToken | None) -> CallbackRecord:
    event = Ice(call_id=call_id, to=CallTarget("number", "1"))
    trace = (TraceEntry(flow, "leg", "rings the member"),)
    call = Call(release, flow, "leg", "")
    return CallbackRecord(event, release, call, trace, 0.0, 0.0, False, "answered", leg=leg)


def test_leg_of_a_ring_belongs_to_the_trace_of_its_caller() -> None:
    record = build_record("leg-call", "ring", "", LegToken("caller-call", 2))
    assert find_trace_ids(record, CurrentTrace()) == compute_trace_ids("caller-call")
    assert not is_first_callback(record)
    assert list_links(record) == ()


def test_placed_call_has_a_trace_of_its_own_with_a_link_to_its_placement() -> None:
    record = build_record("placed-call", "reminder", "r1", LegToken("placement", 1))
    assert find_trace_ids(record, CurrentTrace()) == compute_trace_ids("placed-call")
    (link,) = list_links(record)
    assert link.context.trace_id == compute_trace_ids("placement").trace


async def test_first_task_of_a_placement_is_the_root_of_its_trace(receiver: OtlpReceiver) -> None:
    line = TracedLine()

    async def handle(task: ScheduledTask) -> float | None:
        if task.key == "placement:end":
            raise StoreError("no disk")
        return None

    handle_traced = line.hooks.wrap_tasks(handle)
    await handle_traced(ScheduledTask("visit", "placement:begin", 0.0, b""))
    with pytest.raises(StoreError):
        await handle_traced(ScheduledTask("visit", "placement:end", 0.0, b""))
    await line.close()
    begun, failed = receiver.find_spans()
    root = format_span_id(compute_trace_ids("visit").root)
    assert (begun.span, begun.parent, failed.parent) == (root, "", root)
    assert (begun.status, failed.status, failed.name) == (0, ERROR, "task placement")
