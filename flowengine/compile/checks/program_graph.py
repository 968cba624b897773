"""The graph of states, as several checks need it."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from flowengine.compile.program import CompiledState, Program
from flowengine.cooperative import iterate_with_pauses

Graph = Mapping[str, Collection[str]]


def list_subflow_calls(programs: Mapping[str, Program]) -> dict[str, list[CompiledState]]:
    """By flow: its states that call another flow of the project."""
    return {
        name: [state for state in program.subflow_states if state.verb.callee in programs]
        for name, program in iterate_with_pauses(programs.items())
    }


def order_by_use(programs: Mapping[str, Program]) -> list[str]:
    """The flows, each after those that it uses."""
    calling = list_subflow_calls(programs)
    used = {name: [state.verb.callee for state in states] for name, states in calling.items()}
    return [name for cycle in find_components(used) for name in cycle]


def order_by_entry(programs: Mapping[str, Program]) -> list[list[str]]:
    """The flows, each before those that it begins; those that go over to each other are together."""
    links = list_flow_links(programs)
    begun = {name: [state.verb.entered_flow for state in states] for name, states in links.items()}
    return [cycle[::-1] for cycle in reversed(find_components(begun))]


def list_flow_links(programs: Mapping[str, Program]) -> dict[str, list[CompiledState]]:
    """By flow: its states that call another flow of the project, or go over to one."""
    return {
        name: [state for state in program.linking_states if state.verb.entered_flow in programs]
        for name, program in iterate_with_pauses(programs.items())
    }


def list_entered_flows(program: Program) -> tuple[str, ...]:
    """The flows that a flow calls or goes over to, each once."""
    return program.compute_once(_find_entered_flows)


def _find_entered_flows(program: Program) -> tuple[str, ...]:
    return tuple(dict.fromkeys(state.verb.entered_flow for state in program.linking_states))


def split_by_links(
    programs: Mapping[str, Program],
) -> tuple[dict[str, Program], dict[str, Program]]:
    """The programs that begin other flows or are begun by them, and those that stand alone. What a
    check says of these depends on nothing else, and most flows of a large project are such.
    """
    linked: set[str] = set()
    for name, program in iterate_with_pauses(programs.items()):
        if begun := list_entered_flows(program):
            linked |= {name, *begun}
    return (
        {name: programs[name] for name in programs if name in linked},
        {name: programs[name] for name in programs if name not in linked},
    )


def find_reachable(graph: Graph, roots: Iterable[str]) -> set[str]:
    found = set(roots)
    todo = list(found)
    while todo:
        for target in graph[todo.pop()]:
            if target not in found:
                found.add(target)
                todo.append(target)
    return found


def find_components(graph: Graph) -> list[list[str]]:
    """The strongly connected components, successors first (Tarjan, without recursion: a chain of
    states may be long).
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    inside: set[str] = set()
    found: list[list[str]] = []
    for root in iterate_with_pauses(graph):
        if root in order:
            continue
        if graph[root]:
            walk_component(root, graph, order, low, open_, inside, found)
        else:  # most flows call no other one
            order[root] = len(order)
            found.append([root])
    return found


def is_cyclic(component: Sequence[str], graph: Graph) -> bool:
    """Whether a strongly connected component leads back to itself: one of a single node may not."""
    return len(component) > 1 or component[0] in graph[component[0]]


def walk_component(
    root: str,
    graph: Graph,
    order: dict[str, int],
    low: dict[str, int],
    open_: list[str],
    inside: set[str],
    found: list[list[str]],
) -> None:
    """Add the components below `root` to `found`. `low` is the earliest node that each node leads
    back to; `open_` are the nodes whose component is not known yet, and `inside` the same as a set.
    """

    def begin_node(node: str) -> None:
        order[node] = low[node] = len(order)
        open_.append(node)
        inside.add(node)
        work.append((node, iter(graph[node])))

    work: list[tuple[str, Iterable[str]]] = []
    begin_node(root)
    while work:
        node, successors = work[-1]
        for target in successors:
            if target not in order:
                begin_node(target)
                break
            if target in inside:
                low[node] = min(low[node], order[target])
        else:
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            if low[node] == order[node]:
                found.append(close_component(node, open_, inside))


def close_component(node: str, open_: list[str], inside: set[str]) -> list[str]:
    cut = open_.index(node)
    component = open_[cut:]
    del open_[cut:]
    inside.difference_update(component)
    return component
