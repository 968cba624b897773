"""Questions that a silent caller is asked for ever."""

from collections.abc import Iterator

from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem


def check(program: Program) -> Iterator[Problem]:
    for name, state in program.states.items():
        target = state.silent_exit
        others = [exit_.state for exit_ in state.exits.values() if exit_ is not target]
        if target is None or all(
            is_leading_back(program, other, name) for other in others
        ):  # FE231 says that no answer leads out
            continue
        if is_leading_back(program, target.state, name):
            message = f"whoever does not answer is asked {name} again and again, for ever"
            yield Problem(
                "FE912",
                program.document.find_span(target.path),
                message,
                "lead to a state that ends the call or connects it",
            )


def is_leading_back(program: Program, start: str, question: str) -> bool:
    """Whether the call comes back to the question without anything being asked or decided on the
    way.
    """
    seen: set[str] = set()
    at = start
    while at != question:
        seen.add(at)
        state = program.states.get(at)
        following = find_only_exit(state) if state else ""
        if not following or following in seen:
            return False
        at = following
    return True


def find_only_exit(state: CompiledState) -> str:
    ways = {target.state for target in state.exits.values()}
    return ways.pop() if len(ways) == 1 and not state.verb.waits and not state.verb.callee else ""
