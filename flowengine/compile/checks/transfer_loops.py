"""Calls between numbers of the project that go round for ever: each flow connects to the number of
the next without asking the caller.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from flowengine.compile.checks.call_paths import has_own_error
from flowengine.compile.checks.program_graph import (
    find_components,
    find_number_path,
)
from flowengine.compile.program import CompiledState, Program
from flowengine.compile.routing import CompiledRoute, compile_route
from flowengine.expr import Template
from flowengine.model import AuthoredProject, CompileCache
from flowengine.problems import Problem
from flowengine.source import KeyPath
from flowengine.states.field_types import DIALLED_TARGET

TRANSFER_LOOP_HINT = (
    "connect one of them to a number outside of this project, or ask the caller before"
)
MAX_SHOWN_HOPS = 8  # of a circle that a person still reads


class DialledNumber(NamedTuple):
    """A connection to a phone number, in digits; "" is the number that the caller dialled."""

    flow: str
    state: str
    number: str
    path: KeyPath


def check(
    programs: Mapping[str, Program], authored: AuthoredProject, memory: CompileCache
) -> Iterator[Problem]:
    """One problem for each circle of numbers."""
    owners = list_own_numbers(authored)
    dialled = {
        name: memory.get_or_compute(("dialled", name), program, partial(list_connections, program))
        for name, program in (programs.items() if owners else ())
    }
    # most projects dial no number of their own: then there is nothing to follow
    if not any(
        each.number in owners or not each.number for all_ in dialled.values() for each in all_
    ):
        return
    hops = {
        number: find_next_numbers(number, flow, programs, dialled, owners)
        for number, flow in owners.items()
    }
    for circle in find_components({number: list(following) for number, following in hops.items()}):
        if len(circle) > 1 or circle[0] in hops[circle[0]]:
            yield build_transfer_problem(programs, owners, hops, circle)


def list_own_numbers(authored: AuthoredProject) -> dict[str, str]:
    """The flow that answers each number which a route names, in a call by phone."""
    found: dict[str, str] = {}
    for route in map(compile_route, authored.project.routes):
        if is_phone_route(route):
            # the first route of a number wins, as in a call
            found.setdefault(route.prefix, route.flow)
    return found


def is_phone_route(route: CompiledRoute) -> bool:
    number = route.has_number and not route.has_wildcard and route.prefix.isdigit()
    return number and route.kind in ("", "did", "number") and route.origin in ("", "pstn")


def list_connections(program: Program) -> tuple[DialledNumber, ...]:
    """All connections to numbers that the author wrote down."""
    found = []
    for state in program.states.values():
        dialled = state.verb.dialled_texts.get("phone")
        number = find_authored_number(dialled) if dialled else None
        if number is not None:
            # numbers are compared without +, as routes are
            digits = "" if number == DIALLED_TARGET else number.replace(" ", "").lstrip("+")
            path = find_number_path(program, state)
            found.append(DialledNumber(program.flow, state.name, digits, path))
    return tuple(found)


def find_authored_number(dialled: Template) -> str | None:
    """The number as the author wrote it; None where only a call tells."""
    if [piece.expression.text.strip() for piece in dialled.interpolations] == ["call.to"]:
        return DIALLED_TARGET if len(dialled.parts) == 1 else None
    return dialled.constant


def find_next_numbers(
    number: str,
    flow: str,
    programs: Mapping[str, Program],
    dialled: Mapping[str, tuple[DialledNumber, ...]],
    owners: Mapping[str, str],
) -> dict[str, DialledNumber]:
    """By number of the project: the connection by which a call to this number goes there."""
    visited: dict[str, set[str]] = {}
    if flow in programs:
        visit_unasked_states(flow, programs, visited)
    found: dict[str, DialledNumber] = {}
    for name, states in visited.items():
        for each in dialled[name]:
            target = each.number or number
            if each.state in states and target in owners:
                found.setdefault(target, each)
    return found


def visit_unasked_states(
    flow: str, programs: Mapping[str, Program], visited: dict[str, set[str]]
) -> frozenset[str]:
    """Note the states, by flow, that a call comes to without an answer of the caller; return the
    outcomes of this flow among them.
    """
    program, seen, outcomes = programs[flow], visited.setdefault(flow, set()), set()
    todo = [program.start]
    while todo:
        state = program.states.get(todo.pop())
        if state is None or state.name in seen:
            continue
        seen.add(state.name)
        if state.verb.returned_outcome:
            outcomes.add(state.verb.returned_outcome)
        todo += iterate_next_states(program, state, programs, visited)
    return frozenset(outcomes)


def iterate_next_states(
    program: Program,
    state: CompiledState,
    programs: Mapping[str, Program],
    visited: dict[str, set[str]],
) -> Iterator[str]:
    """Where the call goes on by itself: a caller who says nothing takes `otherwise:`."""
    if has_own_error(program, state):
        yield state.error
    if called := state.verb.callee:
        if called in programs and called not in visited:
            outcomes = visit_unasked_states(called, programs, visited)
            yield from (
                target.state
                for name, target in state.exits.items()
                if name.removeprefix("outcome ") in outcomes
            )
        return
    for name, target in state.exits.items():
        if name == "otherwise" or (not state.verb.is_question and target.via == "same"):
            yield target.state


def build_transfer_problem(
    programs: Mapping[str, Program],
    owners: Mapping[str, str],
    hops: Mapping[str, Mapping[str, DialledNumber]],
    circle: list[str],
) -> Problem:
    members = [number for number in owners if number in circle]
    walked = [members[0]]
    while following_number := next(
        (to for to in members if to in hops[walked[-1]] and to not in walked), ""
    ):
        walked.append(following_number)
    if members[0] not in hops[walked[-1]]:  # a circle of circles: show the numbers that it has
        walked = members
    shown = [f"+{number} ({owners[number]})" for number in walked[:MAX_SHOWN_HOPS]]
    rest = ["…"] if len(walked) > MAX_SHOWN_HOPS else []
    first = next(hop for to, hop in hops[members[0]].items() if to in circle)
    way = " -> ".join([*shown, *rest, f"+{members[0]}"])
    span = programs[first.flow].document.find_span(first.path)
    return Problem(
        "FE938", span, f"calls between own numbers go round for ever: {way}", TRANSFER_LOOP_HINT
    )
