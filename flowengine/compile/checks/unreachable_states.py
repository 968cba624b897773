"""States that no call can come to."""

from collections.abc import Iterator

from flowengine.compile.checks.program_graph import find_reachable
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem


def check(program: Program) -> Iterator[Problem]:
    found = find_reachable(
        {name: list_next_states(state) for name, state in program.states.items()},
        program.list_entries().values(),
    )
    for name, state in program.states.items():
        if name not in found:
            yield Problem(
                "FE901",
                program.document.find_key_span(state.path),
                f"no call comes to {name}",
                "lead there by next: or by an option, or remove it",
            )


def list_next_states(state: CompiledState) -> set[str]:
    """Where a state leads, when it fails too. `back` needs no edge: it leads to questions that were
    visited already.
    """
    return {target.state for target in state.exits.values()} | (
        {state.error} if state.error else set()
    )
