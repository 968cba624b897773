"""Flows as pictures for pages: SVG elements whose styles are in the stylesheet of pictures.

All text in them is escaped, so they are markup, which templates show as it is.
"""

from collections.abc import Mapping
from functools import cache

from markupsafe import Markup

from flowengine.compile import CompileResult, Program
from flowengine.diagram import (
    FlowGraph,
    build_graph,
    build_stylesheet,
    merge_graphs,
    render_for_page,
)
from flowengine.diff import FlowDifference

MAX_DISTANCE = 3  # further away is nearly everything


def render_picture(program: Program) -> Markup:
    """The whole flow. A program is drawn once, however many pages show it."""
    return program.compute_once(_draw_program)


def _draw_program(program: Program) -> Markup:
    return to_markup(build_graph(program))


def render_neighbourhood(program: Program, state: str, distance: int) -> Markup:
    """What is around a state of the flow, at most so many exits away."""
    graph = build_graph(program).keep_neighbourhood(state, min(distance, MAX_DISTANCE))
    return to_markup(graph, state)


def render_change(difference: FlowDifference, old: CompileResult, new: CompileResult) -> Markup:
    """What a change does to a flow that both versions have."""
    names: Mapping[str, str] = {one.was: one.state for one in difference.states if one.was}
    changed = frozenset(one.state for one in difference.states)
    return to_markup(
        merge_graphs(
            build_graph(old.programs[difference.was or difference.flow]),
            build_graph(new.programs[difference.flow]),
            changed,
            names,
        )
    )


def to_markup(graph: FlowGraph, centre: str = "") -> Markup:
    return Markup(render_for_page(graph, centre))  # noqa: S704  # each text in it has been escaped


@cache
def get_picture_styles() -> bytes:
    """The stylesheet that pictures on pages need."""
    return build_stylesheet().encode()
