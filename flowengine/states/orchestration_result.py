"""How an orchestration lets its caller go on in the flow."""

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


StepEvent = CallbackEvent | OrchestrationResult
