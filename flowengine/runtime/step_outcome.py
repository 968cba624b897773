"""The result of a step: the answer with its trace, or a request that must be performed first."""

from collections.abc import Mapping
from typing import Any, Protocol, final

import msgspec

from flowengine.compile import Program
from flowengine.runtime.call_state import Call
from flowengine.states import (
    AgentStatusChange,
    LookupRequest,
    LookupResult,
    PlacementPlan,
    QueueUpdate,
    RingPlan,
    RoomUpdate,
)
from flowengine.svaml import Action, Instruction

Place = tuple[str, str]
"""A flow and one of its states"""


class TraceEntry(msgspec.Struct, frozen=True):
    """A line of a trace: the exit that a state took, or an event in it. A note explains the line
    above.
    """

    flow: str
    state: str
    what: str
    is_note: bool = False


class PausedWalk(Protocol):
    """A step that waits for the result of a request."""

    program: Program
    state: str
    trace: list[TraceEntry]

    def resume(self, result: LookupResult) -> "Outcome":
        """Continue with the result."""
        ...


class PendingRequest(msgspec.Struct, frozen=True):
    """A step that waits for a request: perform the request, then call `resume` with the result."""

    request: LookupRequest
    walk: PausedWalk

    @property
    def place(self) -> Place:
        """The flow and the state that make the request."""
        return self.walk.program.flow, self.walk.state


class EffectsOnOthers(msgspec.Struct, frozen=True):
    """What a step is to do to other calls, and to agents.

    With `ring` other calls are to be placed for the caller, who waits. `queue_update` is that of a caller who
    waits in a queue; with `leaves_queue` they wait there no more. `agent_statuses` are those of agents.
    `rooms` is what is to happen in conferences. `placements` are calls into flows, which nobody waits
    for. With `has_code` the call was just parked under a code, or has got the one who was.
    """

    ring: RingPlan | None = None
    queue_update: QueueUpdate | None = None
    leaves_queue: bool = False
    agent_statuses: tuple[AgentStatusChange, ...] = ()
    rooms: tuple[RoomUpdate, ...] = ()
    placements: tuple[PlacementPlan, ...] = ()
    has_code: bool = False


NO_EFFECTS = EffectsOnOthers()
"""The effects of nearly all steps"""


@final
class Outcome(msgspec.Struct, frozen=True):
    """The result of a step: the call after it, the answer, and the trace. Where `waiting` is set,
    there is no answer yet. `names` are all values at the end of the step; the call keeps only those
    that later states read. `effects` are saved with the step.
    """

    call: Call | None
    instructions: tuple[Instruction | msgspec.Raw, ...]
    action: Action | msgspec.Raw | None
    trace: tuple[TraceEntry, ...]
    waiting: PendingRequest | None = None
    names: Mapping[str, Any] = {}
    effects: EffectsOnOthers = NO_EFFECTS
