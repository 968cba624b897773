"""Subflows that cannot be begun, because only an event enters them."""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.graph import callee, calls
from flowengine.compile.program import Program
from flowengine.pace import paced
from flowengine.problems import Problem


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    for name, states in paced(calls(programs).items()):
        for state in states:
            called = programs[callee(state)]
            if not called.start and called.entries():
                span = programs[name].document.span((*state.path, "subflow", "flow"))
                yield Problem(
                    "FE222",
                    span,
                    f"{called.flow} has no start",
                    f"add `start: <state>` to {called.flow}",
                )
