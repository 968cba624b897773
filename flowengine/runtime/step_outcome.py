"""What a step yields: the answer with its trace, or the request that must be performed first."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from flowengine.compile import Program
from flowengine.compile.state_machine import Cursor
from flowengine.runtime.call_state import Call
from flowengine.states import LookupRequest, LookupResult
from flowengine.svaml import Action, Instruction

Place = tuple[str, str]
"""A flow and one of its states"""


class TraceEntry(msgspec.Struct, frozen=True):
    """A line of a trace: how a state was left, or what happened in it. A note tells more of that."""

    flow: str
    state: str
    what: str
    is_note: bool = False


class PausedWalk(Protocol):
    """A step that waits for the result of a request."""

    program: Program
    cursor: Cursor
    trace: list[TraceEntry]

    def resume(self, result: LookupResult) -> "Outcome":
        """Go on with the result."""
        ...


class PendingRequest(msgspec.Struct, frozen=True):
    """A step that needs the outside: perform the request, then call `resume` with the result."""

    request: LookupRequest
    walk: PausedWalk

    @property
    def place(self) -> Place:
        """Flow and state that ask."""
        return self.walk.program.flow, self.walk.cursor.state


class Outcome(msgspec.Struct, frozen=True):
    """What a step yields: the call as it goes on, what to answer, and the trace. With `waiting`
    there is no answer yet.

    `names` are the values as the step left them; those that no later state reads are not in the
    call.
    """

    call: Call | None
    instructions: tuple[Instruction | msgspec.Raw, ...]
    action: Action | msgspec.Raw | None
    trace: tuple[TraceEntry, ...]
    waiting: PendingRequest | None = None
    names: Mapping[str, Any] = {}
