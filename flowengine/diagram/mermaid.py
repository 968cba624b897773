"""A graph as mermaid, which wikis and pull requests show as a picture."""

import re
from collections.abc import Iterator

from flowengine.diagram.graph import Edge, Entry, Graph, Node

SHAPES = {
    **dict.fromkeys(("menu", "collect"), ("{{", "}}")),
    **dict.fromkeys(("choose", "split"), ("{", "}")),
    **dict.fromkeys(("hangup", "done", "return", "continue", "park"), ("([", "])")),
    "subflow": ("[[", "]]"),
    "connect": ("[/", "/]"),
    "fetch": ("[(", ")]"),
}
MARKS = {
    "added": "fill:#d7f5dd,stroke:#1a7f37,stroke-width:3px,color:#000",
    "removed": "fill:#ffe0de,stroke:#cf222e,stroke-width:3px,color:#000",
    "changed": "fill:#fff3c4,stroke:#9a6700,stroke-width:3px,color:#000",
}
# Each of these means something to mermaid, or to the HTML that it makes, even between quotes.
TROUBLESOME = re.compile(r"[\"#;<>&`%\\]")
# Mermaid decodes those before it looks for formulas (`$$x$$`), icons (`fa:fa-car`), line breaks
# (`\n`) and, in versions before 11.5, for markdown. A blank of no width parts what would be one;
# only a pair of backticks stays a code span to those versions.
SEQUENCES = re.compile(
    r"\$(?=\$)|\bfa[a-z]?(?=:)|\\(?=[n$])"
    r"|[*~]|(?<![^\W_])_|_(?![^\W_])|\](?=\()|[a-z](?=://)|\bwww(?=\.)|\w(?=@)"
    r"|^([-+]|[0-9]+)(?=[.)]? )"
)
NO_WIDTH = "\ufeff"


def to_mermaid(graph: Graph) -> str:
    return "\n".join(lines(graph)) + "\n"


def lines(graph: Graph) -> Iterator[str]:
    yield "flowchart TD"
    for number, entry in enumerate(graph.entries):
        yield f"    {entry_id(number)}(({quoted(entry.name)}))"
    for node in graph.nodes:
        yield f"    {drawn(node)}"
    for number, entry in enumerate(graph.entries):
        yield f"    {entry_id(number)} {arrow(entry)} {state_id(entry.target)}"
    for edge in graph.edges:
        yield f"    {linked(edge)}"
    used = {node.mark for node in graph.nodes}
    yield from (f"    classDef {mark} {style}" for mark, style in MARKS.items() if mark in used)


def entry_id(number: int) -> str:
    return f"entry{number}"


def state_id(name: str) -> str:
    """An id that is no word of mermaid's own, such as `end`, and has no `-`, which would be half an
    arrow.
    """
    return f"s_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"


def drawn(node: Node) -> str:
    left, right = SHAPES.get(node.kind, ("[", "]"))
    text = f"{escaped(node.name)}<br>{escaped(node.label)}" if node.label else escaped(node.name)
    mark = f":::{node.mark}" if node.mark else ""
    return f'{state_id(node.name)}{left}"{text}"{right}{mark}'


def arrow(entry: Entry) -> str:
    return "-.->" if entry.failing else "-->"


def linked(edge: Edge) -> str:
    text = f"|{quoted(', '.join(edge.labels))}|" if any(edge.labels) else ""
    return f"{state_id(edge.source)} -->{text} {state_id(edge.target)}"


def quoted(text: str) -> str:
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    parted = SEQUENCES.sub(lambda found: found[0] + NO_WIDTH, text)
    return TROUBLESOME.sub(lambda found: f"#{ord(found[0])};", parted)
