"""The results of entering or resuming a state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from flowengine.states.parking_plan import ParkingRequest
from flowengine.states.queue_plan import AgentStatusChange, QueueRequest, QueueUpdate
from flowengine.states.ring_plan import RingPlan
from flowengine.states.room_plan import RoomUpdate
from flowengine.svaml import Action, Instruction

TRANSIENT_ERRORS = ("timeout", "connection", "refused")
CIRCUIT_OPEN_PREFIX = "circuit open: "  # before the error of the lookup that opened it
FAILED_STATE_FACT = "call.failed_state"
FAILURE_FACT = "call.failure"
MAX_FAILURE = 24  # characters: "too many redirects", "status 503"
OTHER_FAILURE = "error"  # of a state that is no lookup
ActionToSend = Action | msgspec.Raw  # an action, or one encoded at load
InstructionToSend = Instruction | msgspec.Raw


class Exit(msgspec.Struct, frozen=True):
    """Leave by this exit; the state machine knows where it leads. With `own_question`, `back` goes
    to the question of the state itself: from its read-back, or from a menu inside it. With
    `without_caller`, nobody hears what the states that follow say. With `leaves_queue`, a caller
    who waits in a queue goes on by themselves: nobody has brought them out. With `agent_status`, an agent
    signs in or out. `room` is what is to happen in a conference. `failure` is why the state failed, in a
    word, where it leads such calls elsewhere.
    """

    name: str
    own_question: bool = False
    without_caller: bool = False
    leaves_queue: bool = False
    agent_status: AgentStatusChange | None = None
    room: RoomUpdate | None = None
    failure: str = ""


class AnswerEffects(msgspec.Struct, frozen=True):
    """What an answer has to do with other calls. With `ring` other calls are placed for the caller,
    and their result resumes the state. A caller who waits in a queue may have a `queue_update`.
    `room` is what is to happen in a conference. `has_code` says that other calls know of this one by
    a code.
    """

    ring: RingPlan | None = None
    queue_update: QueueUpdate | None = None
    room: RoomUpdate | None = None
    has_code: bool = False


class AnswerCallback(msgspec.Struct, frozen=True):
    """Answer the callback with this action and wait here for the next one. Most answers have no
    `effects` on other calls.
    """

    action: ActionToSend | None
    effects: AnswerEffects | None = None


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """An HTTP request that the driver of the step performs. `timeout` is in seconds. With `queue` it
    goes to nobody: the driver asks the queue, and the body of the result holds `QueueFacts`. With `parking` it asks
    for a code.
    """

    service: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout: float
    retries: int
    queue: QueueRequest | None = None
    parking: ParkingRequest | None = None


class LookupResult(msgspec.Struct, frozen=True):
    """The result of a lookup: a status with its decoded body, or status 0 and the reason in `error`
    (timeout, refused, …).
    """

    status: int
    body: Any = None
    error: str = ""

    @property
    def cause(self) -> str:
        """The error. While the circuit is open, that of the lookup that opened it, so that calls
        take the same exit as if they had waited.
        """
        return self.error.removeprefix(CIRCUIT_OPEN_PREFIX)

    @property
    def is_unanswered(self) -> bool:
        """Whether the service gave no answer for reasons that may pass."""
        return self.cause in TRANSIENT_ERRORS


class EnterSubflow(msgspec.Struct, frozen=True):
    """Run a subflow with these input values and come back."""

    flow: str
    inputs: Mapping[str, Any]


class GoToFlow(msgspec.Struct, frozen=True):
    """Go over to another flow with these input values, for good."""

    flow: str
    inputs: Mapping[str, Any]


class ReturnFromSubflow(msgspec.Struct, frozen=True):
    """End this subflow with an outcome."""

    outcome: str


class StateFailure(msgspec.Struct, frozen=True):
    """The state could not do its work: take the error exit, or say the apology. `cause` is the reason
    in a word, which flows can read.
    """

    reason: str
    cause: str = OTHER_FAILURE


StateResult = (
    Exit
    | AnswerCallback
    | LookupRequest
    | EnterSubflow
    | GoToFlow
    | ReturnFromSubflow
    | StateFailure
)
