"""A graph as mermaid, which wikis and pull requests show as a picture."""

import re
from collections.abc import Iterator, Mapping

from flowengine.diagram.flow_graph import Edge, EntryPoint, FlowGraph, Node
from flowengine.states import Shape

MERMAID_SHAPES: Mapping[Shape, tuple[str, str]] = {
    "action": ("[", "]"),
    "question": ("{{", "}}"),
    "decision": ("{", "}"),
    "end": ("([", "])"),
    "subflow": ("[[", "]]"),
    "connection": ("[/", "/]"),
    "lookup": ("[(", ")]"),
}
MERMAID_STYLES = {
    "added": "fill:#d7f5dd,stroke:#1a7f37,stroke-width:3px,color:#000",
    "removed": "fill:#ffe0de,stroke:#cf222e,stroke-width:3px,color:#000",
    "changed": "fill:#fff3c4,stroke:#9a6700,stroke-width:3px,color:#000",
}
# Each of these means something to mermaid, or to the HTML that it makes, even between quotes.
SPECIAL_CHARACTERS = re.compile(r"[\"#;<>&`%\\]")
# Mermaid decodes those before it looks for formulas (`$$x$$`), icons (`fa:fa-car`), line breaks
# (`\n`) and, in versions before 11.5, for markdown. A blank of no width parts what would be one;
# only a pair of backticks stays a code span to those versions.
SPECIAL_SEQUENCES = re.compile(
    r"\$(?=\$)|\bfa[a-z]?(?=:)|\\(?=[n$])"
    r"|[*~]|(?<![^\W_])_|_(?![^\W_])|\](?=\()|[a-z](?=://)|\bwww(?=\.)|\w(?=@)"
    r"|^([-+]|[0-9]+)(?=[.)]? )"
)
ZERO_WIDTH = "\ufeff"


def to_mermaid(graph: FlowGraph) -> str:
    return "\n".join(format_lines(graph)) + "\n"


def format_lines(graph: FlowGraph) -> Iterator[str]:
    yield "flowchart TD"
    for number, entry in enumerate(graph.entries):
        yield f"    {format_entry_id(number)}(({quote_label(entry.name)}))"
    for node in graph.nodes:
        yield f"    {format_node(node)}"
    for number, entry in enumerate(graph.entries):
        yield f"    {format_entry_id(number)} {format_arrow(entry)} {format_state_id(entry.target)}"
    for edge in graph.edges:
        yield f"    {format_edge(edge)}"
    used = {node.mark for node in graph.nodes}
    yield from (
        f"    classDef {mark} {style}" for mark, style in MERMAID_STYLES.items() if mark in used
    )


def format_entry_id(number: int) -> str:
    return f"entry{number}"


def format_state_id(name: str) -> str:
    """An id that is no word of mermaid's own, such as `end`, and has no `-`, which would be half an
    arrow.
    """
    return f"s_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"


def format_node(node: Node) -> str:
    left, right = MERMAID_SHAPES[node.shape]
    text = (
        f"{escape_label(node.name)}<br>{escape_label(node.label)}"
        if node.label
        else escape_label(node.name)
    )
    mark = f":::{node.mark}" if node.mark else ""
    return f'{format_state_id(node.name)}{left}"{text}"{right}{mark}'


def format_arrow(entry: EntryPoint) -> str:
    label = f"|{quote_label(entry.label)}|" if entry.label else ""
    return f"{'-.->' if entry.failing else '-->'}{label}"


def format_edge(edge: Edge) -> str:
    text = f"|{quote_label(', '.join(edge.labels))}|" if any(edge.labels) else ""
    return f"{format_state_id(edge.source)} -->{text} {format_state_id(edge.target)}"


def quote_label(text: str) -> str:
    return f'"{escape_label(text)}"'


def escape_label(text: str) -> str:
    parted = SPECIAL_SEQUENCES.sub(lambda found: found[0] + ZERO_WIDTH, text)
    return SPECIAL_CHARACTERS.sub(lambda found: f"#{ord(found[0])};", parted)
