"""A graph in the language of Graphviz, and as SVG where Graphviz is installed."""

import shutil
import subprocess
from collections.abc import Iterator

from flowengine.diagram.graph import Edge, Graph, Node

SHAPES = {
    **dict.fromkeys(("menu", "collect"), "hexagon"),
    **dict.fromkeys(("choose", "split"), "diamond"),
    **dict.fromkeys(("hangup", "done", "return", "continue", "park"), "oval"),
    "subflow": "component",
    "connect": "parallelogram",
    "fetch": "cylinder",
}
MARKS = {"added": "#d7f5dd", "removed": "#ffe0de", "changed": "#fff3c4"}
PATIENCE_SECONDS = 60


class DrawingError(Exception):
    """No picture could be made; the message says why and what to do."""


def to_dot(graph: Graph) -> str:
    return (
        "\n".join(
            [f"digraph {quoted(graph.flow)} {{", *(f"  {line}" for line in lines(graph)), "}"]
        )
        + "\n"
    )


def lines(graph: Graph) -> Iterator[str]:
    yield f"label={labelled(graph.title or graph.flow)}; labelloc=t;"
    yield 'node [shape=box, style="filled,rounded", fillcolor=white, fontname="sans-serif"]; edge [fontname="sans-serif"];'
    for number, entry in enumerate(graph.entries):
        yield f"entry{number} [shape=circle, label={labelled(entry.name)}];"
    yield from map(drawn, graph.nodes)
    for number, entry in enumerate(graph.entries):
        yield f"entry{number} -> {state_id(entry.target)}{' [style=dashed]' if entry.failing else ''};"
    yield from map(linked, graph.edges)


def state_id(name: str) -> str:
    return quoted(f"s {name}")


def drawn(node: Node) -> str:
    text = labelled(f"{node.name}\n{node.label}" if node.label else node.name)
    fill = f", fillcolor={quoted(MARKS[node.mark])}" if node.mark in MARKS else ""
    return f"{state_id(node.name)} [shape={SHAPES.get(node.kind, 'box')}, label={text}{fill}];"


def linked(edge: Edge) -> str:
    text = f" [label={labelled(', '.join(edge.labels))}]" if any(edge.labels) else ""
    return f"{state_id(edge.source)} -> {state_id(edge.target)}{text};"


def labelled(text: str) -> str:
    """A label between quotes; Graphviz reads the entities of HTML in it, such as `&eacute;`."""
    return quoted(text.replace("&", "&amp;"))


def quoted(text: str) -> str:
    """A text between quotes; a line break is an escape of dot's, every other backslash is itself."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def to_svg(graph: Graph) -> bytes:
    """Drawn by Graphviz. Raises DrawingError where it is not installed, or fails."""
    program = shutil.which("dot")
    if program is None:
        raise DrawingError(
            "SVG is drawn by Graphviz, whose program `dot` is not installed: install graphviz, or "
            "use --format mermaid"
        )
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and the graph goes in as text
            [program, "-Tsvg"],
            input=to_dot(graph).encode(),
            capture_output=True,
            check=True,
            timeout=PATIENCE_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        raise DrawingError(
            f"dot could not draw this: {error.stderr.decode(errors='replace').strip()}"
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DrawingError(f"dot did not draw this: {error}") from error
    return done.stdout
