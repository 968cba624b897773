"""The layout of a picture: places of boxes, the ways of lines, places of their labels.

Ranks go from top to bottom. A line is straight while it passes a rank, and bends between ranks, so
that it never crosses a box.
"""

from collections.abc import Sequence

import msgspec

from flowengine.diagram.coordinates import Coordinates, assign_coordinates
from flowengine.diagram.crossing_reduction import order_ranks
from flowengine.diagram.layered_graph import BoxSize, LayeredGraph, LineSpec, build_layers

RANK_GAP = 20.0
MAX_RANK_GAP = 72.0
GAP_PER_SHIFT = 0.09  # a line that goes far to the side needs more height to do so
PART_GAP = 56.0
PICTURE_MARGIN = 20.0

Point = tuple[float, float]


class Layout(msgspec.Struct):
    """`boxes` and `labels` are the middles of the upper sides; each line is straight from point to
    point where two follow at the same x, and bends elsewhere. Lines begin where they come from.
    """

    boxes: list[Point]
    lines: list[list[Point]]
    labels: list[Point | None]
    width: float = 0.0
    height: float = 0.0


class _Part(msgspec.Struct):
    """A connected part: which boxes and lines it has, and its own layout."""

    boxes: list[int]
    lines: list[int] = msgspec.field(default_factory=list)
    layout: Layout = msgspec.field(default_factory=lambda: Layout([], [], []))


def lay_out(boxes: Sequence[BoxSize], lines: Sequence[LineSpec], roots: Sequence[int]) -> Layout:
    """Lay out the graph: first the part that has the first root. The same graph always looks the
    same.
    """
    parts = split_into_parts(boxes, lines, roots)
    for part in parts:
        numbers = {box: number for number, box in enumerate(part.boxes)}
        part.layout = lay_out_part(
            [boxes[box] for box in part.boxes],
            [
                LineSpec(numbers[line.source], numbers[line.target], line.label, line.weight)
                for line in (lines[number] for number in part.lines)
            ],
            [numbers[root] for root in roots if root in numbers],
        )
    return join_parts(parts, len(boxes), len(lines))


def split_into_parts(
    boxes: Sequence[BoxSize], lines: Sequence[LineSpec], roots: Sequence[int]
) -> list[_Part]:
    touching: list[list[int]] = [[] for _ in boxes]
    for line in lines:
        touching[line.source].append(line.target)
        touching[line.target].append(line.source)
    part_of = [-1] * len(boxes)
    parts: list[_Part] = []
    for start in [*roots, *range(len(boxes))]:
        if part_of[start] >= 0:
            continue
        part_of[start] = len(parts)
        found = [start]
        for box in found:
            for other in touching[box]:
                if part_of[other] < 0:
                    part_of[other] = len(parts)
                    found.append(other)
        parts.append(_Part(sorted(found)))
    for number, line in enumerate(lines):
        parts[part_of[line.source]].lines.append(number)
    return parts


def lay_out_part(
    boxes: Sequence[BoxSize], lines: Sequence[LineSpec], roots: Sequence[int]
) -> Layout:
    graph = build_layers(boxes, lines, roots)
    order_ranks(graph)
    places = assign_coordinates(graph)
    tops, bottoms = assign_heights(graph, places)
    found = Layout(
        [(places.x[box], tops[graph.rank_of[box]]) for box in range(len(boxes))],
        [trace_line(graph, places, tops, bottoms, number) for number in range(len(lines))],
        [
            (
                places.x[label],
                (tops[graph.rank_of[label]] + bottoms[graph.rank_of[label]]) / 2
                - graph.sizes[label].height / 2,
            )
            if label >= 0
            else None
            for label in graph.labels
        ],
    )
    left = min(place - size.left for place, size in zip(places.x, graph.sizes, strict=True))
    right = max(place + size.right for place, size in zip(places.x, graph.sizes, strict=True))
    found.width, found.height = right - left, bottoms[-1]
    move_layout(found, -left, 0)
    return found


def assign_heights(graph: LayeredGraph, places: Coordinates) -> tuple[list[float], list[float]]:
    """Where each rank begins and ends from top to bottom."""
    shifts = [0.0] * len(graph.ranks)
    for number, chain in enumerate(graph.chains):
        route = [
            places.top_ports[number],
            *(places.x[vertex] for vertex in chain[1:-1]),
            places.bottom_ports[number],
        ]
        for upper, start, end in zip(chain, route, route[1:], strict=False):
            rank = graph.rank_of[upper]
            shifts[rank] = max(shifts[rank], abs(end - start))
    tops: list[float] = []
    bottoms: list[float] = []
    top = 0.0
    for vertices, shift in zip(graph.ranks, shifts, strict=True):
        tops.append(top)
        bottoms.append(top + max(graph.sizes[vertex].height for vertex in vertices))
        top = bottoms[-1] + min(MAX_RANK_GAP, RANK_GAP + GAP_PER_SHIFT * shift)
    return tops, bottoms


def trace_line(
    graph: LayeredGraph,
    places: Coordinates,
    tops: Sequence[float],
    bottoms: Sequence[float],
    number: int,
) -> list[Point]:
    chain = graph.chains[number]
    top, bottom = chain[0], chain[-1]
    upper = graph.rank_of[top]
    start = places.top_ports[number]
    points = [(start, tops[upper] + graph.sizes[top].height), (start, bottoms[upper])]
    for vertex in chain[1:-1]:
        rank = graph.rank_of[vertex]
        points += [(places.x[vertex], tops[rank]), (places.x[vertex], bottoms[rank])]
    points.append((places.bottom_ports[number], tops[graph.rank_of[bottom]]))
    points = drop_straight_points(points)
    return points[::-1] if graph.is_back[number] else points


def drop_straight_points(points: Sequence[Point]) -> list[Point]:
    """The same line without points in the middle of a vertical stretch."""
    kept = [points[0]]
    for point, after in zip(points[1:], [*points[2:], None], strict=True):
        is_between = after is not None and kept[-1][0] == point[0] == after[0]
        if not is_between and point != kept[-1]:
            kept.append(point)
    return kept


def join_parts(parts: Sequence[_Part], box_count: int, line_count: int) -> Layout:
    """All parts side by side."""
    joined = Layout([(0, 0)] * box_count, [[] for _ in range(line_count)], [None] * line_count)
    left = PICTURE_MARGIN
    for part in parts:
        move_layout(part.layout, left, PICTURE_MARGIN)
        for box, place in zip(part.boxes, part.layout.boxes, strict=True):
            joined.boxes[box] = place
        for line, points, label in zip(
            part.lines, part.layout.lines, part.layout.labels, strict=True
        ):
            joined.lines[line], joined.labels[line] = points, label
        left += part.layout.width + PART_GAP
        joined.height = max(joined.height, part.layout.height + 2 * PICTURE_MARGIN)
    joined.width = max(left - PART_GAP, 0.0) + PICTURE_MARGIN
    return joined


def move_layout(layout: Layout, right: float, down: float) -> None:
    layout.boxes = [(x + right, y + down) for x, y in layout.boxes]
    layout.lines = [[(x + right, y + down) for x, y in line] for line in layout.lines]
    layout.labels = [label and (label[0] + right, label[1] + down) for label in layout.labels]
