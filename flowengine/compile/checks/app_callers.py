"""Callers from apps: no callback reports their keys, and no request brings them back."""

from collections.abc import Iterator

from flowengine.compile.checks.call_facts import FROM_APP, CallFacts
from flowengine.problems import Problem

APP_CALLERS_HINT = (
    'lead such calls elsewhere by a route, or by `when: call.origin == "mxp"` before it; if your '
    "platform does report them, say so in project.yaml: `platform: {pie_for_apps: true}`"
)
OTHERS_HINT = (
    "lead such calls elsewhere by a route, or to a connect: by "
    '`when: call.origin == "mxp"` before it'
)


def check(facts: CallFacts) -> Iterator[Problem]:
    for state in facts.program.states.values():
        if not facts.can_hold(state.name, FROM_APP):
            continue
        document = facts.program.document
        # PIE "is not issued for data calls" (platform notes, 8)
        if state.verb.is_question:
            message = f"{state.name} may wait for ever: the platform reports no keys of callers from apps, and a route leads them here"
            yield Problem(
                "FE937",
                document.find_key_span((*state.path, state.kind)),
                message,
                APP_CALLERS_HINT,
            )
        elif state.verb.reports_keys or state.verb.room_keys:
            message = f"the keys of callers from apps are not reported, and a route leads them to {state.name}"
            span = document.find_key_span((*state.path, state.kind, "keys"))
            yield Problem("FE937", span, message, APP_CALLERS_HINT)


def check_calls_to_others(facts: CallFacts) -> Iterator[Problem]:
    """The platform changes only calls from or to the telephone network and SIP (Node SDK 1.5)."""
    program = facts.program
    for state in program.states.values():
        if state.verb.is_brought_back and facts.can_hold(state.name, FROM_APP):
            span = program.document.find_key_span((*state.path, state.kind))
            message = (
                f"{state.name} may keep a caller for ever: the platform brings no caller from an "
                "app back, and a route leads them here"
            )
            yield Problem("FE424", span, message, OTHERS_HINT)
