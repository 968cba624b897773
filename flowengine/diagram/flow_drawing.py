"""A flow laid out for drawing: cards for states, pills for ways in, lines with their labels."""

from collections import Counter
from itertools import count

import msgspec

from flowengine.diagram.flow_graph import Edge, EntryPoint, FlowGraph, Node
from flowengine.diagram.layered_graph import BoxSize, LineSpec
from flowengine.diagram.layout import Layout, Point, lay_out
from flowengine.diagram.text_measure import measure_text, wrap_text

TITLE_SIZE, TEXT_SIZE, LABEL_SIZE = 13.0, 12.0, 11.5
TITLE_HEIGHT, TEXT_HEIGHT, LABEL_HEIGHT = 19.0, 16.0, 15.0
BAND_WIDTH = 30.0  # the strip of a card that has its symbol
CARD_MARGIN_X, CARD_MARGIN_Y = 11.0, 9.0
CARD_TEXT_WIDTH, MAX_CARD_LINES = 190.0, 3
MIN_CARD_WIDTH = 108.0
PILL_HEIGHT, PILL_MARGIN = 24.0, 14.0
LABEL_MARGIN = 5.0
LABEL_WIDTH, MAX_LABEL_LINES = 150.0, 4
LOOP_WIDTH = 30.0  # of a line that leads back to where it comes from
LOOP_LABEL_WIDTH = 96.0
MAX_LINES_TO_STATE = 9
MAIN_WEIGHT = 2  # of the first exit of a state: the usual way should be short and straight


class Card(msgspec.Struct, frozen=True):
    """A state, with the middle of its upper side and its lines of text."""

    node: Node
    title: tuple[str, ...]
    text: tuple[str, ...]
    width: float
    height: float
    at: Point = (0.0, 0.0)


class EntryPill(msgspec.Struct, frozen=True):
    """A way in, with the middle of its upper side and the points of its line."""

    entry: EntryPoint
    width: float
    at: Point
    points: list[Point]


class JumpPill(msgspec.Struct, frozen=True):
    """The name of a state in the place of a line to it, with the middle of its upper side."""

    width: float
    at: Point


class DrawnEdge(msgspec.Struct, frozen=True):
    """An edge, with the points of its line and the middle of the upper side of its label. A line to
    a state that very many lead to ends in a pill with its name.
    """

    edge: Edge
    text: tuple[str, ...]
    label: BoxSize | None
    label_at: Point | None
    points: list[Point]
    jump: JumpPill | None = None


class FlowDrawing(msgspec.Struct, frozen=True):
    """A flow with all its places."""

    graph: FlowGraph
    cards: tuple[Card, ...]
    entries: tuple[EntryPill, ...]
    edges: tuple[DrawnEdge, ...]
    width: float
    height: float


def draw_flow(graph: FlowGraph, centre: str = "") -> FlowDrawing:
    """Lay the flow out. All lines to the state in the centre are drawn, however many they are."""
    cards = [build_card(node) for node in graph.nodes]
    numbers = {node.name: number for number, node in enumerate(graph.nodes)}
    loops = {numbers[edge.source]: edge for edge in graph.edges if edge.source == edge.target}
    edges = [edge for edge in graph.edges if edge.source != edge.target]
    jumps = find_jumps(edges, centre)
    sizes = [measure_card(card, loops.get(number)) for number, card in enumerate(cards)]
    first_entry = len(sizes)
    sizes += [measure_pill(entry.text) for entry in graph.entries]
    first_jump = len(sizes)
    sizes += [measure_pill(format_jump(edges[number])) for number in jumps]
    targets = {number: first_jump + place for place, number in enumerate(jumps)}
    lines = build_line_specs(edges, numbers, targets)
    lines += [
        LineSpec(first_entry + number, numbers[entry.target])
        for number, entry in enumerate(graph.entries)
    ]
    layout = lay_out(sizes, lines, range(first_entry, first_jump))

    def build_jump(number: int) -> JumpPill | None:
        box = targets.get(number)
        return JumpPill(2 * sizes[box].left, layout.boxes[box]) if box is not None else None

    placed = [place_card(card, layout, number) for number, card in enumerate(cards)]
    drawn = [
        DrawnEdge(
            edge,
            wrap_edge_label(edge, LABEL_WIDTH),
            lines[number].label,
            layout.labels[number],
            layout.lines[number],
            build_jump(number),
        )
        for number, edge in enumerate(edges)
    ]
    drawn += [draw_loop(placed[number], edge) for number, edge in loops.items()]
    entries = [
        EntryPill(entry, 2 * sizes[box].left, layout.boxes[box], layout.lines[line])
        for entry, box, line in zip(
            graph.entries, count(first_entry), count(len(edges)), strict=False
        )
    ]
    return FlowDrawing(
        graph, tuple(placed), tuple(entries), tuple(drawn), layout.width, layout.height
    )


