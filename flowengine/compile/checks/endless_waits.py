"""Queues in which callers wait for as long as they like, also when nobody is left to take them."""

from collections.abc import Iterator

from flowengine.compile.program import Program
from flowengine.problems import Problem

LIMIT_HINT = "write limit: and too_long:"


def check(program: Program) -> Iterator[Problem]:
    for state in program.states.values():
        # of an exit for a limit that is missing, FE936 tells
        if (
            state.verb.waits_in_queue
            and not state.verb.longest_wait
            and "too_long" not in state.exits
        ):
            span = program.document.find_key_span((*state.path, state.kind))
            message = "callers who wait when the last member signs out wait until they hang up"
            yield Problem("FE944", span, message, LIMIT_HINT)
