"""Checks over whole programs: one rule per file, all run, all problems reported.

What looks at one flow is done again only for flows that have changed. What follows calls from flow
to flow is put together from what is known of each by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from flowengine.compile.checks import (
    contexts,
    cookie,
    locales,
    loops,
    patience,
    prompts,
    reach,
    records,
    recursion,
    secrecy,
    shadows,
    starts,
    unrouted,
    variables,
)
from flowengine.compile.program import Program
from flowengine.model import Authored, Flow, Memory
from flowengine.pace import paced
from flowengine.problems import Problem
from flowengine.source import Document


def check(
    programs: Mapping[str, Program],
    authored: Authored,
    found: Sequence[Problem],
    memory: Memory,
    *,
    cookies_only: bool,
) -> list[Problem]:
    """Every problem that only the whole project shows.

    `found` are the problems so far: where names are wrong, the graph has holes, and what follows
    from a hole is not worth saying.
    """
    wrong = {problem.span.file for problem in found if problem.severity == "error"}
    holed = {problem.span.file for problem in found if problem.code.startswith("FE2")}
    whole = {
        name: program for name, program in paced(programs.items()) if complete(program, authored)
    }
    sound = {name: program for name, program in whole.items() if program.document.file not in wrong}
    graph = {name: program for name, program in whole.items() if program.document.file not in holed}
    return [
        *each_program(sound, memory),
        *loops.check(graph, memory),
        *contexts.check(programs, authored, memory),
        *recursion.check(programs),
        *starts.check(programs),
        *unrouted.check(authored),
        *cookie.check(programs, memory, cookies_only=cookies_only),
        *prompts.check(programs, memory),
        *each_flow(authored, memory),
        *([] if wrong else secrecy.check(authored, memory)),
        *memory.recall(("locales",), authored.common, lambda: list(locales.check_common(authored))),
    ]


def complete(program: Program, authored: Authored) -> bool:
    return len(program.states) == len(authored.flows[program.flow][0].states)


def each_program(programs: Mapping[str, Program], memory: Memory) -> Iterator[Problem]:
    for name, program in programs.items():
        yield from memory.recall(("program alone", name), program, partial(of_program, program))


def of_program(program: Program) -> list[Problem]:
    return [
        *reach.check(program),
        *variables.check(program),
        *records.check(program),
        *patience.check(program),
    ]


def each_flow(authored: Authored, memory: Memory) -> Iterator[Problem]:
    for name, (flow, document) in authored.flows.items():
        yield from memory.recall(("flow alone", name), document, partial(of_flow, flow, document))


def of_flow(flow: Flow, document: Document) -> list[Problem]:
    return [*locales.check(document), *shadows.check(flow, document)]
