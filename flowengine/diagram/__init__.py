"""Flows as pictures: one neutral graph, as mermaid, as dot, or drawn as SVG."""

from flowengine.diagram.dot import to_dot
from flowengine.diagram.flow_graph import Edge, EntryPoint, FlowGraph, Node
from flowengine.diagram.graph_builder import build_graph
from flowengine.diagram.graph_comparison import merge_graphs
from flowengine.diagram.mermaid import to_mermaid
from flowengine.diagram.picture_style import build_stylesheet
from flowengine.diagram.svg import render_for_page, to_svg

__all__ = [
    "Edge",
    "EntryPoint",
    "FlowGraph",
    "Node",
    "build_graph",
    "build_stylesheet",
    "merge_graphs",
    "render_for_page",
    "to_dot",
    "to_mermaid",
    "to_svg",
]
