"""Cycles that a call never leaves: within one callback, or for as long as the caller stays on the
line.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.program_graph import (
    find_components,
    find_reachable,
    is_cyclic,
    list_entered_flows,
    split_by_links,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.model import CompileCache
from flowengine.problems import Problem

LOOP_EXIT_HINT = (
    "give one of these states an exit out of the loop, or ask the caller something in it"
)
TRAP_HINT = "lead from one of them to a hangup:, connect:, park: or return:"


class SubflowTraits(NamedTuple):
    """Flows in which a call may wait for a callback, in a subflow too; and flows in which a call
    may end.
    """

    pausing: frozenset[str]
    ending: frozenset[str]


def check(programs: Mapping[str, Program], memory: CompileCache) -> Iterator[Problem]:
    linked, alone = split_by_links(programs)
    yield from check_linked(linked, memory)
    for program in alone.values():
        yield from program.compute_once(check_alone)


def check_alone(program: Program) -> list[Problem]:
    return find_loops(program, SubflowTraits(frozenset(), frozenset()))


def check_linked(programs: Mapping[str, Program], memory: CompileCache) -> Iterator[Problem]:
    pausing, ending = (
        {name for name, program in programs.items() if program.compute_once(test)}
        for test in (can_wait, can_end_call)
    )
    while more := {
        name
        for name, program in programs.items()
        if name not in pausing and not pausing.isdisjoint(list_entered_flows(program))
    }:
        pausing |= more
    for name, program in programs.items():
        used = frozenset(list_entered_flows(program))
        known = SubflowTraits(used & pausing, used & ending)
        yield from memory.get_or_compute(
            ("loops", name), (program, known), partial(find_loops, program, known)
        )


def can_wait(program: Program) -> bool:
    return any(state.verb.waits for state in program.states.values())


def can_end_call(program: Program) -> bool:
    return any(state.verb.ends_call for state in program.states.values())


def find_loops(program: Program, used: SubflowTraits) -> list[Problem]:
    found = list(find_endless_loops(program, used.pausing))
    traps = find_traps(program, used.ending, {name for cycle in found for name in cycle})
    return [*(build_loop_problem(program, cycle) for cycle in found), *traps]


def find_endless_loops(program: Program, pausing: frozenset[str]) -> Iterator[list[str]]:
    """Cycles of states that never wait and have no exit but into the cycle itself."""
    passing = {
        name: list_targets(program, state)
        for name, state in program.states.items()
        if not state.verb.waits and state.verb.callee not in pausing
    }
    inner = {
        name: [target for target in targets if target in passing]
        for name, targets in passing.items()
    }
    for component in find_components(inner):
        members = set(component)
        if is_cyclic(component, inner) and all(
            target in members for name in component for target in passing[name]
        ):
            yield sort_by_file_order(component, program)


def find_traps(program: Program, ending: frozenset[str], known: set[str]) -> Iterator[Problem]:
    """Cycles with a question in them out of which no answer leads."""
    graph = {name: list_targets(program, state) for name, state in program.states.items()}
    visited = find_reachable(graph, program.list_entries().values())
    for component in find_components(graph):
        members = set(component)
        # reported as FE230, unreachable (FE901), or no cycle
        if members & known or not members <= visited or not is_cyclic(component, graph):
            continue
        leaves = any(target not in members for name in component for target in graph[name])
        if not leaves and not any(is_ending(program.states[name], ending) for name in component):
            yield build_trap_problem(program, sort_by_file_order(component, program))


def list_targets(program: Program, state: CompiledState) -> list[str]:
    """Where a state leads when nothing fails."""
    return [target.state for target in state.exits.values() if target.state in program.states]


def is_ending(state: CompiledState, ending: frozenset[str]) -> bool:
    return state.verb.is_end or state.verb.callee in ending


def sort_by_file_order(component: list[str], program: Program) -> list[str]:
    members = set(component)
    return [name for name in program.states if name in members]


def format_loop(program: Program, names: list[str]) -> str:
    """The cycle as it is walked from its first state."""
    path, members = [names[0]], set(names)
    while (
        following := next(
            (
                name
                for name in list_targets(program, program.states[path[-1]])
                if name in members and name not in path
            ),
            "",
        )
    ) and len(path) < 6:
        path.append(following)
    return " -> ".join([*path, "…", names[0]] if len(path) < len(names) else [*path, names[0]])


def build_loop_problem(program: Program, names: list[str]) -> Problem:
    span = program.document.find_key_span(program.states[names[0]].path)
    return Problem(
        "FE230",
        span,
        f"a call that comes here goes round forever: {format_loop(program, names)}",
        LOOP_EXIT_HINT,
    )


def build_trap_problem(program: Program, names: list[str]) -> Problem:
    span = program.document.find_key_span(program.states[names[0]].path)
    return Problem(
        "FE231",
        span,
        f"no answer of the caller leads out of here: {format_loop(program, names)}",
        TRAP_HINT,
    )
