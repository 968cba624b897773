"""States that no call can come to."""

from collections.abc import Iterator

from flowengine.compile.checks.graph import reachable
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem


def check(program: Program) -> Iterator[Problem]:
    found = reachable(
        {name: leads(state) for name, state in program.states.items()}, program.entries().values()
    )
    for name, state in program.states.items():
        if name not in found:
            yield Problem(
                "FE901",
                program.document.key_span(state.path),
                f"no call comes to {name}",
                "lead there by next: or by an option, or remove it",
            )


def leads(state: CompiledState) -> set[str]:
    """Where a state leads, when it fails too. `back` needs no edge: it leads to questions that were
    visited already.
    """
    return {target.state for target in state.exits.values()} | (
        {state.error} if state.error else set()
    )
