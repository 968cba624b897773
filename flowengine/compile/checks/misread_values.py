"""Dates that are spoken as they stand, which a voice may read as three numbers."""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.compile.checks.prompt_sizes import iterate_prompts
from flowengine.compile.program import Program
from flowengine.expr.template import CompiledInterpolation
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states.prompt import PromptPart

_ONE_NAME: Final = re.compile(r"vars\.(\w+)")


def check(program: Program) -> Iterator[Problem]:
    """One problem for each place in the flow. Messages and defaults of the project are not looked at:
    they may be spoken by several flows.
    """
    seen = set[tuple[KeyPath, int]]()
    for state in program.states.values():
        for plan in iterate_prompts(state):
            for part in plan.parts:
                for locale, piece in iterate_dates(program, part):
                    path = find_text(program, part.path, locale)
                    if path and (path, piece.start) not in seen:
                        seen.add((path, piece.start))
                        yield build_problem(program, path, piece)


def iterate_dates(
    program: Program, part: PromptPart
) -> Iterator[tuple[str, CompiledInterpolation]]:
    """The dates that a part speaks as they stand, each with the locale of its text."""
    if part.kind not in ("text", "ssml") or part.message:
        return
    for locale, template in part.texts.items():
        for piece in template.interpolations:
            if is_date(program, piece.expression.text.strip()):
                yield locale, piece


def find_text(program: Program, path: KeyPath, locale: str) -> KeyPath:
    """The path of a text of a prompt in this flow; nothing for one that stands elsewhere."""
    places = program.document.values
    if locale and (*path, locale) in places:
        return (*path, locale)
    is_text = path in places and isinstance(program.document.get_value(path), str)
    return path if is_text else ()


def build_problem(program: Program, path: KeyPath, piece: CompiledInterpolation) -> Problem:
    written = piece.expression.text
    name = written.strip()
    span = program.document.find_inner_span(path, piece.start + written.find(name), len(name))
    message = "a voice may read this date as three numbers"
    return Problem("FE952", span, message, f"write ${{date_words({name})}}")


def is_date(program: Program, name: str) -> bool:
    """Whether this is the name of a date, and no expression around one."""
    found = _ONE_NAME.fullmatch(name)
    variable = program.variables.get(found[1]) if found else None
    return variable.kind == "date" if variable else name == "now.date"
