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


def needs_store(program: Program) -> bool:
    """Whether a state of the flow needs a store."""
    return any(explain_need(state) for state in program.states.values())


def explain_need(state: CompiledState) -> tuple[str, str] | None:
    """The problem of a state that needs a store, as its code and in words."""
    if state.verb.written_addresses:  # the notice of a file sets no cookie
        what = "waits for a file, and without a session store the call never hears of it"
        return "FE422", f"{state.name} {what}"
    verb, without = state.verb, "without a session store nobody"
    for holds, what in (
        (verb.calls_others, f"has others called, and {without} knows of their calls"),
        (bool(verb.placed_flow), f"has somebody called, and {without} remembers to"),
        (verb.uses_parking, f"needs to know who is parked, and {without} does"),
        (
            verb.is_in_room or verb.changes_room,
            f"needs to know who is in the conference, and {without} does",
        ),
        (verb.signs_agents, f"signs an agent in or out, and {without} knows of it"),
    ):
        if holds:
            return "FE427", f"{state.name} {what}"
    return None