def find_jumps(edges: list[Edge], centre: str) -> list[int]:
    """The edges, by their place, to states that very many others lead to: their lines would be all
    that one sees. The first edge to such a state is drawn.
    """
    leading = Counter(edge.target for edge in edges)
    busy = {name for name, many in leading.items() if many > MAX_LINES_TO_STATE} - {centre}
    seen: set[str] = set()
    jumps = []
    for number, edge in enumerate(edges):
        if edge.target in seen:
            jumps.append(number)
        elif edge.target in busy:
            seen.add(edge.target)
    return jumps


def format_jump(edge: Edge) -> str:
    return f"→ {edge.target}"


def build_card(node: Node) -> Card:
    title = wrap_text(node.name, TITLE_SIZE * 1.07, CARD_TEXT_WIDTH, 2)
    text = wrap_text(node.label, TEXT_SIZE, CARD_TEXT_WIDTH, MAX_CARD_LINES)
    inner = max(
        *(measure_text(line, TITLE_SIZE, bold=True) for line in title),
        *(measure_text(line, TEXT_SIZE) for line in text),
        0.0,
    )
    return Card(
        node,
        title,
        text,
        max(MIN_CARD_WIDTH, BAND_WIDTH + 2 * CARD_MARGIN_X + inner),
        2 * CARD_MARGIN_Y + len(title) * TITLE_HEIGHT + len(text) * TEXT_HEIGHT,
    )


def place_card(card: Card, layout: Layout, number: int) -> Card:
    return Card(card.node, card.title, card.text, card.width, card.height, layout.boxes[number])


def measure_card(card: Card, loop: Edge | None) -> BoxSize:
    """The room for a card, and beside it for the line that leads back to it."""
    half = card.width / 2
    if loop is None:
        return BoxSize(half, half, card.height)
    label = measure_label(wrap_edge_label(loop, LOOP_LABEL_WIDTH))
    beside = LOOP_WIDTH + (label.left + label.right if label else 0)
    return BoxSize(half, half + beside, max(card.height, label.height if label else 0))


def measure_pill(text: str) -> BoxSize:
    half = measure_text(text, LABEL_SIZE, bold=True) / 2 + PILL_MARGIN
    return BoxSize(half, half, PILL_HEIGHT)


def wrap_edge_label(edge: Edge, width: float) -> tuple[str, ...]:
    return wrap_text(", ".join(edge.labels), LABEL_SIZE, width, MAX_LABEL_LINES)


def measure_label(text: tuple[str, ...]) -> BoxSize | None:
    if not text:
        return None
    half = max(measure_text(line, LABEL_SIZE) for line in text) / 2 + LABEL_MARGIN
    return BoxSize(half, half, len(text) * LABEL_HEIGHT + 4)


def build_line_specs(
    edges: list[Edge], numbers: dict[str, int], jump_boxes: dict[int, int]
) -> list[LineSpec]:
    seen: set[str] = set()
    lines = []
    for number, edge in enumerate(edges):
        weight = 1 if edge.source in seen else MAIN_WEIGHT
        seen.add(edge.source)
        target = jump_boxes.get(number, numbers[edge.target])
        label = measure_label(wrap_edge_label(edge, LABEL_WIDTH))
        lines.append(LineSpec(numbers[edge.source], target, label, weight))
    return lines


def draw_loop(card: Card, edge: Edge) -> DrawnEdge:
    """A line out of the right side of the card and back into it."""
    text = wrap_edge_label(edge, LOOP_LABEL_WIDTH)
    label = measure_label(text)
    x, y = card.at[0] + card.width / 2, card.at[1]
    reach, inset = LOOP_WIDTH - 8, min(12.0, card.height / 4)
    points = [(x, y + inset), (x + reach, y + card.height / 2), (x, y + card.height - inset)]
    at = None
    if label:
        at = (x + LOOP_WIDTH - 6 + label.left, y + (card.height - label.height) / 2)
    return DrawnEdge(edge, text, label, at, points)
