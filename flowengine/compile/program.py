"""The results of compiling: immutable programs, and the release that holds all programs of a
project.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from flowengine.compile.routing import CompiledRoute, DialledAddress, RoutesByNumber
from flowengine.cooperative import pause_if_due
from flowengine.expr import Calendar
from flowengine.model import Journal
from flowengine.problems import Problem
from flowengine.source import Document, KeyPath
from flowengine.states import ExitTarget, FlowSignature, Variable, Verb
from flowengine.states.flow_context import RingGroup
from flowengine.states.preamble import Preamble
from flowengine.states.prompt import CompiledPrompt
from flowengine.states.recording import CompiledRecording
from flowengine.states.step_context import ComputedNames
from flowengine.states.variable_values import Assignment
from flowengine.states.verb import WrittenValue

T = TypeVar("T")
_EMPTY_SET: Final = frozenset[Any]()


class CompiledState(msgspec.Struct, frozen=True):
    """A state ready to run, and what the checks need to know of it. `exits` are where it leads;
    on entering it, what it sets reads `set_reads`, and then the rest `other_reads`; `late_reads`
    happen when a later callback resumes it; `legal` are the callbacks in whose answers the platform
    allows what it sends. `set_path` is where it sets variables, below the state.
    """

    name: str
    kind: str
    path: KeyPath
    preamble: Preamble | None
    verb: Verb
    exits: Mapping[str, ExitTarget]
    set_reads: frozenset[str]
    other_reads: frozenset[str]
    late_reads: frozenset[str]
    writes: frozenset[str]
    error: str
    legal: frozenset[str]
    set_path: KeyPath = ()

    @property
    def reads(self) -> frozenset[str]:
        """The names that it reads on entering."""
        return self.other_reads | self.set_reads if self.set_reads else self.other_reads

    @property
    def silent_exit(self) -> ExitTarget | None:
        """The exit that a caller takes who answers nothing, where it is a question with one."""
        return self.exits.get("silent") or self.exits.get("otherwise")

    @property
    def assignments(self) -> tuple[Assignment, ...]:
        """The variables that it sets before anything else."""
        return self.preamble.assignments if self.preamble else ()

    def list_set_values(self) -> Iterator[WrittenValue]:
        """The values that it sets before anything else, with their paths below the state."""
        for one in self.assignments:
            yield WrittenValue(one.variable, one.value, (*self.set_path, one.variable.name))

    def list_written_values(self) -> Iterator[WrittenValue]:
        """The values that it writes, with their paths below the state."""
        yield from self.list_set_values()
        for item in self.verb.list_written_values():
            yield replace(item, path=(self.kind, *item.path))

    @property
    def recordings(self) -> tuple[CompiledRecording, ...]:
        """The recordings that it begins, before its verb and in it."""
        both = (self.preamble.record if self.preamble else None, self.verb.recording)
        return tuple(one for one in both if one)


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One flow, compiled. `machine` moves between states; `live` says what must travel while a call
    waits in a state; `linking_states` are the states that use other flows or go over to
    them; `handles_secrets` tells that a call may hold a secret here: a variable, or a recording by a secret key; `goes_back` that
    some key of the project leads back, so that questions are remembered.

    Equal only when it is the same object: a release shares unchanged programs with the one before.
    """

    flow: str
    document: Document
    states: Mapping[str, CompiledState]
    machine: Any
    start: str
    answered: str
    answered_by_machine: str
    pressed: str
    ended: str
    notified: Mapping[str, str]
    locale: str
    variables: Mapping[str, Variable]
    initial: Mapping[str, Any]
    signature: FlowSignature
    secret_names: frozenset[str]
    live: Mapping[str, frozenset[str]]
    entry_reads: Mapping[str, frozenset[str]]
    linking_states: tuple[CompiledState, ...]
    handles_secrets: bool
    goes_back: bool
    _results: dict[Any, Any] = field(init=False, repr=False, default_factory=dict)

    @property
    def subflow_states(self) -> tuple[CompiledState, ...]:
        """The states that use other flows."""
        return tuple(state for state in self.linking_states if state.verb.callee)

    def compute_once(self, compute: Callable[["Program"], T]) -> T:
        """The result of this function for the program, computed at the first call. A program never
        changes, so that incremental compilations compute it for new programs alone.
        """
        pause_if_due()
        if compute not in self._results:
            found = compute(self)
            # most results are empty, and each empty set would take 216 bytes
            is_empty_set = found.__class__ is frozenset and not found
            self._results[compute] = _EMPTY_SET if is_empty_set else found
        result: T = self._results[compute]
        return result

    def list_entries(self) -> dict[str, str]:
        """Every way into the flow by name, for checks and diagrams."""
        named = {
            "start": self.start,
            "answered": self.answered,
            "machine": self.answered_by_machine,
            "pressed": self.pressed,
            "ended": self.ended,
        }
        return {
            **{name: state for name, state in named.items() if state},
            **{f"notified {kind}": state for kind, state in self.notified.items()},
        }


class Release(msgspec.Struct, frozen=True):
    """A whole project at one revision. `id` depends on the content alone.

    `missing_secrets` are the variables of the environment that should hold secrets of applications;
    `secret_flows` are the flows whose calls may hold a secret in their state or in an answer.
    """

    id: str
    programs: Mapping[str, Program]
    routes: tuple[CompiledRoute, ...]
    routes_by_number: RoutesByNumber
    computed_names: ComputedNames
    apology: CompiledPrompt
    locale: str
    deadline: float
    freshness: float
    applications: Mapping[str, str]
    missing_secrets: tuple[str, ...]
    hosts: Mapping[str, bool]
    secret_flows: frozenset[str]
    journal: Journal = msgspec.field(default_factory=Journal)
    calendars: Mapping[str, Calendar] = msgspec.field(default_factory=dict)
    groups: Mapping[str, RingGroup] = msgspec.field(default_factory=dict)
    zone: ZoneInfo = msgspec.field(default_factory=partial(ZoneInfo, "UTC"))

    def find_flow(self, to: str, kind: str, origin: str, application: str) -> str:
        """The flow that answers a call to this address, or "" when none does."""
        asked = DialledAddress(
            to.lower().removeprefix("sip:").lstrip("+"), kind, origin.lower(), application
        )
        if (route := self.routes_by_number.find_route(asked)) is not None:
            return route.flow
        # a project with one flow works before anybody has written a route
        return next(iter(self.programs)) if len(self.programs) == 1 else ""


class CompileResult(msgspec.Struct, frozen=True):
    """The outcome of compiling: a release where there are no errors, and every problem in document
    order.
    """

    release: Release | None
    problems: tuple[Problem, ...]
    sources: Mapping[str, str]
    programs: Mapping[str, Program]
    state_count: int = 0

    @property
    def flow_count(self) -> int:
        return len(self.programs)
