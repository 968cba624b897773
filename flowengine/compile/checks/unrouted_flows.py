"""Several flows, and nothing that says which of them answers."""

from collections.abc import Iterator

from flowengine.cooperative import iterate_with_pauses
from flowengine.model import AuthoredProject
from flowengine.problems import Problem


def check(authored: AuthoredProject) -> Iterator[Problem]:
    """The problem of flows without routes: a single flow answers every call, but with a second one,
    even a subflow, none does.
    """
    if authored.unread.has_name("routes", ""):
        return
    takers = [
        name
        for name, (flow, _) in iterate_with_pauses(authored.flows.items())
        if flow.start and not flow.outcomes
    ]
    if takers and len(authored.flows) > 1 and not authored.project.routes:
        flow, document = authored.flows[takers[0]]
        message = f"of {len(authored.flows)} flows no route says which one answers: every call from outside hears the apology"
        yield Problem(
            "FE507",
            document.find_span(("flow",)),
            message,
            f"write in project.yaml, for example: routes: [{{flow: {flow.flow}}}]",
        )
