"""Flows that others use or go over to and that cannot be begun, because only an event enters them."""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.program_graph import list_flow_links
from flowengine.compile.program import Program
from flowengine.cooperative import iterate_with_pauses
from flowengine.problems import Problem


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    for name, states in iterate_with_pauses(list_flow_links(programs).items()):
        for state in states:
            called = programs[state.verb.entered_flow]
            if not called.start and called.list_entries():
                span = programs[name].document.find_span((*state.path, state.kind, "flow"))
                yield Problem(
                    "FE222",
                    span,
                    f"{called.flow} has no start",
                    f"add `start: <state>` to {called.flow}",
                )
