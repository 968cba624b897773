"""The names that a later state may read: only these travel between callbacks."""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from flowengine.compile.expression_names import STORED_FACTS
from flowengine.compile.program import CompiledState

NamesByState = Mapping[str, frozenset[str]]


def find_successors(
    states: Mapping[str, CompiledState], *, goes_back: bool = True
) -> dict[str, set[str]]:
    """Every state that may follow a state: by its exits, by an error, and by `back` from any
    question to any other. Where keys lead back, questions of subflows lead to those of their
    callers, and the other way round.
    """
    questions = {
        name
        for name, state in states.items()
        if goes_back and (state.verb.is_question or state.verb.callee)
    }
    found = {}
    for name, state in states.items():
        after = {target.state for target in state.exits.values()} | (
            {state.error} if state.error else set()
        )
        found[name] = (after | questions if name in questions else after) & states.keys()
    return found


def compute_liveness(
    states: Mapping[str, CompiledState],
    outputs: frozenset[str],
    events: Iterable[str] = (),
    *,
    goes_back: bool = True,
) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """By state: the names that must be known on entering it, and those that must travel while a
    call waits in it.

    `events` are the states that an event may enter while a call waits anywhere.
    """
    after = find_successors(states, goes_back=goes_back)
    entering: dict[str, frozenset[str]] = dict.fromkeys(states, frozenset())
    changed = True
    while changed:
        changed = False
        # backwards, as most exits lead down the file: few rounds are enough
        for name in reversed(list(states)):
            need = find_needed_names(states[name], entering, after[name], outputs)
            if need != entering[name]:
                entering[name], changed = need, True
    always = unite_names(entering[name] for name in events if name in states)
    waiting = {
        name: intern_names(find_live_names(states[name], entering, after[name], outputs) | always)
        for name in states
    }
    return entering, waiting


def find_needed_names(
    state: CompiledState, entering: NamesByState, after: set[str], outputs: frozenset[str]
) -> frozenset[str]:
    """The names that a state needs: what it reads and what its successors need, unless it sets that
    before.
    """
    later = unite_names(entering[name] for name in after)
    # a state that may fail may leave by its error exit before it has written
    surely = (
        frozenset[str]()
        if state.error
        else frozenset(f"vars.{one.variable.name}" for one in state.assignments)
    )
    ends = outputs if state.verb.returned_outcome else frozenset()
    after_set = state.other_reads | state.late_reads | later | ends
    return filter_stored_names(state.set_reads | (after_set - surely))


def find_live_names(
    state: CompiledState, entering: NamesByState, after: set[str], outputs: frozenset[str]
) -> frozenset[str]:
    """The names that a waiting call keeps: what it reads when it is resumed, and what any successor
    needs.
    """
    # a question may be asked again, which reads what its prompt reads
    repeated = state.reads if state.verb.is_question else frozenset()
    ends = outputs if state.verb.returned_outcome else frozenset()
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
        frozenset(name for name in names if name.startswith("vars.") or name in STORED_FACTS)
    )


@lru_cache(4096)
def intern_names(names: frozenset[str]) -> frozenset[str]:
    """An equal set of names that is in use already: many states need the same."""
    return names
