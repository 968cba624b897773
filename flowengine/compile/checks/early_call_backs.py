"""Calls to the caller that are placed while the caller may still be on the line."""

from collections.abc import Iterator

from flowengine.compile.checks.call_facts import CALL_ENDED, EVENT_FACTS, NOTICES, CallFacts
from flowengine.problems import Problem

DURING_CALL = EVENT_FACTS & ~(CALL_ENDED | NOTICES)
TOO_EARLY = "the caller is called at once and is still on this call, so the phone is busy"
TOO_EARLY_HINT = "write `in: 2m`, or `when: my turn` where a `queue` comes before"


def check(facts: CallFacts) -> Iterator[Problem]:
    for state in facts.program.states.values():
        if state.verb.calls_back_at_once and facts.can_hold(state.name, DURING_CALL):
            span = facts.program.document.find_span((*state.path, state.kind, "to"))
            yield Problem("FE954", span, TOO_EARLY, TOO_EARLY_HINT)
