"""Data-flow analysis over call paths, through subflows too: which facts may hold when a call comes
to a state.

Facts are bits of a number. An edge keeps some of the facts and adds others, and what several edges
bring is united. So a whole flow is one such transfer for each of its outcomes, and its callers need
not know more of it.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from flowengine.compile.program import Program


class Transfer(NamedTuple):
    """What a way does to facts: those that it keeps, and those that it adds."""

    keep: int
    add: int

    def chain_with(self, after: "Transfer") -> "Transfer":
        return Transfer(self.keep & after.keep, self.add & after.keep | after.add)

    def unite_with(self, other: "Transfer") -> "Transfer":
        # facts are "may hold", so ways that meet are united, never intersected
        return Transfer(self.keep | other.keep, self.add | other.add)

    def apply_to(self, facts: int) -> int:
        return facts & self.keep | self.add


UNCHANGED = Transfer(-1, 0)
FAILED_OUTCOME = ""  # the outcome of a subflow in which something fails that nothing there catches
TransfersByName = Mapping[str, Transfer]


class PathEdge(NamedTuple):
    """A way from one state to another."""

    target: str
    transfer: Transfer


class PathCall(NamedTuple):
    """The use of a subflow: by outcome, the state that follows."""

    flow: str
    before: Transfer
    outcomes: Mapping[str, str]


class PathGraph(NamedTuple):
    """The ways through one flow: by state its edges, the subflow that it uses, the outcome that it
    ends with.
    """

    edges: Mapping[str, Sequence[PathEdge]]
    calls: Mapping[str, PathCall]
    returns: Mapping[str, str]


class FlowTransfers(NamedTuple):
    """By state: what the way from the start does to facts, and what the ways from events do; by
    outcome: what the flow does to the facts with which it is used.
    """

    start: TransfersByName
    events: TransfersByName
    outcomes: TransfersByName


def compute_transfers(
    program: Program,
    graph: PathGraph,
    events: Sequence[PathEdge],
    used: Mapping[str, TransfersByName],
) -> FlowTransfers:
    """Follow all ways through a flow, those of a call and those of events."""
    begun = [PathEdge(program.start, UNCHANGED)] if program.start else []
    start = propagate_facts(graph, begun, used)
    ends = compute_outcomes(graph, start, used) if program.signature.outcomes else {}
    return FlowTransfers(start, propagate_facts(graph, events, used) if events else {}, ends)


def propagate_facts(
    graph: PathGraph, roots: Sequence[PathEdge], used: Mapping[str, TransfersByName]
) -> dict[str, Transfer]:
    """By state: what the ways from these roots do to facts. The inner loop is written out, as it
    takes most of the time.
    """
    found: dict[str, Transfer] = {}
    todo = deque[str]()
    edges = graph.edges
    coming: Sequence[PathEdge] = roots
    here = UNCHANGED
    while True:
        keep, add = here
        for target, (stays, comes) in coming:
            known = found.get(target)
            united_keep, united_add = keep & stays, add & stays | comes
            if known:
                united_keep, united_add = known[0] | united_keep, known[1] | united_add
                if known == (united_keep, united_add):
                    continue
            # a state that could not be compiled has no edges; nothing is known behind it
            if target in edges:
                found[target] = Transfer(united_keep, united_add)
                todo.append(target)
        if not todo:
            return found
        name = todo.popleft()
        here, coming = found[name], edges[name]
        if call := graph.calls.get(name):
            coming = [*coming, *iterate_subflow_edges(call, used.get(call.flow, {}))]


def iterate_subflow_edges(call: PathCall, outcomes: TransfersByName) -> Iterator[PathEdge]:
    """The ways through a subflow to the states that follow its outcomes."""
    for outcome, transfer in outcomes.items():
        if target := call.outcomes.get(outcome, ""):
            yield PathEdge(target, call.before.chain_with(transfer))


def compute_outcomes(
    graph: PathGraph, start: TransfersByName, used: Mapping[str, TransfersByName]
) -> dict[str, Transfer]:
    """What holds in the caller after each outcome. A failure may happen anywhere, also in a
    subflow.
    """
    found: dict[str, Transfer] = {}

    def add_outcome(outcome: str, transfer: Transfer) -> None:
        found[outcome] = found[outcome].unite_with(transfer) if outcome in found else transfer

    for name, transfer in start.items():
        # from each state: a failure may leave the flow anywhere
        add_outcome(FAILED_OUTCOME, transfer)
        if outcome := graph.returns.get(name):
            add_outcome(outcome, transfer)
        if (call := graph.calls.get(name)) and FAILED_OUTCOME in used.get(call.flow, {}):
            add_outcome(
                FAILED_OUTCOME,
                transfer.chain_with(call.before).chain_with(used[call.flow][FAILED_OUTCOME]),
            )
    return found
