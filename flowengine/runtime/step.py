"""The pure function `step`, from a callback and the state of its call to the answer. It does no
I/O, and reads no clock and no random number: the time is an argument, and a request to another
system is a result. The driver performs the request and calls `resume` with what came back.
"""

from datetime import datetime

from flowengine.compile import Release
from flowengine.expr import collect_remarks
from flowengine.runtime.call_state import Call
from flowengine.runtime.step_outcome import Outcome, PendingRequest, TraceEntry
from flowengine.runtime.step_start import answer_unrouted, find_start
from flowengine.runtime.step_walk import create_walk
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
    walk = create_walk(release, start, start.event or event, now, call)
    walk.run.notes.extend(start.notes)
    if trace is not None:
        walk.trace = trace
    return walk.begin(start)


def resume(waiting: PendingRequest, fetched: LookupResult) -> Outcome:
    """Continue a step with the result of its request."""
    return waiting.walk.resume(fetched)
