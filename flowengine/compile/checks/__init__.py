"""Checks over whole programs: one rule per file, all run, all problems reported.

What looks at one flow is done again only for flows that have changed. What follows calls from flow
to flow is put together from what is known of each by itself.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from flowengine.compile.checks import (
    app_callers,
    bare_variables,
    call_facts,
    callback_contexts,
    conference_commands,
    cookie_size,
    cut_values,
    dialled_numbers,
    early_call_backs,
    empty_recordings,
    endless_waits,
    event_values,
    failed_states,
    flow_loops,
    instant_redials,
    instant_retries,
    kept_turns,
    misread_values,
    missing_locales,
    needed_store,
    no_effect,
    parking_codes,
    phone_columns,
    placed_flows,
    plain_credentials,
    platform_limits,
    prompt_sizes,
    questions_after_answer,
    secret_use,
    shadowed_keys,
    shadowed_routes,
    shared_rooms,
    silence_loops,
    spoken_values,
    state_loops,
    subflow_recursion,
    subflow_starts,
    text_sizes,
    transcription_locales,
    transfer_loops,
    unheard_events,
    unknown_locales,
    unreachable_states,
    unrouted_flows,
    unused_groups,
    unused_variables,
)
from flowengine.compile.checks.program_graph import list_entered_flows
from flowengine.compile.program import Program
from flowengine.cooperative import iterate_with_pauses
from flowengine.model import AuthoredProject, CompileCache, Flow
from flowengine.model.project_loader import place_of_project
from flowengine.problems import Problem, Span
from flowengine.source import Document, report_internal_errors
from flowengine.states import Variable
from flowengine.states.field_types import parse_millis

Rule = Callable[[], Iterable[Problem]]


def check_project(
    programs: Mapping[str, Program],
    authored: AuthoredProject,
    found: Sequence[Problem],
    memory: CompileCache,
    *,
    cookies_only: bool,
) -> list[Problem]:
    """All problems that only the whole project shows.

    `found` are the problems so far. Where names are wrong, or a stand-in is there for a state, the
    graph of states has holes, and what follows from a hole is left out.
    """
    wrong = {problem.span.file for problem in found if problem.severity == "error"}
    holed = {problem.span.file for problem in found if problem.code.startswith(("FE1", "FE2"))}
    whole = {
        name: program
        for name, program in iterate_with_pauses(programs.items())
        if is_complete(program, authored)
    }
    sound = select_outside(whole, wrong)
    graph = select_outside(whole, holed)
    rules: list[Rule] = [
        partial(check_loops, graph, memory),
        partial(callback_contexts.check, programs, authored, memory),
        partial(check_used_flows, programs),
        partial(check_kept_turns, graph, authored),
        partial(check_failed_states, whole, authored),
        partial(unrouted_flows.check, authored),
        partial(check_stored_state, programs, cookies_only=cookies_only),
        partial(prompt_sizes.check, programs, memory),
        partial(check_shared_texts, authored, memory),
        lambda: (
            problem
            for problem in check_call_paths(graph, authored, memory)
            if problem.span.file not in wrong
        ),
    ]
    if not wrong:
        rules.append(partial(check_unused, programs, authored, memory))
    return [
        *check_programs(sound.values()),
        *check_flows(authored, memory),
        *run_rules(
            rules, place_of_project([document.file for document in authored.shared_documents])
        ),
    ]


def check_shared_texts(authored: AuthoredProject, memory: CompileCache) -> list[Problem]:
    """What the files that all flows share say by themselves."""

    def find() -> list[Problem]:
        documents = authored.shared_documents
        plain = [one for each in documents for one in plain_credentials.check(each)]
        return [*unknown_locales.check_common(authored), *plain]

    return memory.get_or_compute(("shared texts",), authored.shared_documents, find)


def check_loops(programs: Mapping[str, Program], memory: CompileCache) -> Iterator[Problem]:
    """Cycles that a call never leaves, in one flow and through several."""
    yield from state_loops.check(programs, memory)
    yield from flow_loops.check(programs)


def check_kept_turns(
    programs: Mapping[str, Program], authored: AuthoredProject
) -> Iterator[Problem]:
    """Turns in queues, where `programs`, those without holes, are all: any hole may be a queue."""
    if programs.keys() == authored.flows.keys() and not authored.unread.has_part("flows"):
        yield from kept_turns.check(programs)


def check_failed_states(
    programs: Mapping[str, Program], authored: AuthoredProject
) -> Iterator[Problem]:
    """Names of failed states, where `programs` are all: a state that is left out may be the one."""
    if programs.keys() == authored.flows.keys() and not authored.unread.has_part("flows"):
        yield from failed_states.check(programs)


def check_used_flows(programs: Mapping[str, Program]) -> Iterator[Problem]:
    """Flows that states use, and that cannot be begun so."""
    yield from subflow_recursion.check(programs)
    yield from subflow_starts.check(programs)
    yield from placed_flows.check(programs)


def check_unused(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    """What the project defines and nothing uses, or uses and nothing defines; `programs` are all that
    it has.
    """
    yield from secret_use.check(authored, memory)
    yield from unused_groups.check(programs, authored)
    yield from conference_commands.check(programs, authored)
    yield from parking_codes.check(programs, authored)


def check_stored_state(programs: Mapping[str, Program], *, cookies_only: bool) -> Iterator[Problem]:
    """Problems of calls whose state has no room, or no place, between two callbacks."""
    yield from cookie_size.check(programs, cookies_only=cookies_only)
    yield from needed_store.check(programs, cookies_only=cookies_only)


def select_outside(programs: Mapping[str, Program], files: Collection[str]) -> dict[str, Program]:
    """The programs whose flow is in none of these files."""
    return {
        name: program for name, program in programs.items() if program.document.file not in files
    }


def check_call_paths(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    """Follow calls on their ways through all flows; the problems of what is known of them."""
    known = call_facts.compute_call_facts(programs, authored, memory)
    incoming = frozenset(callback_contexts.find_incoming_flows(authored))
    columns, routes = memory.get_or_compute(
        ("shared",), authored.shared_documents, partial(check_shared, authored)
    )
    platform = authored.project.platform
    options = (platform.pie_for_apps, parse_millis(platform.deadline) / 1000)
    for name, each in known.items():
        outputs = {
            flow: {item.name: item for item in programs[flow].signature.outputs}
            for flow in list_entered_flows(each.program)
            if flow in programs
        }
        key = (each, outputs, columns, options)
        yield from memory.get_or_compute(("call path", name), key, partial(check_call_facts, *key))
    yield from routes
    yield from unheard_events.check(known, incoming)
    yield from missing_locales.check(known, authored, memory)
    yield from transfer_loops.check(programs, authored, memory)
    yield from phone_columns.check(programs, authored)
    yield from spoken_values.check(programs, authored)


def check_shared(authored: AuthoredProject) -> tuple[text_sizes.ColumnSizes, list[Problem]]:
    return text_sizes.measure_columns(authored.project.tables), [*shadowed_routes.check(authored)]


def check_call_facts(
    facts: call_facts.CallFacts,
    outputs: Mapping[str, Mapping[str, Variable]],
    columns: text_sizes.ColumnSizes,
    options: tuple[bool, float],
) -> list[Problem]:
    pie_for_apps, deadline = options
    return [
        *event_values.check(facts),
        *dialled_numbers.check(facts),
        *questions_after_answer.check(facts),
        *([] if pie_for_apps else app_callers.check(facts)),
        *app_callers.check_calls_to_others(facts),
        *transcription_locales.check(facts),
        *cut_values.check(facts, outputs, columns),
        *early_call_backs.check(facts),
        *platform_limits.check(facts, columns),
        *phone_columns.check_variables(facts.program),
        *no_effect.check(facts, deadline),
    ]


def run_rules(rules: Iterable[Rule], span: Span) -> list[Problem]:
    """The problems of all rules. A rule that fails by an internal error is one problem, and the
    others go on.
    """
    problems: list[Problem] = []
    for rule in rules:
        with report_internal_errors(problems, lambda: span):
            problems += rule()
    return problems


def is_complete(program: Program, authored: AuthoredProject) -> bool:
    return len(program.states) == len(authored.flows[program.flow][0].states)


def check_programs(programs: Iterable[Program]) -> list[Problem]:
    problems: list[Problem] = []
    for program in programs:
        with report_internal_errors(problems, partial(program.document.find_key_span, ())):
            problems += program.compute_once(check_program)
    return problems


def check_program(program: Program) -> list[Problem]:
    return [
        *unreachable_states.check(program),
        *unused_variables.check(program),
        *empty_recordings.check(program),
        *silence_loops.check(program),
        *shared_rooms.check(program),
        *instant_redials.check(program),
        *instant_retries.check(program),
        *misread_values.check(program),
        *bare_variables.check(program),
        *endless_waits.check(program),
    ]


def check_flows(authored: AuthoredProject, memory: CompileCache) -> list[Problem]:
    problems: list[Problem] = []
    for name, (flow, document) in authored.flows.items():
        with report_internal_errors(problems, partial(document.find_key_span, ())):
            problems += memory.get_or_compute(
                ("flow alone", name), document, partial(check_flow, flow, document)
            )
    return problems


def check_flow(flow: Flow, document: Document) -> list[Problem]:
    return [
        *unknown_locales.check(document),
        *shadowed_keys.check(flow, document),
        *plain_credentials.check(document),
    ]
