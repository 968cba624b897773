"""States that no call can come to."""

from collections.abc import Iterator
from typing import Final

from flowengine.compile.checks.program_graph import Graph, find_components, find_reachable
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem, join_with_and

MAX_UNREACHED_NAMES: Final = 3


def check(program: Program) -> Iterator[Problem]:
    """The states that no call comes to, of a chain of them only the first."""
    graph = {name: list_next_states(state) for name, state in program.states.items()}
    found = find_reachable(graph, program.list_entries().values())
    lost = {name: graph[name] - found for name in graph if name not in found}
    for chain in list_chains(lost):
        head, *behind = chain
        message = f"no call comes to {head}"
        if behind:
            shown = (
                behind if len(behind) <= MAX_UNREACHED_NAMES else behind[: MAX_UNREACHED_NAMES - 1]
            )
            more = len(behind) - len(shown)
            message += f", and so to {join_with_and([*shown, f'{more} more'] if more else shown)}"
        yield Problem(
            "FE901",
            program.document.find_key_span(program.states[head].path),
            message,
            "lead there by next: or by an option, or remove it",
        )


def list_chains(lost: Graph) -> list[list[str]]:
    """The states of this graph, each in the chain that leads to it: behind its first state, those
    that only it leads to.
    """
    order = {name: place for place, name in enumerate(lost)}
    entered = {target for name in lost for target in lost[name] if target != name}
    heads = [name for name in lost if name not in entered]
    # a cycle of states that only they lead to begins at its first state
    heads += [min(cycle, key=order.__getitem__) for cycle in reversed(find_components(lost))]
    chains, told = [], set[str]()
    for head in heads:
        if head not in told:
            behind = find_reachable(lost, [head]) - told
            told |= behind
            chains.append([head, *sorted(behind - {head}, key=order.__getitem__)])
    return sorted(chains, key=lambda chain: order[chain[0]])


def list_next_states(state: CompiledState) -> set[str]:
    """Where a state leads, when it fails too. `back` needs no edge: it leads to questions that were
    visited already.
    """
    return {target.state for target in state.exits.values()} | (
        {state.error} if state.error else set()
    )
