"""Where vertices of ordered ranks stand from left to right, and where lines leave and reach boxes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from flowengine.cooperative import pause_if_due
from flowengine.diagram.isotonic import fit_positions
from flowengine.diagram.layered_graph import LayeredGraph

BOX_GAP, LABEL_GAP, LINE_GAP = 30.0, 14.0, 14.0
PORT_GAP = 14.0
PORT_MARGIN = 14.0  # a box has round corners
SWEEPS = 12
STRAIGHTENINGS = 3
# how much a line wants to be straight: between boxes, at the end of a long line, within it
BOX_PULL, END_PULL, LINE_PULL = 1.0, 2.0, 8.0


class Coordinates(msgspec.Struct):
    """The middle of each vertex, and for each line where it starts above and ends below."""

    x: list[float]
    top_ports: list[float] = msgspec.field(default_factory=list)
    bottom_ports: list[float] = msgspec.field(default_factory=list)


def assign_coordinates(graph: LayeredGraph) -> Coordinates:
    placer = _Placer(graph)
    placer.pack()
    for sweep in range(SWEEPS):
        pause_if_due()
        placer.sweep(goes_down=sweep % 2 == 0, looks_both_ways=sweep >= SWEEPS // 3)
    for _ in range(STRAIGHTENINGS):
        pause_if_due()
        placer.align_boxes()
        placer.spread_ports()
        placer.straighten_lines()
    return Coordinates(placer.x, placer.top_ports, placer.bottom_ports)


class _Placer:
    def __init__(self, graph: LayeredGraph) -> None:
        self.graph = graph
        self.x = [0.0] * len(graph.sizes)
        self.top_ports = [0.0] * len(graph.chains)
        self.bottom_ports = [0.0] * len(graph.chains)
        self.neighbours: list[tuple[int, int]] = [(-1, -1)] * len(graph.sizes)
        for rank in graph.ranks:
            for before, vertex, after in zip([-1, *rank], rank, [*rank[1:], -1], strict=False):
                self.neighbours[vertex] = (before, after)

    def get_distance(self, left: int, right: int) -> float:
        """How far the middles of two neighbours are apart at least."""
        sizes = self.graph.sizes
        if self.graph.is_box(left) and self.graph.is_box(right):
            gap = BOX_GAP
        elif sizes[left].height and sizes[right].height:
            gap = LABEL_GAP
        else:
            gap = LINE_GAP
        return sizes[left].right + gap + sizes[right].left

    def pack(self) -> None:
        """Side by side, each rank around the same middle."""
        for rank in self.graph.ranks:
            place = 0.0
            for before, vertex in pairwise(rank):
                self.x[before] = place
                place += self.get_distance(before, vertex)
            self.x[rank[-1]] = place
            for vertex in rank:
                self.x[vertex] -= place / 2

    def sweep(self, *, goes_down: bool, looks_both_ways: bool) -> None:
        """Draw each rank to where its lines lead: to the rank before, or to both sides."""
        graph = self.graph
        ranks = graph.ranks if goes_down else graph.ranks[::-1]
        before = graph.above if goes_down else graph.below
        for rank in ranks:
            wanted, weights = [], []
            for vertex in rank:
                others = (
                    [*graph.above[vertex], *graph.below[vertex]]
                    if looks_both_ways
                    else before[vertex]
                )
                pulls = [self.get_pull(vertex, other) for other in others]
                mass = sum(pulls)
                weights.append(mass or 0.01)
                wanted.append(
                    sum(pull * self.x[other] for pull, other in zip(pulls, others, strict=True))
                    / mass
                    if mass
                    else self.x[vertex]
                )
            self.place_rank(rank, wanted, weights)

    def get_pull(self, one: int, other: int) -> float:
        boxes = self.graph.is_box(one) + self.graph.is_box(other)
        return (LINE_PULL, END_PULL, BOX_PULL)[boxes]

    def place_rank(
        self, rank: Sequence[int], wanted: Sequence[float], weights: Sequence[float]
    ) -> None:
        distances = [self.get_distance(left, right) for left, right in pairwise(rank)]
        for vertex, place in zip(rank, fit_positions(wanted, weights, distances), strict=True):
            self.x[vertex] = place

    def spread_ports(self) -> None:
        """Let lines leave and reach boxes in the order of where they go, each as straight as the
        box is wide.
        """
        at_bottom: list[list[tuple[float, int]]] = [[] for _ in range(self.graph.box_count)]
        at_top: list[list[tuple[float, int]]] = [[] for _ in range(self.graph.box_count)]
        for number, chain in enumerate(self.graph.chains):
            at_bottom[chain[0]].append((self.x[chain[1]], number))
            at_top[chain[-1]].append((self.x[chain[-2]], number))
        for sides, ports in ((at_bottom, self.top_ports), (at_top, self.bottom_ports)):
            for box, lines in enumerate(sides):
                lines.sort()
                places = self.spread_over_box(box, [place for place, _ in lines])
                for (_, number), place in zip(lines, places, strict=True):
                    ports[number] = place

    def spread_over_box(self, box: int, wanted: Sequence[float]) -> list[float]:
        half = self.graph.sizes[box].left - PORT_MARGIN
        low, high = self.x[box] - half, self.x[box] + half
        gap = min(PORT_GAP, 2 * half / max(1, len(wanted) - 1))
        clamped = [
            min(max(place, low + number * gap), high - (len(wanted) - 1 - number) * gap)
            for number, place in enumerate(wanted)
        ]
        return fit_positions(clamped, [1.0] * len(wanted), [gap] * (len(wanted) - 1))

    def straighten_lines(self) -> None:
        """Let each line run straight between its boxes where its neighbours leave room for it."""
        order = sorted(
            range(len(self.graph.chains)), key=lambda number: -len(self.graph.chains[number])
        )
        for number in order:
            inner = self.graph.chains[number][1:-1]
            low, high = self.find_room(inner)
            if low > high:
                self.straighten_parts(inner)
                continue
            ends = (self.top_ports[number], self.bottom_ports[number])
            fitting = [end for end in ends if low <= end <= high]
            middle = sum(self.x[vertex] for vertex in inner) / len(inner)
            place = fitting[0] if fitting else min(max(middle, low), high)
            for vertex in inner:
                self.x[vertex] = place

    def straighten_parts(self, inner: Sequence[int]) -> None:
        """Let a line that cannot be straight be straight for as long as it can, from above."""
        for part in self.split_by_room(inner):
            low, high = self.find_room(part)
            middle = sum(self.x[vertex] for vertex in part) / len(part)
            for vertex in part:
                self.x[vertex] = min(max(middle, low), high)

    def split_by_room(self, inner: Sequence[int]) -> Iterator[list[int]]:
        part: list[int] = []
        low, high = -float("inf"), float("inf")
        for vertex in inner:
            least, most = self.find_room([vertex])
            if part and (max(low, least) > min(high, most)):
                yield part
                part, low, high = [], -float("inf"), float("inf")
            part.append(vertex)
            low, high = max(low, least), min(high, most)
        if part:
            yield part

    def find_room(self, vertices: Sequence[int]) -> tuple[float, float]:
        """Between which places all of these can stand without others moving."""
        low, high = -float("inf"), float("inf")
        for vertex in vertices:
            before, after = self.neighbours[vertex]
            if before >= 0:
                low = max(low, self.x[before] + self.get_distance(before, vertex))
            if after >= 0:
                high = min(high, self.x[after] - self.get_distance(vertex, after))
        return low, high

    def align_boxes(self) -> None:
        """Put each box in the middle of where its lines lead, or else come from, as far as its
        neighbours let it.
        """
        graph = self.graph
        for rank in reversed(graph.ranks):
            for box in filter(graph.is_box, rank):
                below = [self.skip_virtual_node(vertex) for vertex in graph.below[box]]
                places = sorted(self.x[vertex] for vertex in below or graph.above[box])
                if places:
                    wanted = (places[(len(places) - 1) // 2] + places[len(places) // 2]) / 2
                    self.move_near(box, wanted)
                    self.draw_virtual_nodes_near(box)

    def draw_virtual_nodes_near(self, box: int) -> None:
        """Let short lines without labels run between the middles of their boxes."""
        for vertex in self.graph.below[box]:
            if (after := self.skip_virtual_node(vertex)) != vertex:
                half = max(0.0, self.graph.sizes[box].left - PORT_MARGIN)
                near = min(max(self.x[after], self.x[box] - half), self.x[box] + half)
                self.move_near(vertex, near)

    def move_near(self, vertex: int, wanted: float) -> None:
        """Put the vertex as near to this place as its neighbours let it."""
        low, high = self.find_room([vertex])
        self.x[vertex] = min(max(wanted, low), high)

    def skip_virtual_node(self, vertex: int) -> int:
        """The box below, where nothing but a line without a label is in between."""
        if self.graph.is_box(vertex) or self.graph.sizes[vertex].height:
            return vertex
        (after,) = self.graph.below[vertex]
        return after if self.graph.is_box(after) else vertex
