"""Recordings that are over before anybody could speak."""

from collections.abc import Iterator

from flowengine.compile.program import Program
from flowengine.problems import Problem

HANGUP_ACTION = "hangup"


def check(program: Program) -> Iterator[Problem]:
    for state in program.states.values():
        # instructions are carried out before the action, and nothing comes after a hangup
        if HANGUP_ACTION in state.verb.actions and state.preamble and state.preamble.record:
            span = program.document.find_key_span((*state.path, "record"))
            message = "the call ends here: nothing that the caller says is recorded"
            yield Problem(
                "FE909",
                span,
                message,
                "lead by next: to a menu that waits for a key while the caller speaks",
            )
