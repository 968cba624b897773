"""Circles that a call never leaves: within one callback, or for as long as the caller stays on the
line.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.graph import callee, callees, components, reachable
from flowengine.compile.program import CompiledState, Program
from flowengine.model import Memory
from flowengine.problems import Problem

ENDS = frozenset({"hangup", "connect", "return", "done", "park", "continue"})
ENDING_CALLEE = frozenset({"hangup", "connect", "park"})
FOREVER_HINT = (
    "give one of these states an exit out of the circle, or ask the caller something in it"
)
TRAPPED_HINT = "lead from one of them to a hangup:, connect:, park: or return:"


class Flows(NamedTuple):
    """Flows in which a call may wait for a callback, in a subflow too; and flows in which a call
    may end.
    """

    pausing: frozenset[str]
    ending: frozenset[str]


def check(programs: Mapping[str, Program], memory: Memory) -> Iterator[Problem]:
    pausing, ending = (
        {
            name
            for name, program in programs.items()
            if memory.recall((test, name), program, partial(test, program))
        }
        for test in (pauses, ends_calls)
    )
    while more := {
        name
        for name, program in programs.items()
        if name not in pausing and not pausing.isdisjoint(callees(program))
    }:
        pausing |= more
    for name, program in programs.items():
        used = frozenset(callees(program))
        known = Flows(used & pausing, used & ending)
        yield from memory.recall(
            ("loops", name), (program, known), partial(circles, program, known)
        )


def pauses(program: Program) -> bool:
    return any(state.verb.waits for state in program.states.values())


def ends_calls(program: Program) -> bool:
    return any(state.kind in ENDING_CALLEE for state in program.states.values())


def circles(program: Program, used: Flows) -> list[Problem]:
    found = list(endless(program, used.pausing))
    traps = trapped(program, used.ending, {name for circle in found for name in circle})
    return [*(circle_problem(program, circle) for circle in found), *traps]


def endless(program: Program, pausing: frozenset[str]) -> Iterator[list[str]]:
    """Circles of states that never wait and have no exit but into the circle itself."""
    passing = {
        name: leads(program, state)
        for name, state in program.states.items()
        if not state.verb.waits and callee(state) not in pausing
    }
    inner = {
        name: [target for target in targets if target in passing]
        for name, targets in passing.items()
    }
    for component in components(inner):
        members = set(component)
        if circular(component, inner) and all(
            target in members for name in component for target in passing[name]
        ):
            yield in_file_order(component, program)


def trapped(program: Program, ending: frozenset[str], known: set[str]) -> Iterator[Problem]:
    """Circles with a question in them out of which no answer leads."""
    graph = {name: leads(program, state) for name, state in program.states.items()}
    visited = reachable(graph, program.entries().values())
    for component in components(graph):
        members = set(component)
        if members & known or not members <= visited or not circular(component, graph):
            continue
        leaves = any(target not in members for name in component for target in graph[name])
        if not leaves and not any(ends(program.states[name], ending) for name in component):
            yield trap_problem(program, in_file_order(component, program))


def leads(program: Program, state: CompiledState) -> list[str]:
    """Where a state leads when nothing fails."""
    return [target.state for target in state.exits.values() if target.state in program.states]


def ends(state: CompiledState, ending: frozenset[str]) -> bool:
    return state.kind in ENDS or callee(state) in ending


def circular(component: list[str], graph: Mapping[str, list[str]]) -> bool:
    return len(component) > 1 or component[0] in graph[component[0]]


def in_file_order(component: list[str], program: Program) -> list[str]:
    members = set(component)
    return [name for name in program.states if name in members]


def around(program: Program, names: list[str]) -> str:
    """The circle as it is walked from its first state."""
    path, members = [names[0]], set(names)
    while (
        following := next(
            (
                name
                for name in leads(program, program.states[path[-1]])
                if name in members and name not in path
            ),
            "",
        )
    ) and len(path) < 6:
        path.append(following)
    return " -> ".join([*path, "…", names[0]] if len(path) < len(names) else [*path, names[0]])


def circle_problem(program: Program, names: list[str]) -> Problem:
    span = program.document.key_span(program.states[names[0]].path)
    return Problem(
        "FE230",
        span,
        f"a call that comes here goes round forever: {around(program, names)}",
        FOREVER_HINT,
    )


def trap_problem(program: Program, names: list[str]) -> Problem:
    span = program.document.key_span(program.states[names[0]].path)
    return Problem(
        "FE231",
        span,
        f"no answer of the caller leads out of here: {around(program, names)}",
        TRAPPED_HINT,
    )
