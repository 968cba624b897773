"""Dates and long numbers that are spoken as they stand, which a voice may read as other numbers."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from flowengine.compile.checks.prompt_sizes import iterate_prompts
from flowengine.compile.program import Program
from flowengine.expr.template import CompiledInterpolation
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states.prompt import PromptPart


class Misreading(NamedTuple):
    """What a voice may make of a value, and the function that says it as people do."""

    code: str
    message: str
    function: str


_ONE_NAME: Final = re.compile(r"(?:vars|call|now)\.\w+")
PLAIN_DATE: Final = Misreading("FE952", "a voice may read this date as three numbers", "date_words")
LONG_NUMBER: Final = Misreading(
    "FE461", "a voice may read these digits as one large number, such as 14 billion", "spell"
)
# `call.to` may be the name of an app user
PHONE_NUMBERS: Final = ("call.from", "call.redirected_from")
# people say shorter ones as a number, such as that of a room
LEAST_DIGITS: Final = 5


def check(program: Program) -> Iterator[Problem]:
    """One problem for each place in the flow. Messages and defaults of the project are not looked at:
    they may be spoken by several flows.
    """
    seen = set[tuple[KeyPath, int]]()
    for state in program.states.values():
        for plan in iterate_prompts(state):
            for part in plan.parts:
                for locale, piece in iterate_bare_names(part):
                    mistake = find_mistake(program, piece.expression.text.strip())
                    if mistake is None:
                        continue
                    path = find_text(program, part.path, locale)
                    if path and (path, piece.start) not in seen and not is_marked(program, path):
                        seen.add((path, piece.start))
                        yield build_problem(program, path, piece, mistake)


def iterate_bare_names(part: PromptPart) -> Iterator[tuple[str, CompiledInterpolation]]:
    """The values that a part speaks as they stand, each with the locale of its text."""
    if part.kind not in ("text", "ssml") or part.message:
        return
    for locale, template in part.texts.items():
        for piece in template.interpolations:
            if _ONE_NAME.fullmatch(piece.expression.text.strip()):
                yield locale, piece


def find_text(program: Program, path: KeyPath, locale: str) -> KeyPath:
    """The path of a text of a prompt in this flow; nothing for one that stands elsewhere."""
    places = program.document.values
    if locale and (*path, locale) in places:
        return (*path, locale)
    is_text = path in places and isinstance(program.document.get_value(path), str)
    return path if is_text else ()


def is_marked(program: Program, path: KeyPath) -> bool:
    """Whether the markup of this text says how to read values: `<say-as interpret-as="telephone">`."""
    return "say-as" in str(program.document.get_value(path))


def build_problem(
    program: Program, path: KeyPath, piece: CompiledInterpolation, mistake: Misreading
) -> Problem:
    written = piece.expression.text
    name = written.strip()
    span = program.document.find_inner_span(path, piece.start + written.find(name), len(name))
    return Problem(mistake.code, span, mistake.message, f"write ${{{mistake.function}({name})}}")


def find_mistake(program: Program, name: str) -> Misreading | None:
    """What a voice makes of the value of this name."""
    variable = program.variables.get(name.removeprefix("vars."))
    if name == "now.date" or (variable and variable.kind == "date"):
        return PLAIN_DATE
    is_long = variable and variable.kind == "digits" and variable.size >= LEAST_DIGITS
    return LONG_NUMBER if name in PHONE_NUMBERS or is_long else None
