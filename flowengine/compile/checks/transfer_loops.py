"""Calls between numbers of the project that go round for ever: each flow connects to the number of
the next without asking the caller.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.call_paths import has_own_error
from flowengine.compile.checks.possible_values import PossibleValues
from flowengine.compile.checks.program_graph import find_components, is_cyclic
from flowengine.compile.program import CompiledState, Program
from flowengine.compile.routing import CompiledRoute, compile_route
from flowengine.expr import Template
from flowengine.model import AuthoredProject, CompileCache
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states.field_types import DIALLED_TARGET

TRANSFER_LOOP_HINT = (
    "connect one of them to a number outside of this project, or ask the caller before"
)
MAX_SHOWN_HOPS = 8  # of a cycle that a person still reads
# of a number that a * may stand for: a block of 10,000 is the largest that is rented as one, and
# what stands for more are the numbers of a country, which are not the project's own
MAX_BLOCK_DIGITS = 4
ANY_NUMBER = "*"


class PhoneConnection(NamedTuple):
    """A connection to a phone number."""

    state: str
    dialled: Template
    path: KeyPath


class NumberHop(NamedTuple):
    """The connection by which a call to one number of the project goes to another."""

    flow: str
    path: KeyPath


class PlacedRoute(NamedTuple):
    """A route that calls by phone take, with its place in the author's order."""

    place: int
    route: CompiledRoute


class NumberPlan(NamedTuple):
    """The numbers of the project: `named` by the number or the block of numbers that a route names,
    and those that have blocks once more.
    """

    named: Mapping[str, PlacedRoute]
    blocks: tuple[PlacedRoute, ...]

    @classmethod
    def from_project(cls, authored: AuthoredProject) -> "NumberPlan":
        routes = filter(is_phone_route, map(compile_route, authored.project.routes))
        placed = [PlacedRoute(*entry) for entry in enumerate(routes)]
        named: dict[str, PlacedRoute] = {}
        for each in placed:
            named.setdefault(format_number(each.route), each)
        return cls(named, tuple(each for each in placed if each.route.has_wildcard))

    def list_numbers(self) -> dict[str, str]:
        """The flow that answers each number or block of numbers that a route names."""
        return {number: self.find_flow(number) for number in self.named}

    def find_flow(self, number: str) -> str:
        """The flow that answers a number of the project; "" for any other number."""
        named = self.named.get(number)
        for place, route in self.blocks:
            if named and place >= named.place:
                break
            free = len(number) - len(route.prefix) - len(route.suffix)
            if free <= MAX_BLOCK_DIGITS and route.is_number_match(number):
                return route.flow
        return named.route.flow if named else ""


def format_number(route: CompiledRoute) -> str:
    return f"{route.prefix}*{route.suffix}" if route.has_wildcard else route.prefix or ANY_NUMBER


def is_phone_route(route: CompiledRoute) -> bool:
    """Whether calls by phone to a number of the project take this route."""
    if route.kind not in ("", "did", "number") or route.origin not in ("", "pstn"):
        return False
    if route.prefix or route.suffix:
        return f"0{route.prefix}{route.suffix}".isdigit()
    # callers from apps dial numbers of others, and a route without conditions takes these, too
    return route.kind == "did" or route.origin == "pstn"


