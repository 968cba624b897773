"""The kinds of state: one file per kind, all in one registry."""

from flowengine.states import (
    agent,
    assign,
    choose,
    collect,
    conference,
    connect,
    fetch,
    menu,
    next_flow,
    pick_up,
    place,
    preamble,
    queue,
    record_message,
    ring,
    split,
    subflow,
    terminal_states,
)
from flowengine.states.builder import StateBuilder
from flowengine.states.flow_context import (
    CallbackContext,
    ExitTarget,
    FlowContext,
    FlowSignature,
    Variable,
)
from flowengine.states.orchestration_result import (
    OrchestrationResult,
    OwnEvent,
    QueueAnnouncement,
    StepEvent,
)
from flowengine.states.place_plan import PlacementPlan
from flowengine.states.queue_plan import (
    AgentStatusChange,
    LeaveRoom,
    QueueFacts,
    QueueRequest,
    QueueTerms,
    QueueUpdate,
    StayInRoom,
)
from flowengine.states.ring_plan import RingPlan
from flowengine.states.room_plan import RoomUpdate
from flowengine.states.state_kind import AuthoredFact, Shape, StateKind
from flowengine.states.state_results import (
    AnswerCallback,
    AnswerEffects,
    EnterSubflow,
    Exit,
    GoToFlow,
    LookupRequest,
    LookupResult,
    ReturnFromSubflow,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import NameBindings, StepContext
from flowengine.states.terminal_states import STAND_IN_STATE
from flowengine.states.verb import NoEffect, TextLimit, Verb, WrittenValue

__all__ = [
    "STAND_IN_STATE",
    "STATE_KINDS",
    "AgentStatusChange",
    "AnswerCallback",
    "AnswerEffects",
    "AuthoredFact",
    "CallbackContext",
    "EnterSubflow",
    "Exit",
    "ExitTarget",
    "FlowContext",
    "FlowSignature",
    "GoToFlow",
    "LeaveRoom",
    "LookupRequest",
    "LookupResult",
    "NameBindings",
    "NoEffect",
    "OrchestrationResult",
    "OwnEvent",
    "PlacementPlan",
    "QueueAnnouncement",
    "QueueFacts",
    "QueueRequest",
    "QueueTerms",
    "QueueUpdate",
    "ReturnFromSubflow",
    "RingPlan",
    "RoomUpdate",
    "Shape",
    "StateBuilder",
    "StateFailure",
    "StateKind",
    "StateResult",
    "StayInRoom",
    "StepContext",
    "StepEvent",
    "TextLimit",
    "Variable",
    "Verb",
    "WrittenValue",
    "preamble",
]  # fmt: skip


STATE_KINDS: dict[str, StateKind] = {
    kind.name: kind
    for kind in (
        menu.MENU_KIND,
        collect.COLLECT_KIND,
        record_message.RECORD_MESSAGE_KIND,
        choose.CHOOSE_KIND,
        assign.SET_KIND,
        split.SPLIT_KIND,
        fetch.FETCH_KIND,
        subflow.SUBFLOW_KIND,
        subflow.RETURN_KIND,
        next_flow.NEXT_FLOW_KIND,
        connect.CONNECT_KIND,
        ring.RING_KIND,
        queue.QUEUE_STATE_KIND,
        agent.AGENT_KIND,
        conference.CONFERENCE_KIND,
        place.PLACE_KIND,
        terminal_states.CONTINUE_KIND,
        terminal_states.PARK_KIND,
        pick_up.PICK_UP_KIND,
        terminal_states.HANGUP_KIND,
        terminal_states.DONE_KIND,
    )
}
