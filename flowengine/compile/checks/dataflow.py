"""Data-flow analysis over call paths, through subflows too: which facts may hold when a call comes
to a state.

Facts are bits of a number. An edge keeps some of the facts and adds others, and what several edges
bring is united. So a whole flow is one such transfer for each of its outcomes, and its callers need
not know more of it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flowengine.compile.program import Program


class Transfer(NamedTuple):
    """What becomes of facts on a way: those that stay, and those that come."""

    keep: int
    add: int

    def then(self, after: "Transfer") -> "Transfer":
        return Transfer(self.keep & after.keep, self.add & after.keep | after.add)

    def united(self, other: "Transfer") -> "Transfer":
        return Transfer(self.keep | other.keep, self.add | other.add)

    def apply(self, facts: int) -> int:
        return facts & self.keep | self.add


UNCHANGED = Transfer(-1, 0)
FAILED = ""  # the outcome of a subflow in which something fails that nothing there catches
Transfers = Mapping[str, Transfer]


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


class Reached(NamedTuple):
    """By state: what the way from the start makes of facts, and what the ways from events do; by
    outcome: what the flow makes of the facts with which it is used.
    """

    start: Transfers
    events: Transfers
    outcomes: Transfers


def reach(
    program: Program,
    graph: PathGraph,
    events: Sequence[PathEdge],
    used: Mapping[str, Transfers],
) -> Reached:
    """Follow all ways through a flow, those of a call and those of events."""
    begun = [PathEdge(program.start, UNCHANGED)] if program.start else []
    start = follow(graph, begun, used)
    return Reached(start, follow(graph, events, used), outcomes(graph, start, used))


def follow(
    graph: PathGraph, roots: Sequence[PathEdge], used: Mapping[str, Transfers]
) -> dict[str, Transfer]:
    found: dict[str, Transfer] = {}
    todo: list[str] = []

    def come(target: str, transfer: Transfer) -> None:
        known = found.get(target)
        more = transfer if known is None else known.united(transfer)
        if more != known and target in graph.edges:
            found[target] = more
            todo.append(target)

    for root in roots:
        come(*root)
    while todo:
        name = todo.pop()
        here = found[name]
        for target, transfer in graph.edges[name]:
            come(target, here.then(transfer))
        if call := graph.calls.get(name):
            inside = here.then(call.before)
            for outcome, transfer in used.get(call.flow, {}).items():
                if target := call.outcomes.get(outcome, ""):
                    come(target, inside.then(transfer))
    return found


def outcomes(
    graph: PathGraph, start: Transfers, used: Mapping[str, Transfers]
) -> dict[str, Transfer]:
    """What a caller finds after each outcome. What fails may fail anywhere, also in a subflow."""
    found: dict[str, Transfer] = {}

    def end(outcome: str, transfer: Transfer) -> None:
        found[outcome] = found[outcome].united(transfer) if outcome in found else transfer

    for name, transfer in start.items():
        end(FAILED, transfer)
        if outcome := graph.returns.get(name):
            end(outcome, transfer)
        if (call := graph.calls.get(name)) and FAILED in used.get(call.flow, {}):
            end(FAILED, transfer.then(call.before).then(used[call.flow][FAILED]))
    return found