def check(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    """One problem for each cycle of numbers."""
    plan = memory.get_or_compute(
        ("number plan",),
        authored.shared_documents,  # routes are in these
        partial(NumberPlan.from_project, authored),
    )
    connections = {
        name: program.compute_once(list_connections)
        for name, program in (programs.items() if plan.named else ())
    }
    # most projects dial no number of their own: then there is nothing to follow
    if not any(
        number is None or number == DIALLED_TARGET or plan.find_flow(to_digits(number))
        for each in connections.values()
        for number in (connection.dialled.constant for connection in each)
    ):
        return
    owners, hops = TransferWalk(programs, authored, plan, connections).follow_numbers(memory)
    for cycle in find_components({number: list(following) for number, following in hops.items()}):
        if is_cyclic(cycle, hops):
            yield build_transfer_problem(programs, owners, hops, cycle)


def list_connections(program: Program) -> tuple[PhoneConnection, ...]:
    return tuple(
        PhoneConnection(state.name, dialled.text, (*state.path, state.kind, *dialled.path))
        for state in program.states.values()
        for dialled in state.verb.list_dialled_texts()
        if not dialled.is_caller_id
    )


def to_digits(number: str) -> str:
    """A number as routes compare it."""
    return number.replace(" ", "").lstrip("+")


class TransferWalk:
    """Follows calls from number to number."""

    def __init__(
        self,
        programs: Mapping[str, Program],
        authored: AuthoredProject,
        plan: NumberPlan,
        connections: Mapping[str, tuple[PhoneConnection, ...]],
    ) -> None:
        self._programs = programs
        self._tables = authored.project.tables
        self._shared_documents = authored.shared_documents
        self._outside_targets = authored.outside.targets
        self._plan = plan
        self._connections = connections
        self._visited: dict[str, dict[str, list[CompiledState]]] = {}
        self._targets: dict[str, dict[str, NumberHop]] = {}  # of flows that do not read `call.to`

    def follow_numbers(
        self, memory: CompileCache
    ) -> tuple[dict[str, str], dict[str, dict[str, NumberHop]]]:
        """The flow that answers each number, and the numbers that a call to it goes on to."""
        owners = self._plan.list_numbers() | {
            number: self._plan.find_flow(number) for number in sorted(self._outside_targets)
        }
        hops: dict[str, dict[str, NumberHop]] = {}
        todo = list(owners)
        while todo:
            number = todo.pop()
            flow = owners[number]
            visited = self._list_visited_states(flow)
            hops[number] = memory.get_or_compute(
                ("transfers", number),
                # routes and tables are in the documents
                (flow, [self._programs[name] for name in visited], self._shared_documents),
                partial(self._find_next_numbers, number, flow),
            )
            for target in hops[number]:
                if target not in owners:  # one of a block
                    owners[target] = self._plan.find_flow(target)
                    todo.append(target)
        return owners, hops

    def _find_next_numbers(self, number: str, flow: str) -> dict[str, NumberHop]:
        if flow in self._targets:
            return self._targets[flow]
        visited = self._list_visited_states(flow)
        dialled = [
            (name, each)
            for name, states in visited.items()
            for each in self._connections[name]
            if each.state in {state.name for state in states}
        ]
        if not dialled:
            return {}
        values = PossibleValues(self._programs, visited, self._tables, f"+{number}")
        found: dict[str, NumberHop] = {}
        for name, each in dialled:
            for text in values.list_texts(name, each.dialled):
                target = number if text == DIALLED_TARGET else to_digits(text)
                if self._plan.find_flow(target):
                    found.setdefault(target, NumberHop(name, each.path))
        sources = [self._programs[name].document.text for name in visited]
        if not any("call.to" in text or DIALLED_TARGET in text for text in sources):
            self._targets[flow] = found  # the same for all numbers of the flow
        return found

    def _list_visited_states(self, flow: str) -> dict[str, list[CompiledState]]:
        """By flow: the states that a call to this one comes to without an answer of the caller."""
        if flow not in self._visited:
            visited: dict[str, set[str]] = {}
            if flow in self._programs:
                visit_unasked_states(flow, self._programs, visited)
            self._visited[flow] = {
                name: [self._programs[name].states[state] for state in sorted(states)]
                for name, states in visited.items()
            }
        return self._visited[flow]


def visit_unasked_states(
    flow: str, programs: Mapping[str, Program], visited: dict[str, set[str]]
) -> frozenset[str]:
    """Note the states, by flow, that a call comes to without an answer of the caller; return the
    outcomes of this flow among them.
    """
    program, seen, outcomes = programs[flow], visited.setdefault(flow, set()), set()
    todo = [program.start]
    while todo:
        state = program.states.get(todo.pop())
        if state is None or state.name in seen:
            continue
        seen.add(state.name)
        if state.verb.returned_outcome:
            outcomes.add(state.verb.returned_outcome)
        todo += iterate_next_states(program, state, programs, visited)
    return frozenset(outcomes)


def iterate_next_states(
    program: Program,
    state: CompiledState,
    programs: Mapping[str, Program],
    visited: dict[str, set[str]],
) -> Iterator[str]:
    """Where the call goes on by itself: a caller who says nothing takes `silent:` or `otherwise:`."""
    if has_own_error(program, state):
        yield state.error
    if called := state.verb.callee:
        if called in programs and called not in visited:
            outcomes = visit_unasked_states(called, programs, visited)
            yield from (
                target.state
                for name, target in state.exits.items()
                if name.removeprefix("outcome ") in outcomes
            )
        return
    following = state.verb.next_flow
    if following in programs and following not in visited:
        visit_unasked_states(following, programs, visited)
    closed = list_closed_exits(state)
    for name, target in state.exits.items():
        goes_on = not state.verb.is_question and target.via == "same"
        if (target is state.silent_exit or goes_on) and name not in closed:
            yield target.state


def list_closed_exits(state: CompiledState) -> frozenset[str]:
    """The exits that conditions on `call.origin` alone keep from calls by phone."""
    found, is_decided = set(), False
    for condition, leads in state.verb.conditional_exits:
        holds = True if condition is None else None
        if condition and condition.names == {"call.origin"}:
            holds = condition.evaluate({"call.origin": "pstn"})
        if is_decided or holds is False:
            found.add(leads.name)
        is_decided = is_decided or bool(holds)
    return frozenset(found)


def build_transfer_problem(
    programs: Mapping[str, Program],
    owners: Mapping[str, str],
    hops: Mapping[str, Mapping[str, NumberHop]],
    cycle: list[str],
) -> Problem:
    members = [number for number in owners if number in cycle]
    walked = [members[0]]
    while following_number := next(
        (to for to in members if to in hops[walked[-1]] and to not in walked), ""
    ):
        walked.append(following_number)
    if members[0] not in hops[walked[-1]]:  # a cycle of cycles: show the numbers that it has
        walked = members
    shown = [f"{show_number(number)} ({owners[number]})" for number in walked[:MAX_SHOWN_HOPS]]
    rest = ["…"] if len(walked) > MAX_SHOWN_HOPS else []
    first = next(hop for to, hop in hops[members[0]].items() if to in cycle)
    way = " -> ".join([*shown, *rest, show_number(members[0])])
    span = programs[first.flow].document.find_span(first.path)
    return Problem(
        "FE938", span, f"calls between own numbers go round for ever: {way}", TRANSFER_LOOP_HINT
    )


def show_number(number: str) -> str:
    return "any number" if number == ANY_NUMBER else f"+{number}"
