"""Checks over whole programs: one rule per file, all run, all problems reported.

What looks at one flow is done again only for flows that have changed. What follows calls from flow
to flow is put together from what is known of each by itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from flowengine.compile.checks import (
    app_callers,
    call_facts,
    contexts,
    cookie,
    cut_values,
    event_values,
    locales,
    loops,
    missing_locales,
    no_effect,
    patience,
    phone_columns,
    platform_limits,
    prompts,
    questions_after_answer,
    reach,
    records,
    recursion,
    secrecy,
    shadowed_routes,
    shadows,
    starts,
    subflow_events,
    text_sizes,
    transcription_locales,
    transfer_loops,
    unheard_events,
    unrouted,
    variables,
)
from flowengine.compile.checks.graph import callees
from flowengine.compile.program import Program
from flowengine.model import Authored, Flow, Memory
from flowengine.model.authored import place_of_project
from flowengine.pace import paced
from flowengine.problems import Problem, Span
from flowengine.source import Document, internal_errors_reported
from flowengine.states import Variable
from flowengine.states.fields import millis

Rule = Callable[[], Iterable[Problem]]


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
    rules: list[Rule] = [
        partial(loops.check, graph, memory),
        partial(contexts.check, programs, authored, memory),
        partial(recursion.check, programs),
        partial(starts.check, programs),
        partial(unrouted.check, authored),
        partial(cookie.check, programs, memory, cookies_only=cookies_only),
        partial(prompts.check, programs, memory),
        lambda: memory.recall(
            ("locales",), authored.common, lambda: list(locales.check_common(authored))
        ),
        lambda: (
            problem
            for problem in each_call_path(graph, authored, memory)
            if problem.span.file not in wrong
        ),
    ]
    if not wrong:
        rules.append(partial(secrecy.check, authored, memory))
    return [
        *each_program(sound, memory),
        *each_flow(authored, memory),
        *run_rules(rules, place_of_project([document.file for document in authored.common])),
    ]


def each_call_path(
    programs: Mapping[str, Program], authored: Authored, memory: Memory
) -> Iterator[Problem]:
    """What is known of calls on their ways through all flows, and what is wrong with it."""
    known = call_facts.call_facts(programs, authored, memory)
    incoming = frozenset(contexts.taking_calls(authored))
    columns, routes = memory.recall(("shared",), authored.common, partial(of_project, authored))
    platform = authored.project.platform
    options = (platform.pie_for_apps, millis(platform.deadline) / 1000)
    for name, each in known.items():
        outputs = {
            flow: {item.name: item for item in programs[flow].signature.outputs}
            for flow in callees(each.program)
            if flow in programs
        }
        key = (each, outputs, columns, options)
        yield from memory.recall(("call path", name), key, partial(of_call_facts, *key))
    yield from routes
    yield from subflow_events.check(programs, incoming)
    yield from unheard_events.check(known, incoming, memory)
    yield from missing_locales.check(known, authored, memory)
    yield from transfer_loops.check(programs, authored, memory)
    yield from phone_columns.check(programs, authored, memory)


def of_project(authored: Authored) -> tuple[text_sizes.Columns, list[Problem]]:
    return text_sizes.column_sizes(authored.project.tables), [*shadowed_routes.check(authored)]


def of_call_facts(
    known: call_facts.CallFacts,
    outputs: Mapping[str, Mapping[str, Variable]],
    columns: text_sizes.Columns,
    options: tuple[bool, float],
) -> list[Problem]:
    pie_for_apps, deadline = options
    return [
        *event_values.check(known),
        *questions_after_answer.check(known),
        *([] if pie_for_apps else app_callers.check(known)),
        *transcription_locales.check(known),
        *cut_values.check(known, outputs, columns),
        *platform_limits.check(known, columns),
        *phone_columns.check_variables(known.program),
        *no_effect.check(known, deadline),
    ]


def run_rules(rules: Iterable[Rule], span: Span) -> list[Problem]:
    """What all rules find; one that fails by a mistake of ours is a problem, and the others go on."""
    problems: list[Problem] = []
    for rule in rules:
        with internal_errors_reported(problems, span):
            problems += rule()
    return problems


def complete(program: Program, authored: Authored) -> bool:
    return len(program.states) == len(authored.flows[program.flow][0].states)


def each_program(programs: Mapping[str, Program], memory: Memory) -> list[Problem]:
    problems: list[Problem] = []
    for name, program in programs.items():
        with internal_errors_reported(problems, program.document.key_span(())):
            problems += memory.recall(
                ("program alone", name), program, partial(of_program, program)
            )
    return problems


def of_program(program: Program) -> list[Problem]:
    return [
        *reach.check(program),
        *variables.check(program),
        *records.check(program),
        *patience.check(program),
    ]


def each_flow(authored: Authored, memory: Memory) -> list[Problem]:
    problems: list[Problem] = []
    for name, (flow, document) in authored.flows.items():
        with internal_errors_reported(problems, document.key_span(())):
            problems += memory.recall(
                ("flow alone", name), document, partial(of_flow, flow, document)
            )
    return problems


def of_flow(flow: Flow, document: Document) -> list[Problem]:
    return [*locales.check(document), *shadows.check(flow, document)]
