"""Warnings that the authors of a project have decided on: accepted in place by a comment, or raised
to errors by the project.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from flowengine.problems import CATALOGUE, Problem, Severity, Span, suggest_name

ACCEPTANCE_CODE: Final = "FE941"
ENVIRONMENT_CODE: Final = "FE905"  # there on one machine and not on another
_WORD: Final = "accept FE"
_ACCEPTING: Final = re.compile(
    r"(?:^|[ \t])#[ \t]*accept[ \t]+(FE[0-9]+(?:[ \t,]+FE[0-9]+)*)(?:[ \t]*:[ \t]*([^\r\n]*))?"
)
_COMMENT_LINE: Final = re.compile(r"[ \t]*(#.*)?\r?")
_HINT: Final = "write # accept FE902: and why, on the line of the warning or above it"


class Acceptance(msgspec.Struct, frozen=True):
    """A comment that accepts a warning on a line, and where the code stands in it."""

    code: str
    line: int
    span: Span
    reason: str


def decide_warnings(
    problems: Sequence[Problem], sources: Mapping[str, str], raised: Collection[str]
) -> list[Problem]:
    """The problems without the warnings that a comment accepts, and with those of a raised code as
    errors. A comment that accepts nothing is a problem itself, unless errors may hide what it is
    about.
    """
    found = {name: list(read_acceptances(name, sources[name])) for name in sources}
    accepted = defaultdict[tuple[str, int, str], list[Acceptance]](list)
    faults = []
    for name, acceptances in found.items():
        for one in acceptances:
            if fault := find_fault(one):
                faults.append(fault)
            else:
                accepted[name, one.line, one.code].append(one)
    left, used = list[Problem](), set[tuple[str, int, str]]()
    for problem in problems:
        spans = problem.span, *problem.elsewhere
        places = accepted.keys() & {(span.file, span.line, problem.code) for span in spans}
        if problem.severity is Severity.WARNING and places:
            used |= places
        else:
            left.append(replace(problem, is_raised=True) if problem.code in raised else problem)
    if not any(problem.severity is Severity.ERROR for problem in problems):
        faults += list_unused(one for place in accepted.keys() - used for one in accepted[place])
    raised_faults = (
        replace(fault, is_raised=True) if fault.code in raised else fault for fault in faults
    )
    return [*left, *raised_faults]


def read_acceptances(name: str, text: str) -> Iterator[Acceptance]:
    """The acceptances in a file. A comment on a line of its own is for the next line that is none."""
    if _WORD not in text:
        return
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if (comment := _ACCEPTING.search(line)) is None:
            continue
        about = index
        while about + 1 < len(lines) and _COMMENT_LINE.fullmatch(lines[about]):
            about += 1
        for code in re.finditer(r"FE[0-9]+", comment[1]):
            first = comment.start(1) + code.start() + 1
            span = Span(name, index + 1, first, index + 1, first + len(code[0]))
            yield Acceptance(code[0], about + 1, span, (comment[2] or "").strip())


def find_fault(acceptance: Acceptance) -> Problem | None:
    """Why an acceptance can accept nothing."""
    code = acceptance.code
    if code not in CATALOGUE:
        hint = suggest_name(code, CATALOGUE) or _HINT
        return Problem(ACCEPTANCE_CODE, acceptance.span, f"there is no {code}", hint)
    if CATALOGUE[code].severity is Severity.ERROR:
        message = f"{code} is an error: a flow that has it cannot be served"
        return Problem(ACCEPTANCE_CODE, acceptance.span, message, "mend it, and remove this")
    if not acceptance.reason:
        message = f"nothing says why {code} is accepted"
        return Problem(ACCEPTANCE_CODE, acceptance.span, message, _HINT)
    return None


def list_unused(acceptances: Iterable[Acceptance]) -> Iterator[Problem]:
    for one in acceptances:
        if one.code != ENVIRONMENT_CODE:
            message = f"there is no {one.code} on line {one.line}"
            hint = "remove this, or put it on the line of the warning or above it"
            yield Problem(ACCEPTANCE_CODE, one.span, message, hint)
