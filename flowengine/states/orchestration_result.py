"""How an orchestration lets its caller go on in the flow, or hear how it stands."""

from typing import ClassVar, final

from flowengine.sinch.callback_events import CallbackEvent, CallbackFields


@final
class OrchestrationResult(CallbackFields, frozen=True, tag="orchestration"):
    """The end of an orchestration for its caller, an event of flowengine's own: the platform sends
    none. It resumes the state that began the orchestration, by `exit`. The answer to it goes out by
    a request that changes the call: it may hold what the answer to an ICE may.
    """

    kind: ClassVar[str] = "orchestration"
    answered_as: ClassVar[str] = "ice"
    exit: str = ""


@final
class QueueAnnouncement(CallbackFields, frozen=True, tag="announcement"):
    """It is time to tell a caller in a queue how it stands, an event of flowengine's own. `position`
    and `wait` are those of `QueueFacts` at this moment. It resumes the state that the caller waits
    in, whose answer goes out by a request that changes the call, as that to an OrchestrationResult.
    """

    kind: ClassVar[str] = "announcement"
    answered_as: ClassVar[str] = "ice"
    position: int = 1
    wait: int = 0


OwnEvent = OrchestrationResult | QueueAnnouncement
"""Events that the platform does not send"""
OWN_KINDS = frozenset({OrchestrationResult.kind, QueueAnnouncement.kind})
StepEvent = CallbackEvent | OwnEvent
