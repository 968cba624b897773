"""Texts made of values that may outgrow what the platform takes: names of rooms and users, headers,
spoken texts, reports.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from flowengine.compile.checks.call_facts import CallFacts
from flowengine.compile.checks.prompt_sizes import count_constant_characters, iterate_prompts
from flowengine.compile.checks.text_sizes import (
    ColumnSizes,
    measure_longest_text,
    measure_longest_value,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Template
from flowengine.limits import MAX_REPORT_DETAILS, MAX_SAY
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states import TextLimit, Variable

MAX_UTF8_BYTES = 4  # of the longest character


class LimitedText(NamedTuple):
    """A text or several that together have a limit, and what happens to a longer one."""

    path: KeyPath
    what: str
    size: int
    most: int
    then: str
    templates: tuple[Template, ...]


def check(facts: CallFacts, columns: ColumnSizes) -> Iterator[Problem]:
    program = facts.program
    for state in program.states.values():
        for built in iterate_limited_texts(program, state, columns):
            if built.size > built.most:
                yield build_limit_problem(program, built, columns)


def iterate_limited_texts(
    program: Program, state: CompiledState, columns: ColumnSizes
) -> Iterator[LimitedText]:
    for limit in state.verb.list_text_limits():
        if any(template.constant is None for template in limit.texts.values()):
            yield measure_limited_text(program, state, limit, columns)
    details = state.preamble.details if state.preamble else None
    if details and details.constant is None:
        size = measure_longest_text(details, program.variables, columns)
        path = (*state.path, "report", "details")
        yield LimitedText(
            path, "the details of a report", size, MAX_REPORT_DETAILS, "the rest is cut", (details,)
        )
    for path, template in iterate_spoken_templates(state):
        size = measure_longest_text(template, program.variables, columns)
        # where the words alone are too long, another check says so
        if count_constant_characters(template) <= MAX_SAY < size:
            yield LimitedText(
                path, "a spoken text", size, MAX_SAY, "the rest is not spoken", (template,)
            )


def iterate_spoken_templates(state: CompiledState) -> Iterator[tuple[KeyPath, Template]]:
    """The spoken texts of a state that have values in them, each with its place. What your own
    system hands in is as long as it means to, so texts with `call.custom` are not among them.
    """
    for plan in iterate_prompts(state):
        for part in () if plan.constant else plan.parts:
            for template in part.texts.values() if part.kind == "text" else ():
                if template.constant is None and "call.custom" not in template.names:
                    yield part.path, template


def measure_limited_text(
    program: Program, state: CompiledState, limit: TextLimit, columns: ColumnSizes
) -> LimitedText:
    if limit.in_bytes:
        size = sum(
            len(name.encode()) + measure_header_bytes(template, program.variables, columns)
            for name, template in limit.texts.items()
        )
    else:
        size = sum(
            measure_longest_text(template, program.variables, columns)
            for template in limit.texts.values()
        )
    path = (*state.path, state.kind, *limit.path)
    return LimitedText(path, limit.what, size, limit.most, limit.then, tuple(limit.texts.values()))


def measure_header_bytes(
    template: Template, variables: Mapping[str, Variable], columns: ColumnSizes
) -> int:
    """The bytes of a value: a character of a text may take four."""
    wide = sum(
        variable.size * (MAX_UTF8_BYTES - 1)
        for variable in find_variables([template], variables)
        if variable.kind == "text"
    )
    return measure_longest_text(template, variables, columns) + wide


def find_variables(
    templates: Iterable[Template], variables: Mapping[str, Variable]
) -> Iterator[Variable]:
    """The variables that stand in these texts as they are."""
    for template in templates:
        for piece in template.interpolations:
            name = piece.expression.text.strip()
            if name[:5] == "vars." and (variable := variables.get(name[5:])):
                yield variable


def build_limit_problem(program: Program, built: LimitedText, columns: ColumnSizes) -> Problem:
    message = f"{built.what} may have {built.size} here; the platform takes {built.most}, and with more {built.then}"
    largest = max(
        find_variables(built.templates, program.variables), key=lambda one: one.size, default=None
    )
    return Problem(
        "FE934",
        program.document.find_span(built.path),
        message,
        format_limit_hint(largest, built, columns),
    )


def format_limit_hint(largest: Variable | None, built: LimitedText, columns: ColumnSizes) -> str:
    if largest is None:
        return "cut what may be long: first(…, 40)"
    room = built.most - (
        built.size
        - (measure_longest_value(f"vars.{largest.name}", {largest.name: largest}, columns) or 0)
    )
    if room < 1:
        return f"shorten the text, or cut what may be long: first(vars.{largest.name}, 20)"
    return f"give {largest.name} `max: {room}`, or cut it: first(vars.{largest.name}, {room})"
