"""Calls to others that begin anew without a pause: where all are busy, or a code stays in use, a call
goes round as fast as the platform answers.
"""

from collections.abc import Iterator

from flowengine.compile.checks.program_graph import find_components, is_cyclic
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem

REDIAL_HINT = (
    "put a question in between, such as a menu that asks whether to wait or to leave a message; its "
    "timeout is the pause"
)


def check(program: Program) -> Iterator[Problem]:
    """One problem for each cycle. What follows in subflows is not looked at."""
    if not any(state.verb.unanswered_exits for state in program.states.values()):
        return
    graph = {name: list_instant_targets(program, state) for name, state in program.states.items()}
    for component in find_components(graph):
        if not is_cyclic(component, graph):
            continue
        names = [name for name in program.states if name in component]
        redials = (name for name in names if program.states[name].verb.unanswered_exits)
        first = next(redials, "")
        if not first:
            continue  # it calls nobody; FE230 tells of such a cycle
        state = program.states[first]
        way = " -> ".join([*names[names.index(first) :], *names[: names.index(first)], first])
        exit_ = find_exit_into(state, component)
        yield Problem(
            "FE942",
            program.document.find_span(state.exits[exit_].path),
            f"where {describe_cause(state, exit_)}, the call goes round without a pause: {way}",
            REDIAL_HINT,
        )


def describe_cause(state: CompiledState, exit_: str) -> str:
    """When the state takes this exit at once."""
    return "the queue is full" if exit_ == "full" else state.verb.unanswered_when


def list_instant_targets(program: Program, state: CompiledState) -> list[str]:
    """Where a call may go on at once, without a word of the caller or an answer of others."""
    quick = state.verb.unanswered_exits
    return [
        target.state
        for name, target in state.exits.items()
        if (name in quick if state.verb.waits else target.via == "same")
        and target.state in program.states
    ]


def find_exit_into(state: CompiledState, component: list[str]) -> str:
    """The exit by which the state leads into its cycle."""
    quick = state.verb.unanswered_exits
    return next(
        name for name, target in state.exits.items() if name in quick and target.state in component
    )
