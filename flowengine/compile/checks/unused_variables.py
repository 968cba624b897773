"""Variables that no state reads, and variables that never have a value."""

from collections.abc import Iterator

from flowengine.compile.program import Program
from flowengine.problems import Problem


def check(program: Program) -> Iterator[Problem]:
    states = program.states.values()
    read = frozenset().union(*(state.reads | state.late_reads for state in states))
    written = frozenset().union(*(state.writes for state in states))
    inputs, outputs = (
        {item.name for item in part}
        for part in (program.signature.inputs, program.signature.outputs)
    )
    for name, variable in program.variables.items():
        full = f"vars.{name}"
        # an output is read by the callers of the flow
        if full not in read and name not in outputs:
            span = program.document.find_key_span(("vars", name))
            use = "is written, but never read" if full in written else "is never used"
            yield Problem("FE902", span, f"{name} {use}", "remove it, or read it somewhere")
        elif full not in written and name not in inputs and variable.default is None:
            span = program.document.find_key_span(("vars", name))
            message = f"{name} is read, but nothing ever gives it a value"
            yield Problem(
                "FE903", span, message, "give it a default, set it, or declare it under inputs:"
            )
