"""Lines of drawings as stretches, and where two of them cross: for our pictures and Graphviz's."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from flowengine.diagram import FlowGraph, to_dot
from flowengine.diagram.flow_drawing import FlowDrawing

Point = tuple[float, float]
BEND_STEPS = 12
BAND_HEIGHT = 24


class Line(NamedTuple):
    """A line between two nodes, as the points of short stretches."""

    source: str
    target: str
    points: list[Point]


def list_lines(drawing: FlowDrawing) -> Iterator[Line]:
    for drawn in drawing.edges:
        if drawn.edge.source != drawn.edge.target:
            yield Line(drawn.edge.source, drawn.edge.target, list(split_bends(drawn.points)))
    for number, pill in enumerate(drawing.entries):
        yield Line(f"entry {number}", pill.entry.target, list(split_bends(pill.points)))


def split_bends(points: Sequence[Point]) -> Iterator[Point]:
    yield points[0]
    for (x, y), (right, down) in pairwise(points):
        middle = (y + down) / 2
        if x == right:
            yield (right, down)
        else:
            yield from split_bezier((x, y), (x, middle), (right, middle), (right, down))


def split_bezier(a: Point, b: Point, c: Point, d: Point) -> Iterator[Point]:
    for step in range(1, BEND_STEPS + 1):
        t = step / BEND_STEPS
        s = 1 - t
        weights = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
        corners = (a, b, c, d)
        yield (
            sum(w * p[0] for w, p in zip(weights, corners, strict=True)),
            sum(w * p[1] for w, p in zip(weights, corners, strict=True)),
        )


def list_graphviz_lines(graphs: Sequence[FlowGraph]) -> Iterator[list[Line]]:
    """The lines of the same graphs as Graphviz draws them."""
    drawn = subprocess.run(
        ["dot", "-Tjson0"],
        input="".join(map(to_dot, graphs)).encode(),
        capture_output=True,
        check=True,
    )
    decoder, text = json.JSONDecoder(), drawn.stdout.decode().strip()
    while text:
        found, end = decoder.raw_decode(text)
        text = text[end:].strip()
        names = {one["_gvid"]: one["name"] for one in found["objects"]}
        yield [
            Line(names[edge["tail"]], names[edge["head"]], parse_graphviz_points(edge["pos"]))
            for edge in found.get("edges", [])
            if edge["tail"] != edge["head"]
        ]


def parse_graphviz_points(path: str) -> list[Point]:
    *_, path = path.split("e,")
    tip, *corners = (tuple(map(float, pair.split(","))) for pair in path.split())
    points: list[Point] = [corners[0]]
    for at in range(0, len(corners) - 3, 3):
        points += split_bezier(*corners[at : at + 4])
    return [*points, tip]


def count_crossings(lines: Sequence[Line]) -> int:
    """How many pairs of lines cross; those that meet at a node that they share do not."""
    bands: dict[int, list[tuple[int, Point, Point]]] = {}
    for number, line in enumerate(lines):
        for start, end in pairwise(line.points):
            low, high = sorted((start[1], end[1]))
            for band in range(int(low // BAND_HEIGHT), int(high // BAND_HEIGHT) + 1):
                bands.setdefault(band, []).append((number, start, end))
    crossing = {
        (one, other)
        for stretches in bands.values()
        for (one, *first), (other, *second) in find_overlapping(stretches)
        if one != other and is_intersecting(*first, *second)
    }
    return sum(not is_meeting(lines[one], lines[other]) for one, other in crossing)


def find_overlapping(
    stretches: Sequence[tuple[int, Point, Point]],
) -> Iterator[tuple[tuple[int, Point, Point], tuple[int, Point, Point]]]:
    """Pairs that stand above each other, in one band."""
    ordered = sorted(stretches, key=lambda one: min(one[1][0], one[2][0]))
    active: list[tuple[int, Point, Point]] = []
    for one in ordered:
        left = min(one[1][0], one[2][0])
        active = [other for other in active if max(other[1][0], other[2][0]) >= left]
        for other in active:
            yield (one, other) if one[0] < other[0] else (other, one)
        active.append(one)


def is_meeting(one: Line, other: Line) -> bool:
    """Whether two lines cross only where they leave or reach the same node."""
    if not {one.source, one.target} & {other.source, other.target}:
        return False
    return not any(
        is_intersecting(*first, *second)
        for first in pairwise(one.points[1:-1])
        for second in pairwise(other.points[1:-1])
    )


def is_intersecting(a: Point, b: Point, c: Point, d: Point) -> bool:
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False

    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
