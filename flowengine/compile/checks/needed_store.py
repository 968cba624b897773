"""States that need a session store, on a server that keeps calls in cookies only."""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import CompiledState, Program
from flowengine.problems import Problem

STORE_HINT = "serve with a store: --store sqlite:calls.db"


def check(programs: Mapping[str, Program], *, cookies_only: bool) -> Iterator[Problem]:
    for program in programs.values() if cookies_only else ():
        for state in program.states.values():
            if found := explain_need(state):
                code, message = found
                span = program.document.find_key_span((*state.path, state.kind))
                yield Problem(code, span, message, STORE_HINT)


def explain_need(state: CompiledState) -> tuple[str, str] | None:
    """The problem of a state that needs a store, as its code and in words."""
    if state.verb.written_addresses:  # the notice of a file sets no cookie
        what = "waits for a file, and without a session store the call never hears of it"
        return "FE422", f"{state.name} {what}"
    if state.verb.calls_others:
        what = "has others called, and without a session store nobody knows of their calls"
        return "FE427", f"{state.name} {what}"
    if state.verb.placed_flow:
        what = "has somebody called, and without a session store nobody remembers to"
        return "FE427", f"{state.name} {what}"
    if state.verb.signs_agents:
        what = "signs an agent in or out, and without a session store nobody knows of it"
        return "FE427", f"{state.name} {what}"
    return None
