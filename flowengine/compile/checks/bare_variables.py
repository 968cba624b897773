"""Variables in a text in the notation of another language: `{name}`, `$name` and `%name%`."""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.compile.checks.event_values import EXPRESSION_OPTIONS
from flowengine.compile.program import Program
from flowengine.problems import Problem
from flowengine.source import KeyPath

_NO_TEXTS: Final = EXPRESSION_OPTIONS | {"note", "into"}
# each way begins with a sign of its own, so that the search skips all other characters at once
_FOREIGN_NOTATION: Final = re.compile(
    r"\{(?<!\$\{)\s*([a-z]\w*)\s*\}|\$(?<!\$\$)(?:vars\.)?([a-z]\w*)|%([a-z]\w*)%"
)
_INTERPOLATION: Final = re.compile(r"\$\{[^}]*\}")


def check(program: Program) -> Iterator[Problem]:
    """A caller would hear such a text as it stands, and another system would get it so."""
    if not program.variables or not any(iterate_variables(program, program.document.text)):
        return
    for path, text in iterate_texts(program.document.data.get("states"), ("states",)):
        # what stands in `${…}` is an expression
        plain = _INTERPOLATION.sub(lambda inner: " " * len(inner[0]), text)
        for found, variable in iterate_variables(program, plain):
            yield Problem(
                "FE463",
                program.document.find_inner_span(path, found.start(), len(found[0])),
                f"{found[0]} is no variable here, but these very characters",
                f"write ${{vars.{variable}}}",
            )


def iterate_variables(program: Program, text: str) -> Iterator[tuple[re.Match[str], str]]:
    """Each variable of the flow in a foreign notation, with its name."""
    for found in _FOREIGN_NOTATION.finditer(text):
        name = found[1] or found[2] or found[3]
        if name in program.variables:
            yield found, name


def iterate_texts(data: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """The texts of states in which `${…}` may stand, by path."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            if key not in _NO_TEXTS:
                yield from iterate_texts(value, (*path, key))
