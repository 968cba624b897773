"""Cycles through flows that go over to each other, which a call never leaves."""

from collections.abc import Iterator, Mapping, Sequence

from flowengine.compile.checks.program_graph import find_components, is_cyclic, list_flow_links
from flowengine.compile.checks.state_loops import (
    LOOP_EXIT_HINT,
    TRAP_HINT,
    list_targets,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem

MAX_SHOWN_PLACES = 6
StatesByPlace = Mapping[str, tuple[Program, CompiledState]]  # by `flow/state`
PlaceGraph = Mapping[str, list[str]]


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    going = {
        name: [state.verb.next_flow for state in states if state.verb.next_flow]
        for name, states in list_flow_links(programs).items()
    }
    for flows in find_components(going):
        if is_cyclic(flows, going):
            yield from check_flows({name: programs[name] for name in programs if name in flows})


def check_flows(programs: Mapping[str, Program]) -> Iterator[Problem]:
    """The problems of flows each of which leads to all others."""
    states = {
        f"{name}/{state.name}": (program, state)
        for name, program in programs.items()
        for state in program.states.values()
    }
    graph = {place: list(list_next_places(programs, *states[place])) for place in states}
    for component in find_components(graph):
        cycle = [place for place in states if place in component]
        if is_cyclic(cycle, graph) and is_endless(cycle, graph, states):
            yield build_flow_loop_problem(cycle, states)


def list_next_places(
    programs: Mapping[str, Program], program: Program, state: CompiledState
) -> Iterator[str]:
    yield from (f"{program.flow}/{target}" for target in list_targets(program, state))
    if state.verb.next_flow in programs:
        yield f"{state.verb.next_flow}/{programs[state.verb.next_flow].start}"


def is_endless(cycle: Sequence[str], graph: PlaceGraph, states: StatesByPlace) -> bool:
    """Whether these states lead to each other alone, by way of another flow. A subflow among them
    may end the call.
    """
    verbs = [states[place][1].verb for place in cycle]
    leaves = any(target not in cycle for place in cycle for target in graph[place])
    ends = any(verb.callee or (verb.is_end and not verb.next_flow) for verb in verbs)
    return not leaves and not ends and any(verb.next_flow for verb in verbs)


def build_flow_loop_problem(cycle: Sequence[str], states: StatesByPlace) -> Problem:
    program, first = states[cycle[0]]
    more = ["…"] if len(cycle) > MAX_SHOWN_PLACES else []
    way = " -> ".join([*cycle[:MAX_SHOWN_PLACES], *more, cycle[0]])
    span = program.document.find_key_span(first.path)
    if any(states[place][1].verb.waits for place in cycle):
        message = f"no answer of the caller leads out of these flows: {way}"
        return Problem("FE231", span, message, TRAP_HINT)
    message = f"a call that comes here goes round forever: {way}"
    return Problem("FE230", span, message, LOOP_EXIT_HINT)
