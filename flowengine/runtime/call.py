"""What is known of a call between two callbacks, and its compact form for the cookie and the store."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release


class Frame(msgspec.Struct, frozen=True, array_like=True):
    """Where a call comes back to after a subflow, and the values that are needed there."""

    flow: str
    state: str
    values: dict[str, Any]


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
    previous: str = ""
    steps: int = 0
    stack: tuple[Frame, ...] = ()
    ended: bool = False
    format: Literal[1] = 1  # of the bytes; whoever changes the fields counts it up

    def root(self) -> "Call":
        """The call as its first flow sees it: where events like the end of the call are handled."""
        if not self.stack:
            return self
        first = self.stack[0]
        return replace(self, flow=first.flow, state=first.state, values=first.values, stack=())


dump = (
    msgspec.msgpack.Encoder().encode
)  # names stand in clear, so that another release can take a call over when its own is gone
_decode = msgspec.msgpack.Decoder(Call).decode


def restore(data: bytes) -> Call | None:
    """The call from its bytes, or None for bytes that are none (an older format, say)."""
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def fits(call: Call, release: Release) -> bool:
    """Whether a release can carry on this call: all its flows, states and values are there with the
    same types.
    """
    places = [
        (call.flow, call.state, call.values),
        *((frame.flow, frame.state, frame.values) for frame in call.stack),
    ]
    return all(fits_place(release, *place) for place in places) and all(
        release.programs[frame.flow].states[frame.state].kind == "subflow" for frame in call.stack
    )


def fits_place(release: Release, flow: str, state: str, values: Mapping[str, Any]) -> bool:
    program = release.programs.get(flow)
    if program is None or (state and state not in program.states):
        return False
    own = {name: value for name, value in values.items() if name.startswith("vars.")}
    return all(
        name in program.initial and type(program.initial[name]) is type(value)
        for name, value in own.items()
    )
