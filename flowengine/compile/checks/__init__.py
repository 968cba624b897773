"""Checks over whole programs: one rule per file, all run, all problems reported."""

from collections.abc import Mapping, Sequence

from flowengine.compile.checks import contexts, cookie, locales, loops, prompts, reach, recursion, shadows, starts, variables
from flowengine.compile.program import Program
from flowengine.model import Authored
from flowengine.problems import Problem


def check(programs: Mapping[str, Program], authored: Authored, found: Sequence[Problem] = (), *, cookies_only: bool) -> list[Problem]:
    """Every problem that only the whole project shows.

    `found` are the problems so far: where names are wrong, the graph has holes, and what follows from a hole is not worth saying.
    """
    wrong = {problem.span.file for problem in found if problem.severity == "error"}
    holed = {problem.span.file for problem in found if problem.code.startswith("FE2")}
    whole = {name: program for name, program in programs.items() if complete(program, authored)}
    sound = {name: program for name, program in whole.items() if program.document.file not in wrong}
    graph = {name: program for name, program in whole.items() if program.document.file not in holed}
    return [
        *reach.check(sound),
        *loops.check(graph),
        *contexts.check(programs, authored),
        *recursion.check(programs),
        *starts.check(programs),
        *cookie.check(programs, cookies_only=cookies_only),
        *prompts.check(programs),
        *variables.check(sound),
        *locales.check(authored),
        *shadows.check(authored),
    ]


def complete(program: Program, authored: Authored) -> bool:
    return len(program.states) == len(authored.flows[program.flow][0].states)
