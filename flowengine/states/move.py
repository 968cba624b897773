"""What a state can answer when it is entered or resumed: the vocabulary between the kinds of state
and the step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from flowengine.svaml import Action, Instruction

UNANSWERED = ("timeout", "connection", "refused")
CIRCUIT_OPEN = "circuit open: "  # before the error of the lookup that opened it
Sent = Action | msgspec.Raw  # an action, or one encoded at load
Said = Instruction | msgspec.Raw


class Exit(msgspec.Struct, frozen=True):
    """Leave by this exit; the state machine knows where it leads. With `own_question`, `back` goes
    to the question of the state itself: from its read-back, or from a menu inside it.
    """

    name: str
    own_question: bool = False


class Answer(msgspec.Struct, frozen=True):
    """Answer the callback with this action and wait here for the next one."""

    action: Sent | None


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request that the driver of the step performs. `timeout` is in seconds."""

    service: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout: float
    retries: int


class Fetched(msgspec.Struct, frozen=True):
    """What came of a Request: a status with its decoded body, or status 0 and the reason in `error`
    (timeout, refused, …).
    """

    status: int
    body: Any = None
    error: str = ""

    @property
    def cause(self) -> str:
        """The error; while the circuit is open that of the lookup that opened it, so that calls
        take the same exit as if they had waited.
        """
        return self.error.removeprefix(CIRCUIT_OPEN)

    @property
    def is_unanswered(self) -> bool:
        """Whether there was no answer for reasons that may pass."""
        return self.cause in UNANSWERED


class Enter(msgspec.Struct, frozen=True):
    """Run a subflow with these input values and come back."""

    flow: str
    inputs: Mapping[str, Any]


class Leave(msgspec.Struct, frozen=True):
    """End this subflow with an outcome."""

    outcome: str


class Failed(msgspec.Struct, frozen=True):
    """The state could not do its work: take the error exit, or say the apology."""

    reason: str


Move = Exit | Answer | Request | Enter | Leave | Failed
