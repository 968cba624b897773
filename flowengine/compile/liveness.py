"""The names that a later state may read: only these travel between callbacks."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from flowengine.compile.expression_names import CARRIED_NAMES
from flowengine.compile.program import CompiledState

NamesByState = Mapping[str, frozenset[str]]


class StateNames(NamedTuple):
    """All that liveness depends on of a state. `kept_reads` are the late reads whose
    values it has on being entered. `surely_writes` are the names that it has written
    whenever a call goes on from it; `successors` are the states that may follow, each with the names
    that it has written besides where a call goes there.
    """

    name: str
    set_reads: frozenset[str]
    other_reads: frozenset[str]
    late_reads: frozenset[str]
    kept_reads: frozenset[str]
    surely_writes: frozenset[str]
    successors: tuple[tuple[str, frozenset[str]], ...]
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
    written = dict[str, frozenset[str]]()
    for name, target in state.exits.items():
        here = state.writes if name in state.verb.writing_exits else frozenset[str]()
        written[target.state] = written.get(target.state, here) & here
    if state.error:
        written[state.error] = frozenset()
    return StateNames(
        state.name,
        state.set_reads,
        state.other_reads,
        state.late_reads,
        state.late_reads - state.verb.renewed_names,
        # a state that may fail may leave by its error exit before it has written
        frozenset[str]()
        if state.error
        else frozenset(f"vars.{one.variable.name}" for one in state.assignments),
        tuple(written.items()),
        state.verb.is_question,
        bool(state.verb.callee),
        bool(state.verb.returned_outcome),
    )


def find_successors(flow: FlowNames) -> dict[str, dict[str, frozenset[str]]]:
    """Every state that may follow a state, with the names that it has written by then: by its exits,
    by an error, and by `back` from any question to any other. Where keys lead back, questions of
    subflows lead to those of their callers, and the other way round.
    """
    names = {state.name for state in flow.states}
    questions = {
        state.name
        for state in flow.states
        if flow.goes_back and (state.is_question or state.uses_flow)
    }
    return {
        state.name: {
            **{name: written for name, written in state.successors if name in names},
            # an answer is what writes, and no answer leads back
            **(dict.fromkeys(questions, frozenset()) if state.name in questions else {}),
        }
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
    state: StateNames,
    entering: NamesByState,
    after: NamesByState,
    outputs: frozenset[str],
) -> frozenset[str]:
    """The names that a state needs: what it reads and what its successors need, unless it has
    written that before.
    """
    later = unite_names(entering[name] - written for name, written in after.items())
    ends = outputs if state.returns else frozenset()
    after_set = state.other_reads | state.kept_reads | later | ends
    return filter_stored_names(state.set_reads | (after_set - state.surely_writes))


def find_live_names(
    state: StateNames,
    entering: NamesByState,
    after: Iterable[str],
    outputs: frozenset[str],
) -> frozenset[str]:
    """The names that a waiting call keeps: what it reads when it is resumed, and what any successor
    needs, also what the state itself writes: it may have done so already, as before a read-back.
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
