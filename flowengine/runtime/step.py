"""The pure function `step`, from a callback and the state of its call to the answer. It does no
I/O, and reads no clock and no random number: the time is an argument, and a request to another
system is a result. The driver performs the request and calls `resume` with what came back.
"""

from datetime import datetime

from msgspec.structs import replace

from flowengine.compile import Release
from flowengine.expr import collect_remarks
from flowengine.runtime.call_state import Call, bind_names, select_live_values
from flowengine.runtime.step_outcome import Outcome, PendingRequest, TraceEntry
from flowengine.runtime.step_start import StepStart, answer_unrouted, find_start
from flowengine.runtime.step_walk import create_walk
from flowengine.sinch import Dice
from flowengine.states import LookupResult, StepEvent


def step(
    release: Release,
    call: Call | None,
    event: StepEvent,
    now: datetime,
    lost_flow: str | None = None,
    trace: list[TraceEntry] | None = None,
) -> Outcome:
    """Answer one callback of one call.

    `call` is the result of the previous step, or None; its flow and state must be in this release
    (see `can_continue_on`). Where the state of a known call does not fit, `call` is None and
    `lost_flow` is its flow, "" where that is lost, too; a new call has None. The step writes its
    trace into the empty list `trace`, if there is one. Returns the call after the step and the
    answer. Where the flow makes a request, `waiting` has the request, and `resume` continues the
    step.
    """
    collect_remarks()  # drops remarks of an unfinished step on this thread
    start = find_start(release, call, event, lost_flow)
    if start is None:
        return answer_unrouted(release, event, now)
    if start.is_complete and start.keeps_place:
        return acknowledge(release, start, event, now, call, [] if trace is None else trace)
    walk = create_walk(release, start, start.event or event, now, call)
    if start.notes:
        walk.run.notes.extend(start.notes)
    if trace is not None:
        walk.trace = trace
    return walk.begin(start)


def acknowledge(
    release: Release,
    start: StepStart,
    event: StepEvent,
    now: datetime,
    call_before: Call | None,
    trace: list[TraceEntry],
) -> Outcome:
    """The outcome where no state of the call has anything to do for the event: the call stays where
    it is, and the platform gets no instruction. A walk would end in the same, with more work.
    """
    found, level = start.call, start.level
    program = release.programs[found.flow]
    names = bind_names(release, program, found, event, now)
    trace.append(TraceEntry(found.flow, found.state, "answers"))
    if start.notes:
        trace += [TraceEntry(found.flow, found.state, note, is_note=True) for note in start.notes]
    unmoved = call_before or found
    call = replace(
        unmoved.replace_values_at(level, select_live_values(program, found.state, names)),
        steps=found.steps + 1,
        ended=unmoved.ended or type(event) is Dice,
    )
    return Outcome(call, (), None, tuple(trace), names=names)


def resume(waiting: PendingRequest, fetched: LookupResult) -> Outcome:
    """Continue a step with the result of its request."""
    return waiting.walk.resume(fetched)
