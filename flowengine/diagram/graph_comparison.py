"""Two versions of a flow as one graph: what was added, removed and changed is marked."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from flowengine.diagram.flow_graph import Edge, FlowGraph

NO_NAMES: Mapping[str, str] = {}


def merge_graphs(
    old: FlowGraph, new: FlowGraph, changed: frozenset[str], new_names: Mapping[str, str] = NO_NAMES
) -> FlowGraph:
    """The new flow with what is gone from the old one. `changed` are the states of both that are not
    what they were; `new_names` are those of renamed states, by the old ones.
    """
    before = {new_names.get(node.name, node.name): node for node in old.nodes}
    after = {node.name for node in new.nodes}
    nodes = [
        replace(node, mark=get_mark(node.name in before, node.name in changed))
        for node in new.nodes
    ]
    gone = [
        replace(node, name=name, mark="removed", line=0)
        for name, node in before.items()
        if name not in after
    ]
    return replace(new, nodes=(*nodes, *gone), edges=tuple(merge_edges(old, new, new_names)))


def get_mark(is_old: bool, is_changed: bool) -> str:
    if not is_old:
        return "added"
    return "changed" if is_changed else ""


def merge_edges(old: FlowGraph, new: FlowGraph, new_names: Mapping[str, str]) -> Iterator[Edge]:
    renamed = (
        replace(
            edge,
            source=new_names.get(edge.source, edge.source),
            target=new_names.get(edge.target, edge.target),
        )
        for edge in old.edges
    )
    before = {(edge.source, edge.target): edge for edge in renamed}
    for edge in new.edges:
        was = before.pop((edge.source, edge.target), None)
        yield replace(edge, mark=get_mark(was is not None, bool(was and was.labels != edge.labels)))
    yield from (replace(edge, mark="removed") for edge in before.values())
