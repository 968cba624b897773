"""Questions to be asked once a callee has answered: descriptions of the platform differ on who
hears them.
"""

from collections.abc import Iterator

from flowengine.compile.checks.call_facts import CALLEE_CONNECTED, FROM_OTHERS, CallFacts
from flowengine.problems import Problem

WHO_HEARS = "descriptions of the platform differ on whether the caller or the callee hears it"
QUESTION_HINT = (
    "ask before the callee is connected; in a call that your system placed, where the callee is "
    "the only one to hear it, lead here by a route for `origin: server`"
)


def check(facts: CallFacts) -> Iterator[Problem]:
    for state in facts.program.states.values():
        here = facts.facts_by_state.get(state.name, 0)
        if state.verb.is_question and here & CALLEE_CONNECTED and here & FROM_OTHERS:
            message = f"{state.name} asks after a callee has answered: {WHO_HEARS}"
            span = facts.program.document.find_key_span((*state.path, state.kind))
            yield Problem("FE933", span, message, QUESTION_HINT)
