"""Entries for events in a flow that is only used by other flows: events go to the flow in which a
call began.
"""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.program_graph import list_callees
from flowengine.compile.program import Program
from flowengine.problems import Problem


def check(programs: Mapping[str, Program], incoming: frozenset[str]) -> Iterator[Problem]:
    used: dict[str, str] = {}
    for name, program in programs.items():
        for flow in list_callees(program) if program.subflow_states else ():
            # the first user is named in the hint
            used.setdefault(flow, name)
    for name, program in programs.items():
        # a flow that a call can begin in hears events itself
        if name not in used or name in incoming or program.answered:
            continue
        for event in ("pressed", "ended", "notified"):
            if getattr(program, event):
                message = f"{name} is only used as a subflow, so this is never entered: events go to the flow in which the call began"
                hint = f"move it to `on:` of {used[name]}, or lead a route to {name}"
                span = program.document.find_key_span(("on", event))
                yield Problem("FE931", span, message, hint)
