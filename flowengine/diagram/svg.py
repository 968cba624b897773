"""A flow as SVG: classes for a stylesheet, and data that scripts find states and edges by.

Each state is `<g class="state" data-state="NAME" data-line="LINE">`, each edge
`<g class="edge" data-from="NAME" data-to="NAME" data-exits="[…]">` with its exits as JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from flowengine.diagram.flow_drawing import (
    BAND_WIDTH,
    CARD_MARGIN_X,
    CARD_MARGIN_Y,
    LABEL_HEIGHT,
    PILL_HEIGHT,
    TEXT_HEIGHT,
    TITLE_HEIGHT,
    Card,
    DrawnEdge,
    EntryPill,
    FlowDrawing,
    JumpPill,
    draw_flow,
    format_jump,
)
from flowengine.diagram.flow_graph import FlowGraph, Node
from flowengine.diagram.layout import Point
from flowengine.diagram.picture_style import build_stylesheet
from flowengine.states import Shape

# What XML cannot hold, not even as a reference.
IMPOSSIBLE_CHARACTERS = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# 16 by 16, drawn by a line
SYMBOLS: Mapping[Shape, str] = {
    "action": "M2 6v4h3l4 3V3L5 6zM11.5 5.5a3.5 3.5 0 0 1 0 5M13.5 3.5a6.5 6.5 0 0 1 0 9",
    "question": "M4 3.5h.01M8 3.5h.01M12 3.5h.01M4 8h.01M8 8h.01M12 8h.01M4 12.5h.01M8 12.5h.01M12 12.5h.01",
    "decision": "M8 14V9M8 9C8 6 3 7 3 3M8 9c0-3 5-2 5-6M1 4.5 3 2.5l2 2M11 4.5l2-2 2 2",
    "end": "M2 10.5C5 6.5 11 6.5 14 10.5M2 10.5l1.2 1.6L6 10.6V8.2M14 10.5l-1.2 1.6-2.8-1.5V8.2",
    "subflow": "M2 2h6v5H2zM8 4.5h4.5V9M9.5 9h5v5h-5z",
    "connection": "M5 2 2.5 3.5c0 5 5 10 10 10L14 11l-3-2-1.5 1.2C8 9.500 6.500 8 5.800 6.500L7 5z",
    "lookup": "M3 4c0-2.600 10-2.600 10 0s-10 2.600-10 0v8c0 2.600 10 2.600 10 0V4M3 8c0 2.600 10 2.600 10 0",
}
MARK_SIGNS = {
    "added": "M-3.500 0h7M0-3.500v7",
    "removed": "M-3.500 0h7",
    "changed": "M-3.500 1c2-4 5 2 7-2",
}
CORNER, CUT_CORNER, END_CORNER = 8.0, 10.0, 16.0
HEAD_LENGTH, HEAD_WIDTH = 8.0, 3.6


def to_svg(graph: FlowGraph) -> str:
    """The flow as a file, with its own styles for light and dark."""
    return render_drawing(draw_flow(graph), style=build_stylesheet())


def render_for_page(graph: FlowGraph, centre: str = "") -> str:
    """The flow as an element for a page that has the stylesheet; `centre` is the state that it is
    about, or "".
    """
    return render_drawing(draw_flow(graph, centre))


def render_drawing(drawing: FlowDrawing, style: str = "") -> str:
    title = drawing.graph.title or drawing.graph.flow
    size = f'width="{drawing.width:.0f}" height="{drawing.height:.0f}"'
    box = f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}"'
    flow = f"data-flow={quote_value(drawing.graph.flow)}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="flow-picture" {size} {box} {flow}>',
            f"<title>{escape_text(title)}</title>",
            *([f"<style>\n{style}</style>"] if style else []),
            '<rect class="ground" width="100%" height="100%"/>',
            *map(render_edge, drawing.edges),
            *map(render_entry, drawing.entries),
            *map(render_card, drawing.cards),
            "</svg>\n",
        ]
    )


def render_edge(drawn: DrawnEdge) -> str:
    edge = drawn.edge
    is_loop = edge.source == edge.target
    classes = f"edge mark-{edge.mark}" if edge.mark else "edge"
    data = (
        f"data-from={quote_value(edge.source)} data-to={quote_value(edge.target)}"
        f" data-exits={quote_value(json.dumps(edge.exits, ensure_ascii=False))}"
    )
    path = trace_loop(drawn.points) if is_loop else trace_curve(drawn.points)
    direction = (-1, 0) if is_loop else get_vertical_direction(drawn.points)
    return (
        f'<g class="{classes}" {data}>'
        f"{render_tooltip(', '.join(edge.labels))}"
        f'<path class="line" d="{path}"/>{render_head(drawn.points[-1], direction)}'
        f"{''.join(render_label(drawn))}{render_jump(drawn.jump, format_jump(edge))}</g>"
    )


def render_label(drawn: DrawnEdge) -> Iterator[str]:
    if drawn.label is None or drawn.label_at is None:
        return
    (x, y), size = drawn.label_at, drawn.label
    yield (
        f'<rect class="label" x="{x - size.left:.1f}" y="{y:.1f}" '
        f'width="{size.left + size.right:.1f}" height="{size.height:.1f}" rx="4"/>'
    )
    yield render_lines("label-text", x, y + 2 + 11, LABEL_HEIGHT, drawn.text)


def render_jump(jump: JumpPill | None, text: str) -> str:
    return f'<g class="jump">{render_pill(jump.at, jump.width, text)}</g>' if jump else ""


def render_entry(pill: EntryPill) -> str:
    classes = "entry is-failing" if pill.entry.failing else "entry"
    return (
        f'<g class="{classes}" data-to={quote_value(pill.entry.target)}>'
        f'<path class="line" d="{trace_curve(pill.points)}"/>'
        f"{render_head(pill.points[-1], get_vertical_direction(pill.points))}"
        f"{render_pill(pill.at, pill.width, pill.entry.text)}</g>"
    )


def render_pill(at: Point, width: float, text: str) -> str:
    x, y = at
    return (
        f'<rect class="pill" x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{PILL_HEIGHT:.0f}" rx="{PILL_HEIGHT / 2:.0f}"/>'
        f'<text class="pill-text" x="{x:.1f}" y="{y + 16:.1f}">{escape_text(text)}</text>'
    )


def render_card(card: Card) -> str:
    node, (x, y) = card.node, (card.at[0] - card.width / 2, card.at[1])
    classes = f"state shape-{node.shape}{f' mark-{node.mark}' if node.mark else ''}"
    kind = f" data-kind={quote_value(node.kind)}" if node.kind else ""
    line = f' data-line="{node.line}"' if node.line else ""
    left = x + BAND_WIDTH + CARD_MARGIN_X
    first = y + CARD_MARGIN_Y + 14
    return (
        f'<g class="{classes}" data-state={quote_value(node.name)}{kind}{line}>'
        f"{render_tooltip(describe_node(node))}"
        f"{''.join(render_card_frame(card, x, y))}"
        f'<path class="symbol" transform="translate({x + BAND_WIDTH / 2 - 8:.1f} '
        f'{y + card.height / 2 - 8:.1f})" d="{SYMBOLS[node.shape]}"/>'
        f"{render_lines('title', left, first, TITLE_HEIGHT, card.title)}"
        f"{render_lines('text', left, first + len(card.title) * TITLE_HEIGHT - 1, TEXT_HEIGHT, card.text)}"
        f"{render_mark(node.mark, x + card.width, y)}</g>"
    )


def describe_node(node: Node) -> str:
    kind = f" ({node.kind})" if node.kind else ""
    return f"{node.name}{kind}: {node.label}" if node.label else f"{node.name}{kind}"


def render_card_frame(card: Card, x: float, y: float) -> Iterator[str]:
    """The outline by what the state is: cut corners decide, round ones end, a card on another one
    is a flow inside.
    """
    shape, width, height = card.node.shape, card.width, card.height
    corner = {"decision": CUT_CORNER, "end": END_CORNER}.get(shape, CORNER)
    is_cut = shape == "decision"
    if shape == "subflow":
        under = trace_outline(x + 4, y + 4, width, height, (corner,) * 4)
        yield f'<path class="under" d="{under}"/>'
    yield f'<path class="card" d="{trace_outline(x, y, width, height, (corner,) * 4, is_cut=is_cut)}"/>'
    band = trace_outline(x, y, BAND_WIDTH, height, (corner, 0, 0, corner), is_cut=is_cut)
    yield f'<path class="band" d="{band}"/>'


def trace_outline(
    x: float,
    y: float,
    width: float,
    height: float,
    corners: tuple[float, float, float, float],
    *,
    is_cut: bool = False,
) -> str:
    """A box with these corners, from the upper left one on clockwise."""
    upper_left, upper_right, lower_right, lower_left = corners

    def turn(corner: float, right: float, down: float) -> str:
        if not corner:
            return ""
        return (
            f"l{right:.1f} {down:.1f}"
            if is_cut
            else f"a{corner:.1f} {corner:.1f} 0 0 1 {right:.1f} {down:.1f}"
        )

    return (
        f"M{x + upper_left:.1f} {y:.1f}h{width - upper_left - upper_right:.1f}"
        f"{turn(upper_right, upper_right, upper_right)}v{height - upper_right - lower_right:.1f}"
        f"{turn(lower_right, -lower_right, lower_right)}h{lower_left + lower_right - width:.1f}"
        f"{turn(lower_left, -lower_left, -lower_left)}v{upper_left + lower_left - height:.1f}"
        f"{turn(upper_left, upper_left, -upper_left)}z"
    )


def render_mark(mark: str, x: float, y: float) -> str:
    if mark not in MARK_SIGNS:
        return ""
    return (
        f'<g transform="translate({x - 4:.1f} {y + 4:.1f})"><circle class="mark" r="8"/>'
        f'<path class="mark-sign" d="{MARK_SIGNS[mark]}"/></g>'
    )


def render_lines(name: str, x: float, y: float, height: float, lines: Sequence[str]) -> str:
    return "".join(
        f'<text class="{name}" x="{x:.1f}" y="{y + number * height:.1f}">{escape_text(line)}</text>'
        for number, line in enumerate(lines)
    )


def render_tooltip(text: str) -> str:
    return f"<title>{escape_text(text)}</title>" if text else ""


def trace_curve(points: Sequence[Point]) -> str:
    """Straight down where two points follow at one x, and a bend with upright ends elsewhere."""
    (x, y), *rest = points
    parts = [f"M{x:.1f} {y:.1f}"]
    for right, down in rest:
        if abs(right - x) < 0.05:
            parts.append(f"V{down:.1f}")
        else:
            middle = (y + down) / 2
            parts.append(f"C{x:.1f} {middle:.1f} {right:.1f} {middle:.1f} {right:.1f} {down:.1f}")
        x, y = right, down
    return "".join(parts)


def trace_loop(points: Sequence[Point]) -> str:
    (x, top), (reach, _), (_, bottom) = points
    return f"M{x:.1f} {top:.1f}C{reach + 8:.1f} {top:.1f} {reach + 8:.1f} {bottom:.1f} {x:.1f} {bottom:.1f}"


def get_vertical_direction(points: Sequence[Point]) -> tuple[int, int]:
    return (0, 1) if points[-1][1] > points[-2][1] else (0, -1)


def render_head(tip: Point, direction: tuple[int, int]) -> str:
    """The head of an arrow that points this way."""
    (x, y), (right, down) = tip, direction
    back_x, back_y = x - right * HEAD_LENGTH, y - down * HEAD_LENGTH
    aside_x, aside_y = down * HEAD_WIDTH, right * HEAD_WIDTH
    return (
        f'<path class="head" d="M{x:.1f} {y:.1f}L{back_x + aside_x:.1f} {back_y + aside_y:.1f} '
        f'{back_x - aside_x:.1f} {back_y - aside_y:.1f}z"/>'
    )


def escape_text(text: str) -> str:
    return escape(IMPOSSIBLE_CHARACTERS.sub("\ufffd", text))


def quote_value(text: str) -> str:
    return quoteattr(IMPOSSIBLE_CHARACTERS.sub("\ufffd", text))
