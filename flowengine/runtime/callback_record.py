"""What the server notes of each callback: for the journal, the log and the metrics."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from flowengine.runtime.call_state import Call
from flowengine.runtime.leg_token import LegToken
from flowengine.runtime.locate import LocatedCall
from flowengine.runtime.step_outcome import TraceEntry
from flowengine.sinch import CallbackEvent
from flowengine.states import LookupRequest, LookupResult


class CallbackRecord(msgspec.Struct, frozen=True):
    """One callback and its answer. `outcome` is answered, apology, unrouted, unsaved or error. The
    four fields from `at` on are what replay needs to run the step again: the time of the step, the
    results of its requests, all values after it, and the call before it. `leg` says which leg of a
    ring the call is, if it is one.
    """

    event: CallbackEvent
    release: str
    call: Call | None
    trace: tuple[TraceEntry, ...]
    seconds: float
    fetch_seconds: float
    repeated: bool
    outcome: str
    at: float = 0.0
    lookups: Sequence[tuple[LookupRequest, LookupResult]] = ()
    names: Mapping[str, Any] = {}
    located: LocatedCall | None = None
    leg: LegToken | None = None

    @property
    def flow(self) -> str:
        return self.call.flow if self.call else ""

    @property
    def state(self) -> str:
        return self.call.state if self.call else ""

    @property
    def step(self) -> int:
        return self.call.steps if self.call else 0


NO_CALL = Call("", "", "", "")
"""In place of the call of a record without one"""
