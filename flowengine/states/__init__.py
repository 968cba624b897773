"""The kinds of state: one file per kind, all in one registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from flowengine.source import KeyPath
from flowengine.states import (
    assign,
    choose,
    collect,
    connect,
    fetch,
    menu,
    preamble,
    split,
    subflow,
    terminal_states,
)
from flowengine.states.builder import (
    CallbackContext,
    ExitTarget,
    FlowContext,
    FlowSignature,
    StateBuilder,
    Variable,
)
from flowengine.states.state_results import (
    AnswerCallback,
    EnterSubflow,
    Exit,
    LookupRequest,
    LookupResult,
    ReturnFromSubflow,
    StateFailure,
    StateResult,
)
from flowengine.states.step_context import NameBindings, StepContext

__all__ = [
    "STATE_KINDS",
    "AnswerCallback",
    "CallbackContext",
    "EnterSubflow",
    "Exit",
    "ExitTarget",
    "FlowContext",
    "FlowSignature",
    "LookupRequest",
    "LookupResult",
    "NameBindings",
    "ReturnFromSubflow",
    "StateBuilder",
    "StateFailure",
    "StateKind",
    "StateResult",
    "StepContext",
    "Variable",
    "Verb",
    "preamble",
]  # fmt: skip


class Verb(Protocol):
    """A compiled kind of state. `actions` are what it may answer with; `waits` says that a later
    callback resumes it.
    """

    @property
    def actions(self) -> frozenset[str]: ...
    @property
    def waits(self) -> bool: ...
    def enter(self, run: StepContext) -> StateResult: ...
    def resume(self, run: StepContext) -> StateResult: ...


@dataclass(frozen=True, slots=True)
class StateKind:
    """One kind of state. `next` says whether it takes `next:` and under which callback that is
    entered.
    """

    name: str
    title: str
    example: str
    compile: Callable[[StateBuilder, KeyPath, Any], Any]
    next: CallbackContext | Literal["none"]


STATE_KINDS: Mapping[str, StateKind] = {
    kind.name: kind
    for kind in (
        StateKind(
            "menu", "Offer choices by key or by voice", menu.EXAMPLE, menu.compile_menu, "none"
        ),
        StateKind(
            "collect", "Ask for digits or words", collect.EXAMPLE, collect.compile_collect, "pie"
        ),
        StateKind("choose", "Go on by conditions", choose.EXAMPLE, choose.compile_choose, "none"),
        StateKind("set", "Give variables new values", assign.EXAMPLE, assign.compile_set, "same"),
        StateKind(
            "split",
            "Send shares of the callers different ways",
            split.EXAMPLE,
            split.compile_split,
            "none",
        ),
        StateKind(
            "fetch", "Ask another system over HTTP", fetch.EXAMPLE, fetch.compile_fetch, "same"
        ),
        StateKind("subflow", "Use another flow", subflow.EXAMPLE, subflow.compile_subflow, "none"),
        StateKind(
            "return", "End a subflow", subflow.RETURN_EXAMPLE, subflow.compile_return, "none"
        ),
        StateKind(
            "connect", "Put the caller through", connect.EXAMPLE, connect.compile_connect, "none"
        ),
        StateKind(
            "continue",
            "Let the call go on",
            terminal_states.CONTINUE_EXAMPLE,
            terminal_states.compile_continue,
            "none",
        ),
        StateKind(
            "park",
            "Hold the call",
            terminal_states.PARK_EXAMPLE,
            terminal_states.compile_park,
            "none",
        ),
        StateKind(
            "hangup",
            "End the call",
            terminal_states.HANGUP_EXAMPLE,
            terminal_states.compile_hangup,
            "none",
        ),
        StateKind(
            "done",
            "End what an event asked for",
            terminal_states.DONE_EXAMPLE,
            terminal_states.compile_done,
            "none",
        ),
    )
}
