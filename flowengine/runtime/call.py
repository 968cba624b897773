"""What is known of a call between two callbacks, and its compact form for the cookie and the store."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from flowengine.compile import Release

FORMAT = 1


class Frame(msgspec.Struct, frozen=True):
    """Where a call comes back to after a subflow, and the values that are needed there."""

    flow: str
    state: str
    values: Mapping[str, Any]


class Call(msgspec.Struct, frozen=True):
    """A call between two callbacks. `values` holds only what a later state can read; `steps` counts the callbacks answered."""

    release: str
    flow: str
    state: str
    locale: str
    values: Mapping[str, Any] = {}
    attempts: int = 0
    previous: str = ""
    steps: int = 0
    stack: tuple[Frame, ...] = ()
    ended: bool = False

    def root(self) -> "Call":
        """The call as its first flow sees it: where events like the end of the call are handled."""
        if not self.stack:
            return self
        first = self.stack[0]
        return replace(self, flow=first.flow, state=first.state, values=first.values, stack=())


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(
    tuple[int, str, str, str, str, dict[str, Any], int, str, int, list[tuple[str, str, dict[str, Any]]], bool]
)


def dump(call: Call) -> bytes:
    """The call as bytes. Names stand in clear, so that another release can take the call over when its own is gone."""
    stack = [(frame.flow, frame.state, frame.values) for frame in call.stack]
    return _encoder.encode(
        (FORMAT, call.release, call.flow, call.state, call.locale, call.values, call.attempts, call.previous, call.steps, stack, call.ended)
    )


def restore(data: bytes) -> Call | None:
    """The call from its bytes, or None for bytes that are none (an older format, say)."""
    try:
        version, release, flow, state, locale, values, attempts, previous, steps, stack, ended = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if version != FORMAT:
        return None
    frames = tuple(Frame(*frame) for frame in stack)
    return Call(release, flow, state, locale, values, attempts, previous, steps, frames, ended)


def fits(call: Call, release: Release) -> bool:
    """Whether a release can carry on this call: all its flows, states and values are there with the same types."""
    places = [(call.flow, call.state, call.values), *((frame.flow, frame.state, frame.values) for frame in call.stack)]
    return all(fits_place(release, *place) for place in places)


def fits_place(release: Release, flow: str, state: str, values: Mapping[str, Any]) -> bool:
    program = release.programs.get(flow)
    if program is None or (state and state not in program.states):
        return False
    own = {name: value for name, value in values.items() if name.startswith("vars.")}
    return all(name in program.initial and type(program.initial[name]) is type(value) for name, value in own.items())
