"""The state of a call between two callbacks, and its compact form for the cookie and the store."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import replace

from flowengine.compile import Program, Release
from flowengine.runtime.question_history import (
    History,
    SubflowVisit,
    drop_oldest_questions,
    is_small,
    iter_flow_values,
)
from flowengine.states import NameBindings, StepEvent
from flowengine.states.parking_plan import CODE_FACT
from flowengine.states.queue_plan import KEPT_TURNS_FACT

END_FACTS = (CODE_FACT, KEPT_TURNS_FACT)
"""What the end of the call is to know: the code that it frees, and the places in queues that begin
to wait then
"""
if TYPE_CHECKING:
    StoredHistory = History
else:
    StoredHistory = History | str  # format 1 had the last question only


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """Where a call continues after a subflow: the state, the values that it needs there, and the
    questions that it was asked before the subflow.
    """

    flow: str
    state: str
    values: dict[str, Any]
    history: History = ()


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A call between two callbacks. `values` holds only what a later state can read; `steps` counts
    the callbacks answered.
    """

    release: str
    flow: str
    state: str
    locale: str
    values: dict[str, Any] = {}
    attempts: int = 0
    history: StoredHistory = ()
    steps: int = 0
    stack: tuple[Frame, ...] = ()
    ended: bool = False
    format: Literal[1, 2] = 2  # the version of the encoded form: add one when you change the fields

    def to_root_flow(self) -> "Call":
        """The call as its first flow sees it."""
        return self.to_flow_at(0)

    def to_flow_at(self, level: int) -> "Call":
        """The call as one of its flows sees it, in which an event is handled. The first flow is at
        level 0, the one that the call is in has the highest level.
        """
        if not self.stack:
            return self
        if level == len(self.stack):
            return replace(self, stack=())
        frame = self.stack[level]
        return replace(
            self,
            flow=frame.flow,
            state=frame.state,
            values=frame.values,
            history=frame.history,
            stack=(),
        )

    def get_place_at(self, level: int) -> tuple[str, str]:
        """The flow at a level, and its state."""
        if level == len(self.stack):
            return self.flow, self.state
        return self.stack[level].flow, self.stack[level].state

    def replace_values_at(self, level: int, values: dict[str, Any]) -> "Call":
        """The call with other values in the flow at a level."""
        if level == len(self.stack):
            return replace(self, values=values)
        stack = [*self.stack]
        stack[level] = replace(stack[level], values=values)
        return replace(self, stack=tuple(stack))

    def iter_flow_values(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Each flow that the call keeps values of, with those values."""
        yield self.flow, self.values
        yield from iter_flow_values(self.history)
        for frame in self.stack:
            yield frame.flow, frame.values
            yield from iter_flow_values(frame.history)


def limit_history(
    history: Sequence[str | SubflowVisit], stack: Sequence[Frame]
) -> tuple[History, tuple[Frame, ...]]:
    """The questions of the flow and the frames of its callers, without the oldest questions where
    they are too large to store.
    """
    if not stack and is_small(history):
        return tuple(history), ()
    *outer, own = drop_oldest_questions([*(frame.history for frame in stack), history])
    frames = zip(stack, outer, strict=True)
    return own, tuple(
        frame if frame.history == kept else replace(frame, history=kept) for frame, kept in frames
    )


def bind_names(
    release: Release, program: Program, call: Call, event: StepEvent, now: datetime
) -> NameBindings:
    """The names that the call has in this flow at the beginning of a step."""
    names = NameBindings(program.initial)
    names.computed, names.event, names.now = release.computed_names, event, now
    names.update(call.values)
    names["call.locale"] = call.locale
    return names


def select_live_values(program: Program, state: str, names: Mapping[str, Any]) -> dict[str, Any]:
    """The values that states after this one can read, without variables that still have their
    initial value.
    """
    initial, found = program.initial, {}
    for name in program.live.get(state, ()):
        start = initial.get(name, "")
        if (value := names.get(name, start)) != start:
            found[name] = value
    if not names.keys().isdisjoint(END_FACTS):
        found |= {name: names[name] for name in END_FACTS if names.get(name)}
    return found


encode_call = (
    msgspec.msgpack.Encoder().encode
    # with the names of flows and states, so that another release can continue a call whose own release
    # is deleted
)
_decode_call = msgspec.msgpack.Decoder(Call).decode


def decode_call(data: bytes) -> Call | None:
    """The call from its bytes, or None for bytes of an older format or of another kind."""
    try:
        call = _decode_call(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    question: str | History = call.history
    if isinstance(question, str):
        return replace(call, history=(question,) if question else (), format=2)
    return call


def can_continue_on(call: Call, release: Release) -> bool:
    """Whether this call can continue on the release: the release has all its flows and states, and
    its variables with the same types.
    """
    places = [
        (call.flow, call.state, call.values),
        *((frame.flow, frame.state, frame.values) for frame in call.stack),
    ]
    return all(can_hold_place(release, *place) for place in places) and all(
        release.programs[frame.flow].states[frame.state].verb.callee for frame in call.stack
    )


def can_hold_place(release: Release, flow: str, state: str, values: Mapping[str, Any]) -> bool:
    program = release.programs.get(flow)
    if program is None or (state and state not in program.states):
        return False
    own = {name: value for name, value in values.items() if name.startswith("vars.")}
    return all(
        name in program.initial and type(program.initial[name]) is type(value)
        for name, value in own.items()
    )
