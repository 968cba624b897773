"""Flows as pictures: one neutral graph, drawn as mermaid, dot or SVG."""

from flowengine.diagram.build import graph
from flowengine.diagram.dot import DrawingError, to_dot, to_svg
from flowengine.diagram.graph import Edge, Entry, Graph, Node
from flowengine.diagram.mermaid import to_mermaid

__all__ = [
    "DrawingError",
    "Edge",
    "Entry",
    "Graph",
    "Node",
    "graph",
    "to_dot",
    "to_mermaid",
    "to_svg",
]
