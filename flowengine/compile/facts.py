"""Facts of a call that a subflow reads must travel with its callers too: nobody tells them twice."""

from collections.abc import Mapping
from dataclasses import replace

from flowengine.compile.program import Program
from flowengine.states.subflow import CompiledSubflow

FACTS = frozenset({"call.from", "call.to", "call.user", "call.origin"})
Facts = Mapping[str, frozenset[str]]


def shared(programs: Mapping[str, Program]) -> dict[str, Program]:
    """The programs with the facts that their subflows read among the names that travel."""
    needs = needed(programs)
    return {name: carrying(program, needs) for name, program in programs.items()}


def needed(programs: Mapping[str, Program]) -> Facts:
    """The facts that each flow reads, or a flow that it uses."""
    found = {name: own(program) for name, program in programs.items()}
    for _ in programs:
        found = {name: found[name].union(*(found.get(flow, frozenset()) for flow in used(programs[name]))) for name in programs}
    return found


def own(program: Program) -> frozenset[str]:
    return frozenset().union(*(state.reads | state.late_reads for state in program.states.values())) & FACTS


def used(program: Program) -> list[str]:
    return [state.verb.flow for state in program.states.values() if isinstance(state.verb, CompiledSubflow)]


def carrying(program: Program, needs: Facts) -> Program:
    handed = frozenset().union(*(needs.get(flow, frozenset()) for flow in used(program)))
    if not handed:
        return program
    live = {state: names | handed for state, names in program.live.items()}
    entering = {state: names | handed for state, names in program.entry_reads.items()}
    return replace(program, live=live, entry_reads=entering)
