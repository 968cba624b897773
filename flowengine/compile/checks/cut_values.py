"""Values that a variable may have to cut, or cannot hold, as they may be longer than it is."""

from collections.abc import Iterator, Mapping

from flowengine.compile.checks.call_facts import CallFacts
from flowengine.compile.checks.text_sizes import (
    ColumnSizes,
    measure_longest_expression,
    measure_longest_text,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Expression, Template
from flowengine.limits import MAX_VARIABLE
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states import Variable, WrittenValue

# all other kinds have a size of their own, which no author chooses
CUT_KINDS = frozenset({"text", "digits"})


def check(
    facts: CallFacts, outputs: Mapping[str, Mapping[str, Variable]], columns: ColumnSizes
) -> Iterator[Problem]:
    """`outputs` are the variables that each subflow hands back, by flow and name."""
    program = facts.program
    for state in program.states.values():
        for variable, size, path in iterate_written_values(program, state, outputs, columns):
            if variable.kind in CUT_KINDS and size > variable.size:
                yield build_cut_problem(program, variable, size, path)


def iterate_written_values(
    program: Program,
    state: CompiledState,
    outputs: Mapping[str, Mapping[str, Variable]],
    columns: ColumnSizes,
) -> Iterator[tuple[Variable, int, KeyPath]]:
    """What a state writes: the variable, the longest value, where the author wrote it."""
    for item in state.list_written_values():
        if item.output:
            there = outputs.get(state.verb.callee, {})
            size = there[item.output].size if item.output in there else 0
        else:
            size = measure_longest_written(item, program, columns)
        yield item.variable, size, (*state.path, *item.path)


def measure_longest_written(item: WrittenValue, program: Program, columns: ColumnSizes) -> int:
    if isinstance(item.value, Template) and item.value.constant is None:
        return measure_longest_text(item.value, program.variables, columns)
    if isinstance(item.value, Expression):
        return measure_longest_expression(item.value, program.variables, columns)
    return 0  # a value that stands there was looked at when it was compiled


def build_cut_problem(program: Program, variable: Variable, size: int, path: KeyPath) -> Problem:
    what = "is cut" if variable.kind == "text" else "is refused"
    message = f"this may have {size} characters; {variable.name} holds {variable.size}, and what is longer {what}"
    hint = (
        f"give {variable.name} `max: {size}`"
        if size <= MAX_VARIABLE
        else f"cut it where it may be cut: first(…, {variable.size})"
    )
    return Problem("FE930", program.document.find_span(path), message, hint)
