"""Flows as pictures: one neutral graph, drawn as mermaid, dot or SVG."""

from flowengine.diagram.dot import DrawingError, to_dot, to_svg
from flowengine.diagram.flow_graph import Edge, EntryPoint, FlowGraph, Node
from flowengine.diagram.graph_builder import build_graph
from flowengine.diagram.mermaid import to_mermaid

__all__ = [
    "DrawingError",
    "Edge",
    "EntryPoint",
    "FlowGraph",
    "Node",
    "build_graph",
    "to_dot",
    "to_mermaid",
    "to_svg",
]
