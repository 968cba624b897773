"""Lets facts of a call that another flow reads travel with the call in the flows that begin it, as
the platform sends them only once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from flowengine.compile.checks.program_graph import list_entered_flows
from flowengine.compile.expression_names import CARRIED_NAMES
from flowengine.compile.program import Program
from flowengine.cooperative import iterate_with_pauses
from flowengine.model import CompileCache

FactsByFlow = Mapping[str, frozenset[str]]


def add_subflow_facts(programs: Mapping[str, Program], memory: CompileCache) -> dict[str, Program]:
    """The programs with the facts that their subflows read among the names that travel."""
    needs = collect_needed_facts(programs)
    handed = {
        name: unite_facts(needs, list_entered_flows(program))
        for name, program in iterate_with_pauses(programs.items())
    }
    return {
        name: memory.get_or_compute(
            ("facts", name), (program, handed[name]), partial(add_live_facts, program, handed[name])
        )
        for name, program in programs.items()
    }


def collect_needed_facts(programs: Mapping[str, Program]) -> FactsByFlow:
    """The facts of the call that each flow, or a flow that it begins, reads."""
    found = {name: program.compute_once(find_own_facts) for name, program in programs.items()}
    calling = {
        name: list_entered_flows(program)
        for name, program in iterate_with_pauses(programs.items())
        if program.linking_states
    }
    changed = True
    # to the fixed point, as these flows may begin others, even themselves
    while changed:
        more = {
            name: facts
            for name, used in calling.items()
            if not (facts := unite_facts(found, used)) <= found[name]
        }
        found.update({name: found[name] | facts for name, facts in more.items()})
        changed = bool(more)
    return found


def unite_facts(facts: FactsByFlow, flows: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(facts.get(flow, frozenset()) for flow in flows))


def find_own_facts(program: Program) -> frozenset[str]:
    return (
        frozenset().union(*(state.reads | state.late_reads for state in program.states.values()))
        & CARRIED_NAMES
    )


def add_live_facts(program: Program, handed: frozenset[str]) -> Program:
    if not handed:
        return program
    live = {state: names | handed for state, names in program.live.items()}
    entering = {state: names | handed for state, names in program.entry_reads.items()}
    return replace(program, live=live, entry_reads=entering)
