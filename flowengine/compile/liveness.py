"""The names that a later state may read: only these travel between callbacks."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from flowengine.compile.expression_names import CARRIED_NAMES
from flowengine.compile.program import CompiledState

NamesByState = Mapping[str, frozenset[str]]


class StateNames(NamedTuple):
    """All that liveness depends on of a state. `surely_writes` are the names that it has written
    whenever a call goes on from it.
    """

    name: str
    set_reads: frozenset[str]
    other_reads: frozenset[str]
    late_reads: frozenset[str]
    surely_writes: frozenset[str]
    successors: tuple[str, ...]
    is_question: bool
    uses_flow: bool
    returns: bool


class FlowNames(NamedTuple):
    """All that liveness depends on of a flow. `entries` are the states that an event may enter
    while a call waits anywhere; `goes_back` says that some key leads back.
    """

    states: tuple[StateNames, ...]
    outputs: frozenset[str]
    entries: tuple[str, ...]
    goes_back: bool


class Liveness(NamedTuple):
    """By state: the names that must be known on entering it, and those that must travel while a
    call waits in it.
    """

    entering: NamesByState
    waiting: NamesByState


def collect_state_names(state: CompiledState) -> StateNames:
    targets = tuple(target.state for target in state.exits.values())
    return StateNames(
        state.name,
        state.set_reads,
        state.other_reads,
        state.late_reads,
        # a state that may fail may leave by its error exit before it has written
        frozenset[str]()
        if state.error
        else frozenset(f"vars.{one.variable.name}" for one in state.assignments),
        (*targets, state.error) if state.error else targets,
        state.verb.is_question,
        bool(state.verb.callee),
        bool(state.verb.returned_outcome),
    )


def find_successors(flow: FlowNames) -> dict[str, set[str]]:
    """Every state that may follow a state: by its exits, by an error, and by `back` from any
    question to any other. Where keys lead back, questions of subflows lead to those of their
    callers, and the other way round.
    """
    names = {state.name for state in flow.states}
    questions = {
        state.name
        for state in flow.states
        if flow.goes_back and (state.is_question or state.uses_flow)
    }
    return {
        state.name: names.intersection(state.successors)
        | (questions if state.name in questions else set())
        for state in flow.states
    }


def compute_liveness(flow: FlowNames) -> Liveness:
    after = find_successors(flow)
    entering: dict[str, frozenset[str]] = {state.name: frozenset() for state in flow.states}
    changed = True
    while changed:
        changed = False
        # backwards, as most exits lead down the file: few rounds are enough
        for state in reversed(flow.states):
            need = find_needed_names(state, entering, after[state.name], flow.outputs)
            if need != entering[state.name]:
                entering[state.name], changed = need, True
    always = unite_names(entering[name] for name in flow.entries if name in entering)
    waiting = {
        state.name: intern_names(
            find_live_names(state, entering, after[state.name], flow.outputs) | always
        )
        for state in flow.states
    }
    return Liveness(entering, waiting)


def find_needed_names(
    state: StateNames, entering: NamesByState, after: set[str], outputs: frozenset[str]
) -> frozenset[str]:
    """The names that a state needs: what it reads and what its successors need, unless it sets that
    before.
    """
    later = unite_names(entering[name] for name in after)
    ends = outputs if state.returns else frozenset()
    after_set = state.other_reads | state.late_reads | later | ends
    return filter_stored_names(state.set_reads | (after_set - state.surely_writes))


def find_live_names(
    state: StateNames, entering: NamesByState, after: set[str], outputs: frozenset[str]
) -> frozenset[str]:
    """The names that a waiting call keeps: what it reads when it is resumed, and what any successor
    needs.
    """
    # a question may be asked again, which reads what its prompt reads
    repeated = state.set_reads | state.other_reads if state.is_question else frozenset()
    ends = outputs if state.returns else frozenset()
    return filter_stored_names(
        state.late_reads | repeated | unite_names(entering[name] for name in after) | ends
    )


def unite_names(sets: object) -> frozenset[str]:
    return frozenset().union(*sets)  # type: ignore[misc]


def filter_stored_names(names: frozenset[str]) -> frozenset[str]:
    """Variables and facts of the call. Clocks and calendars are not stored, as they are computed
    anew.
    """
    return intern_names(
        frozenset(name for name in names if name.startswith("vars.") or name in CARRIED_NAMES)
    )


@lru_cache(4096)
def intern_names(names: frozenset[str]) -> frozenset[str]:
    """An equal set of names that is in use already: many states need the same."""
    return names
