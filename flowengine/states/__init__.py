"""The kinds of state: one file per kind, all in one registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from flowengine.source import Path
from flowengine.states import (
    assign,
    choose,
    collect,
    connect,
    ending,
    fetch,
    menu,
    preamble,
    split,
    subflow,
)
from flowengine.states.builder import Builder, Signature, Surroundings, Target, Variable, Via
from flowengine.states.move import Answer, Enter, Exit, Failed, Fetched, Leave, Move, Request
from flowengine.states.run import Names, Run

__all__ = [
    "KINDS", "Answer", "Builder", "Enter", "Exit", "Failed", "Fetched", "Kind", "Leave", "Move", "Names", "Request", "Run",
    "Signature", "Surroundings", "Target", "Variable", "Verb", "Via", "preamble",
]  # fmt: skip


class Verb(Protocol):
    """A compiled kind of state. `actions` are what it may answer with; `waits` says that a later
    callback resumes it.
    """

    @property
    def actions(self) -> frozenset[str]: ...
    @property
    def waits(self) -> bool: ...
    def enter(self, run: Run) -> Move: ...
    def resume(self, run: Run) -> Move: ...


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of state. `next` says whether it takes `next:` and under which callback that is
    entered.
    """

    name: str
    title: str
    example: str
    compile: Callable[[Builder, Path, Any], Any]
    next: Via | Literal["none"]


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("menu", "Offer choices by key or by voice", menu.EXAMPLE, menu.compile_menu, "none"),
        Kind("collect", "Ask for digits or words", collect.EXAMPLE, collect.compile_collect, "pie"),
        Kind("choose", "Go on by conditions", choose.EXAMPLE, choose.compile_choose, "none"),
        Kind("set", "Give variables new values", assign.EXAMPLE, assign.compile_set, "same"),
        Kind(
            "split",
            "Send shares of the callers different ways",
            split.EXAMPLE,
            split.compile_split,
            "none",
        ),
        Kind("fetch", "Ask another system over HTTP", fetch.EXAMPLE, fetch.compile_fetch, "same"),
        Kind("subflow", "Use another flow", subflow.EXAMPLE, subflow.compile_subflow, "none"),
        Kind("return", "End a subflow", subflow.RETURN_EXAMPLE, subflow.compile_return, "none"),
        Kind("connect", "Put the caller through", connect.EXAMPLE, connect.compile_connect, "none"),
        Kind(
            "continue",
            "Let the call go on",
            ending.CONTINUE_EXAMPLE,
            ending.compile_continue,
            "none",
        ),
        Kind("park", "Hold the call", ending.PARK_EXAMPLE, ending.compile_park, "none"),
        Kind("hangup", "End the call", ending.HANGUP_EXAMPLE, ending.compile_hangup, "none"),
        Kind(
            "done", "End what an event asked for", ending.DONE_EXAMPLE, ending.compile_done, "none"
        ),
    )
}
