"""Which ways through a flow callers have now, and which no more."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flowengine.releases.diff.difference import Paths
from flowengine.releases.diff.facts import Edge, FlowFacts

MOST = 10
LONGEST_WAY, LONGEST_CONDITION = 8, 40


@dataclass(slots=True)
class Map:
    """A flow as its callers walk it, under the names of the new version. Left out is what would be
    said again and again: failures that all states share, and keys that work everywhere in menus
    inside a menu.
    """

    entries: Mapping[str, str]
    edges: dict[Edge, Edge] = field(default_factory=dict)
    out: dict[str, list[Edge]] = field(default_factory=dict)

    @classmethod
    def of(cls, flow: FlowFacts, names: Mapping[str, str]) -> "Map":
        made = cls({name: names.get(state, state) for name, state in flow.entries().items()})
        for state in flow.states.values():
            shared = {
                label
                for label, fact in state.facts.items()
                if fact.derived and (label == "error" or "." in label)
            }
            for edge in state.edges():
                if edge.target in flow.states and edge.label not in shared:
                    made.add(
                        Edge(
                            names.get(edge.source, edge.source),
                            edge.label,
                            names.get(edge.target, edge.target),
                            edge.shown,
                        )
                    )
        return made

    def add(self, edge: Edge) -> None:
        self.edges[edge] = edge
        self.out.setdefault(edge.source, []).append(edge)

    def nearest(self) -> dict[str, tuple[str, tuple[Edge, ...]]]:
        """For each state that callers come to: the entry and the shortest way."""
        found: dict[str, tuple[str, tuple[Edge, ...]]] = {}
        todo: deque[str] = deque()
        for name, state in self.entries.items():
            if state not in found:
                found[state] = (name, ())
                todo.append(state)
        while todo:
            state = todo.popleft()
            for edge in self.out.get(state, []):
                if edge.target not in found:
                    found[edge.target] = (found[state][0], (*found[state][1], edge))
                    todo.append(edge.target)
        return found

    def onward(self, state: str) -> tuple[Edge, ...]:
        """The shortest way from a state to where the flow ends."""
        seen = {state}
        todo: deque[tuple[str, tuple[Edge, ...]]] = deque([(state, ())])
        while todo:
            at, way = todo.popleft()
            if not self.out.get(at):
                return way
            for edge in self.out[at]:
                if edge.target not in seen:
                    seen.add(edge.target)
                    todo.append((edge.target, (*way, edge)))
        return ()


def reachable(flow: FlowFacts, names: Mapping[str, str]) -> set[str]:
    """The states that calls come to, be it by failing; under their new names."""
    found = set(flow.entries().values()) & set(flow.states)
    todo = list(found)
    while todo:
        for edge in flow.states[todo.pop()].edges():
            if edge.target in flow.states and edge.target not in found:
                found.add(edge.target)
                todo.append(edge.target)
    return {names.get(name, name) for name in found}


def compare_paths(old: FlowFacts, new: FlowFacts, names: Mapping[str, str]) -> Paths:
    before, after = Map.of(old, names), Map.of(new, {})
    gained, lost = ways(after, before), ways(before, after)
    return Paths(gained[:MOST], lost[:MOST], max(0, len(gained) - MOST), max(0, len(lost) - MOST))


def ways(here: Map, there: Map) -> tuple[str, ...]:
    """The shortest ways that take what only this version has. One that was listed already speaks
    for all steps that it takes.
    """
    near, known = here.nearest(), there.nearest()
    new_entries = [
        (name, state) for name, state in here.entries.items() if there.entries.get(name) != state
    ]
    listed = [told(name, here.onward(state), state) for name, state in new_entries]
    covered = {edge for _, state in new_entries for edge in here.onward(state)}
    for edge in here.edges:
        if (
            edge.source in near
            and edge not in covered
            and not (edge in there.edges and edge.source in known)
        ):
            entry, before = near[edge.source]
            way = (*before, edge, *here.onward(edge.target))
            covered.update(way)
            listed.append(told(entry, way, way[0].source))
    return tuple(dict.fromkeys(listed))


def told(entry: str, way: Iterable[Edge], first: str) -> str:
    steps = [f"{entry}: {first}"]
    for edge in way:
        shown = (
            edge.shown
            if len(edge.shown) <= LONGEST_CONDITION
            else f"{edge.shown[: LONGEST_CONDITION - 1]}…"
        )
        steps.append(f"-[{shown}]-> {edge.target}" if shown else f"-> {edge.target}")
    middle = (
        steps
        if len(steps) <= LONGEST_WAY + 1
        else [*steps[: LONGEST_WAY // 2 + 1], "-> …", *steps[-LONGEST_WAY // 2 :]]
    )
    return " ".join(middle)
