"""Entries for events that never come, and events that are asked for but have no entry."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from flowengine.compile.checks.call_facts import CallFacts
from flowengine.compile.checks.program_graph import (
    find_reachable,
    list_entered_flows,
    list_subflow_calls,
)
from flowengine.compile.program import Program
from flowengine.problems import Problem

DETECTION_NOTICES = frozenset({"amd", "amd_beep"})
DETECTION_EXITS_HINT = (
    "such a notice goes to the exits of the connection: person:, machine:, unsure:, beep:"
)


class EventSources(NamedTuple):
    """What the states of a flow cause to be reported later."""

    records: bool
    transcribes: bool
    keys: tuple[str, ...]


def check(facts: Mapping[str, CallFacts], incoming: frozenset[str]) -> Iterator[Problem]:
    programs = {name: each.program for name, each in facts.items()}
    own = {name: program.compute_once(find_event_sources) for name, program in programs.items()}
    graph = {
        name: [flow for flow in list_entered_flows(program) if flow in programs]
        for name, program in programs.items()
    }
    users = invert_graph(graph)
    for name, program in programs.items():
        # subflows count, too: their recordings and conferences report to the flows that use them;
        # and what flows have begun reports to the flow that they begin while the call is in it
        if program.pressed or program.notified:
            related = find_reachable(graph, [name]) | find_reachable(users, [name])
            used = [own[flow] for flow in sorted(related)]
            yield from find_missing_notices(program, used)
            yield from find_missing_keys(program, used)
    used_flows = {
        name: [state.verb.callee for state in states]
        for name, states in list_subflow_calls(programs).items()
    }
    yield from find_unheard_keys(programs, used_flows, graph, own, incoming)


def invert_graph(graph: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """By flow: those that use it."""
    found: dict[str, list[str]] = {name: [] for name in graph}
    for name, used in graph.items():
        for flow in used:
            found[flow].append(name)
    return found


def find_event_sources(program: Program) -> EventSources:
    recorders = [one for state in program.states.values() for one in state.recordings]
    return EventSources(
        any(recorder.notify for recorder in recorders),
        any(recorder.notify and recorder.transcribe for recorder in recorders),
        tuple(name for name, state in program.states.items() if state.verb.reports_keys),
    )


def find_missing_notices(program: Program, used: Sequence[EventSources]) -> Iterator[Problem]:
    for kind in program.notified:
        if reason := explain_missing_notice(kind, used):
            message, hint = reason
            span = program.document.find_key_span(("on", "notified", kind))
            yield Problem("FE939", span, f"{kind} never comes: {message}", hint)


def explain_missing_notice(kind: str, used: Sequence[EventSources]) -> tuple[str, str] | None:
    """Why a notice never comes, and what to do."""
    if kind in DETECTION_NOTICES:
        return DETECTION_EXITS_HINT, "remove it, and lead those exits where it should go"
    if kind.startswith("recording") and not any(each.records for each in used):
        hint = (
            "add `record:` or `record_message:` to a state, without `notify: false`; or remove this"
        )
        return "no state of this flow records and wants to hear of it", hint
    if kind.startswith("transcription") and not any(each.transcribes for each in used):
        hint = "add `transcribe: true` to the recording, without `notify: false`; or remove this"
        return "no recording of this flow is transcribed and wants to hear of it", hint
    return None


def find_missing_keys(program: Program, used: Sequence[EventSources]) -> Iterator[Problem]:
    # a call that the project places into a conference may report keys, too: the request says so
    if program.pressed and not program.answered and not any(each.keys for each in used):
        span = program.document.find_key_span(("on", "pressed"))
        message = "no keys are ever reported: no conference of this flow listens to them"
        yield Problem("FE939", span, message, "add `keys: {mode: detect}` to the connection")


def find_unheard_keys(
    programs: Mapping[str, Program],
    used_flows: Mapping[str, Sequence[str]],
    graph: Mapping[str, Sequence[str]],
    own: Mapping[str, EventSources],
    incoming: frozenset[str],
) -> Iterator[Problem]:
    """Conferences that report keys to no flow: neither their own nor one that uses it hears them."""
    reporting = [name for name, each in own.items() if each.keys]
    if not reporting:
        return  # as in most projects: what follows takes longer the more flows there are
    heard = {
        flow
        for name, program in programs.items()
        if program.pressed
        for flow in find_reachable(used_flows, [name])
    }
    begun = {flow for name in incoming & graph.keys() for flow in find_reachable(graph, [name])}
    unheard = begun - heard
    for name in reporting:
        for state in own[name].keys if name in unheard else ():
            path = ("states", state, programs[name].states[state].kind, "keys", "mode")
            yield Problem(
                "FE939",
                programs[name].document.find_span(path),
                "nothing hears the keys that this conference reports",
                "add `on: {pressed: <state>}` to this flow, or to one that uses it",
            )
