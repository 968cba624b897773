"""Keys that are asked of callers from apps: no callback reports them."""

from collections.abc import Iterator

from flowengine.compile.checks.call_facts import FROM_APP, CallFacts
from flowengine.problems import Problem

APP_CALLERS_HINT = (
    'lead such calls elsewhere by a route, or by `when: call.origin == "mxp"` before it; if your '
    "platform does report them, say so in project.yaml: `platform: {pie_for_apps: true}`"
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
        elif state.verb.reports_keys:
            message = f"the keys of callers from apps are not reported, and a route leads them to {state.name}"
            span = document.find_key_span((*state.path, state.kind, "keys"))
            yield Problem("FE937", span, message, APP_CALLERS_HINT)
