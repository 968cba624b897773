"""Circles that a call never leaves: within one callback, or for as long as the caller stays on the line."""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.graph import callee, components, reachable
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem

ENDS = frozenset({"hangup", "connect", "return", "done", "park", "continue"})
ENDING_CALLEE = frozenset({"hangup", "connect", "park"})
FOREVER_HINT = "give one of these states an exit out of the circle, or ask the caller something in it"
TRAPPED_HINT = "lead from one of them to a hangup:, connect:, park: or return:"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    pausing = pausing_flows(programs)
    for program in programs.values():
        circles = list(endless(program, pausing))
        yield from (circle_problem(program, circle) for circle in circles)
        yield from trapped(program, programs, {name for circle in circles for name in circle})


def pausing_flows(programs: Mapping[str, Program]) -> set[str]:
    """The flows in which a call may wait for a callback, in a subflow too."""
    pausing = {name for name, program in programs.items() if any(state.verb.waits for state in program.states.values())}
    before = -1
    while before != len(pausing):
        before = len(pausing)
        pausing |= {name for name, program in programs.items() if any(callee(state) in pausing for state in program.states.values())}
    return pausing


def endless(program: Program, pausing: set[str]) -> Iterator[list[str]]:
    """Circles of states that never wait and have no exit but into the circle itself."""
    passing = {
        name: leads(program, state) for name, state in program.states.items() if not state.verb.waits and callee(state) not in pausing
    }
    inner = {name: [target for target in targets if target in passing] for name, targets in passing.items()}
    for component in components(inner):
        members = set(component)
        if circular(component, inner) and all(target in members for name in component for target in passing[name]):
            yield in_file_order(component, program)


def trapped(program: Program, programs: Mapping[str, Program], known: set[str]) -> Iterator[Problem]:
    """Circles with a question in them out of which no answer leads."""
    graph = {name: leads(program, state) for name, state in program.states.items()}
    visited = reachable(graph, program.entries().values())
    for component in components(graph):
        members = set(component)
        if members & known or not members <= visited or not circular(component, graph):
            continue
        leaves = any(target not in members for name in component for target in graph[name])
        if not leaves and not any(ends(program.states[name], programs) for name in component):
            yield trap_problem(program, in_file_order(component, program))


def leads(program: Program, state: CompiledState) -> list[str]:
    """Where a state leads when nothing fails."""
    return [target.state for target in state.exits.values() if target.state in program.states]


def ends(state: CompiledState, programs: Mapping[str, Program]) -> bool:
    called = programs.get(callee(state))
    return state.kind in ENDS or (called is not None and any(inner.kind in ENDING_CALLEE for inner in called.states.values()))


def circular(component: list[str], graph: Mapping[str, list[str]]) -> bool:
    return len(component) > 1 or component[0] in graph[component[0]]


def in_file_order(component: list[str], program: Program) -> list[str]:
    members = set(component)
    return [name for name in program.states if name in members]


def around(program: Program, names: list[str]) -> str:
    """The circle as it is walked from its first state."""
    path, members = [names[0]], set(names)
    while (
        following := next((name for name in leads(program, program.states[path[-1]]) if name in members and name not in path), "")
    ) and len(path) < 6:
        path.append(following)
    return " -> ".join([*path, "…", names[0]] if len(path) < len(names) else [*path, names[0]])


def circle_problem(program: Program, names: list[str]) -> Problem:
    span = program.document.key_span(program.states[names[0]].path)
    return Problem("FE230", span, f"a call that comes here goes round forever: {around(program, names)}", FOREVER_HINT)


def trap_problem(program: Program, names: list[str]) -> Problem:
    span = program.document.key_span(program.states[names[0]].path)
    return Problem("FE231", span, f"no answer of the caller leads out of here: {around(program, names)}", TRAPPED_HINT)
