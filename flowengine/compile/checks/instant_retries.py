"""Lookups that are tried again without a pause and without a limit: while the other system fails, a
call goes round in one answer, and the caller hears the words in between over and over.
"""

from collections.abc import Iterator

from flowengine.compile.checks.program_graph import find_components, is_cyclic
from flowengine.compile.checks.silence_loops import find_only_exit
from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem

RETRY_HINT = "write retries: in the lookup; or count the tries in a variable, and leave the loop by a choose:"


def check(program: Program) -> Iterator[Problem]:
    """One problem for each loop. A choose or a subflow on the way may end it, so it counts as no
    part of one.
    """
    if not any(state.verb.lookup_service for state in program.states.values()):
        return
    graph = {name: list(list_retry_exits(program, state)) for name, state in program.states.items()}
    targets = {name: [target for _, target in exits] for name, exits in graph.items()}
    for component in find_components(targets):
        if not is_cyclic(component, targets):
            continue
        names = [name for name in program.states if name in component]
        first = next((name for name in names if program.states[name].verb.lookup_service), "")
        if not first:
            continue  # FE230 is for such a loop
        exit_ = next(exit_ for exit_, target in graph[first] if target in component)
        way = " -> ".join([*names[names.index(first) :], *names[: names.index(first)], first])
        yield Problem(
            "FE951",
            program.document.find_span(program.states[first].exits[exit_].path),
            f"the lookup is tried again without a pause, as long as it fails: {way}",
            RETRY_HINT,
        )


def list_retry_exits(program: Program, state: CompiledState) -> Iterator[tuple[str, str]]:
    """The exits that a call takes at once where lookups fail, each with the state that follows."""
    only = "" if state.verb.lookup_service else find_only_exit(state)
    for name, target in state.exits.items():
        is_taken = name != "next" if state.verb.lookup_service else target.state == only
        if is_taken and target.state in program.states:
            yield name, target.state
