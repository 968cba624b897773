"""A graph in the language of Graphviz."""

from collections.abc import Iterator, Mapping

from flowengine.diagram.flow_graph import Edge, FlowGraph, Node
from flowengine.states import Shape

DOT_SHAPES: Mapping[Shape, str] = {
    "action": "box",
    "question": "hexagon",
    "decision": "diamond",
    "end": "oval",
    "subflow": "component",
    "connection": "parallelogram",
    "lookup": "cylinder",
}
DOT_FILLS = {"added": "#d7f5dd", "removed": "#ffe0de", "changed": "#fff3c4"}


def to_dot(graph: FlowGraph) -> str:
    return (
        "\n".join(
            [
                f"digraph {quote_text(graph.flow)} {{",
                *(f"  {line}" for line in format_lines(graph)),
                "}",
            ]
        )
        + "\n"
    )


def format_lines(graph: FlowGraph) -> Iterator[str]:
    yield f"label={quote_label(graph.title or graph.flow)}; labelloc=t;"
    yield 'node [shape=box, style="filled,rounded", fillcolor=white, fontname="sans-serif"]; edge [fontname="sans-serif"];'
    for number, entry in enumerate(graph.entries):
        yield f"entry{number} [shape=circle, label={quote_label(entry.name)}];"
    yield from map(format_node, graph.nodes)
    for number, entry in enumerate(graph.entries):
        label = f" [label={quote_label(entry.label)}]" if entry.label else ""
        style = " [style=dashed]" if entry.failing else label
        yield f"entry{number} -> {format_state_id(entry.target)}{style};"
    yield from map(format_edge, graph.edges)


def format_state_id(name: str) -> str:
    return quote_text(f"s {name}")


def format_node(node: Node) -> str:
    text = quote_label(f"{node.name}\n{node.label}" if node.label else node.name)
    fill = f", fillcolor={quote_text(DOT_FILLS[node.mark])}" if node.mark in DOT_FILLS else ""
    return f"{format_state_id(node.name)} [shape={DOT_SHAPES[node.shape]}, label={text}{fill}];"


def format_edge(edge: Edge) -> str:
    text = f" [label={quote_label(', '.join(edge.labels))}]" if any(edge.labels) else ""
    return f"{format_state_id(edge.source)} -> {format_state_id(edge.target)}{text};"


def quote_label(text: str) -> str:
    """A label between quotes; Graphviz reads the entities of HTML in it, such as `&eacute;`."""
    return quote_text(text.replace("&", "&amp;"))


def quote_text(text: str) -> str:
    """A text between quotes; a line break is an escape of dot's, every other backslash is itself."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
