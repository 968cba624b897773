"""The working data of one step: what a state may read and write while a callback is being answered."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Self

import msgspec

from flowengine.expr import EvalError
from flowengine.states.orchestration_result import StepEvent
from flowengine.states.place_plan import PlacementPlan
from flowengine.states.state_results import (
    FAILED_STATE_FACT,
    FAILURE_FACT,
    InstructionToSend,
    LookupResult,
)

CALLER_NAMES = ("call.from", "call.user", "call.sip")


class NameBindings(dict[str, Any]):
    """Values by dotted name. Clocks, calendars and facts of the event are computed when an
    expression first reads them.
    """

    __slots__ = ("computed", "event", "now")
    computed: "ComputedNames"
    event: StepEvent
    now: datetime

    @classmethod
    def from_values(
        cls,
        values: Mapping[str, Any],
        computed: "ComputedNames",
        event: StepEvent,
        now: datetime,
    ) -> Self:
        """Names that start from these values. Made on every callback: setting three attributes is
        quicker than a constructor.
        """
        names = cls(values)
        # `now` is fixed for the step: two conditions must not see two sides of midnight
        names.computed, names.event, names.now = computed, event, now
        return names

    def __missing__(self, name: str) -> Any:
        return self.computed[name](self)


ComputedNames = Mapping[str, Callable[[NameBindings], Any]]


class StepContext(msgspec.Struct):
    """One step in progress. `names` holds `vars.*` and `call.*`; `instructions` the instructions so
    far; `notes` go to the trace. `steps` are those of the call before this one; `placements` the calls
    to place.
    """

    event: StepEvent
    names: NameBindings
    locale: str
    attempts: int
    lookup_result: LookupResult | None = None
    instructions: list[InstructionToSend] = []
    notes: list[str] = []
    steps: int = 0
    placements: list[PlacementPlan] = []

    def set_failure(self, state: str, cause: str) -> None:
        """Let the states that follow read what has failed, and why."""
        self.names.update({FAILED_STATE_FACT: state, FAILURE_FACT: cause})

    def bind_names(self, names: Iterable[str], secrets: Mapping[str, str]) -> dict[str, Any]:
        """The values of these names, secrets among them. Raises EvalError for a secret that the
        environment did not have.
        """
        try:
            values = {
                name: secrets[name] if name in secrets else self.names[name] for name in names
            }
        except KeyError as error:
            raise EvalError(f"{error.args[0]} has no value here") from None
        missing = sorted(name for name in secrets if values.get(name) == "")
        if missing:
            raise EvalError(f"{missing[0]} is not set in the environment")
        return values

    def compute_share(self, salt: str) -> float:
        """A number in [0, 100) that stays the same for one caller and one place, so that a split is
        sticky.
        """
        # a withheld number gets a share by its call, so the same caller may vary
        who = next(filter(None, map(self.names.get, CALLER_NAMES)), self.event.call_id)
        digest = hashlib.blake2b(f"{salt}\n{who}".encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64 * 100
