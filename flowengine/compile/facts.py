"""Facts of a call that a subflow reads must travel with its callers too: nobody tells them twice."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from flowengine.compile.checks.graph import callees
from flowengine.compile.names import STORED_FACTS
from flowengine.compile.program import Program
from flowengine.model import Memory
from flowengine.pace import paced

Facts = Mapping[str, frozenset[str]]


def shared(programs: Mapping[str, Program], memory: Memory) -> dict[str, Program]:
    """The programs with the facts that their subflows read among the names that travel."""
    needs = needed(programs, memory)
    handed = {name: union(needs, callees(program)) for name, program in paced(programs.items())}
    return {
        name: memory.recall(
            ("facts", name), (program, handed[name]), partial(carrying, program, handed[name])
        )
        for name, program in programs.items()
    }


def needed(programs: Mapping[str, Program], memory: Memory) -> Facts:
    """The facts that each flow reads, or a flow that it uses."""
    found = {
        name: memory.recall(("own facts", name), program, partial(own, program))
        for name, program in programs.items()
    }
    calling = {name: callees(program) for name, program in paced(programs.items()) if program.calls}
    changed = True
    while changed:
        more = {
            name: facts
            for name, used in calling.items()
            if not (facts := union(found, used)) <= found[name]
        }
        found.update({name: found[name] | facts for name, facts in more.items()})
        changed = bool(more)
    return found


def union(facts: Facts, flows: list[str]) -> frozenset[str]:
    return frozenset().union(*(facts.get(flow, frozenset()) for flow in flows))


def own(program: Program) -> frozenset[str]:
    return (
        frozenset().union(*(state.reads | state.late_reads for state in program.states.values()))
        & STORED_FACTS.keys()
    )


def carrying(program: Program, handed: frozenset[str]) -> Program:
    if not handed:
        return program
    live = {state: names | handed for state, names in program.live.items()}
    entering = {state: names | handed for state, names in program.entry_reads.items()}
    return replace(program, live=live, entry_reads=entering)
