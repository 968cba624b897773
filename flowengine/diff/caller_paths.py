"""Paths through a flow that callers have gained or lost."""

from collections import deque
from collections.abc import Iterable, Mapping

import msgspec

from flowengine.diff.difference import PathChanges
from flowengine.diff.project_facts import FlowEdge, FlowFacts

MAX_LISTED_PATHS = 10
MAX_PATH_STEPS, MAX_CONDITION_LENGTH = 8, 40


class PathMap(msgspec.Struct):
    """A flow as its callers walk it, under the names of the new version. Left out is what would be
    said again and again: failures that all states share, and keys that work everywhere in menus
    inside a menu.
    """

    entries: Mapping[str, str]
    edges: dict[FlowEdge, FlowEdge] = msgspec.field(default_factory=dict)
    out: dict[str, list[FlowEdge]] = msgspec.field(default_factory=dict)

    @classmethod
    def from_flow(cls, flow: FlowFacts, names: Mapping[str, str]) -> "PathMap":
        made = cls({name: names.get(state, state) for name, state in flow.find_entries().items()})
        for state in flow.states.values():
            shared = {
                label
                for label, fact in state.facts.items()
                if fact.is_derived and (label == "error" or "." in label)
            }
            for edge in state.list_edges():
                if edge.target in flow.states and edge.label not in shared:
                    made.add_edge(
                        FlowEdge(
                            names.get(edge.source, edge.source),
                            edge.label,
                            names.get(edge.target, edge.target),
                            edge.shown,
                        )
                    )
        return made

    def add_edge(self, edge: FlowEdge) -> None:
        self.edges[edge] = edge
        self.out.setdefault(edge.source, []).append(edge)

    def find_shortest_paths(self) -> dict[str, tuple[str, tuple[FlowEdge, ...]]]:
        """For each state that callers come to: the entry and the shortest way."""
        found: dict[str, tuple[str, tuple[FlowEdge, ...]]] = {}
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

    def find_path_to_end(self, state: str) -> tuple[FlowEdge, ...]:
        """The shortest way from a state to where the flow ends."""
        seen = {state}
        todo: deque[tuple[str, tuple[FlowEdge, ...]]] = deque([(state, ())])
        while todo:
            at, way = todo.popleft()
            if not self.out.get(at):
                return way
            for edge in self.out[at]:
                if edge.target not in seen:
                    seen.add(edge.target)
                    todo.append((edge.target, (*way, edge)))
        return ()


def find_reachable_states(flow: FlowFacts, names: Mapping[str, str]) -> set[str]:
    """The states that calls come to, be it by failing; under their new names."""
    found = set(flow.find_entries().values()) & set(flow.states)
    todo = list(found)
    while todo:
        for edge in flow.states[todo.pop()].list_edges():
            if edge.target in flow.states and edge.target not in found:
                found.add(edge.target)
                todo.append(edge.target)
    return {names.get(name, name) for name in found}


def compare_paths(old: FlowFacts, new: FlowFacts, names: Mapping[str, str]) -> PathChanges:
    before, after = PathMap.from_flow(old, names), PathMap.from_flow(new, {})
    gained, lost = find_new_paths(after, before), find_new_paths(before, after)
    return PathChanges(
        gained[:MAX_LISTED_PATHS],
        lost[:MAX_LISTED_PATHS],
        max(0, len(gained) - MAX_LISTED_PATHS),
        max(0, len(lost) - MAX_LISTED_PATHS),
    )


def find_new_paths(here: PathMap, there: PathMap) -> tuple[str, ...]:
    """The shortest ways that take what only this version has. One that was listed already speaks
    for all steps that it takes.
    """
    near, known = here.find_shortest_paths(), there.find_shortest_paths()
    new_entries = [
        (name, state) for name, state in here.entries.items() if there.entries.get(name) != state
    ]
    listed = [format_path(name, here.find_path_to_end(state), state) for name, state in new_entries]
    covered = {edge for _, state in new_entries for edge in here.find_path_to_end(state)}
    for edge in here.edges:
        if (
            edge.source in near
            and edge not in covered
            and not (edge in there.edges and edge.source in known)
        ):
            entry, before = near[edge.source]
            way = (*before, edge, *here.find_path_to_end(edge.target))
            covered.update(way)
            listed.append(format_path(entry, way, way[0].source))
    return tuple(dict.fromkeys(listed))


def format_path(entry: str, path: Iterable[FlowEdge], first: str) -> str:
    steps = [f"{entry}: {first}"]
    for edge in path:
        shown = (
            edge.shown
            if len(edge.shown) <= MAX_CONDITION_LENGTH
            else f"{edge.shown[: MAX_CONDITION_LENGTH - 1]}…"
        )
        steps.append(f"-[{shown}]-> {edge.target}" if shown else f"-> {edge.target}")
    middle = (
        steps
        if len(steps) <= MAX_PATH_STEPS + 1
        else [*steps[: MAX_PATH_STEPS // 2 + 1], "-> …", *steps[-MAX_PATH_STEPS // 2 :]]
    )
    return " ".join(middle)
