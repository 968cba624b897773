"""A graph in ranks: between boxes that are more than one rank apart, a line passes a point in each
rank on its way; the label of a line is a box of its own in a rank between those of the boxes.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from flowengine.diagram.ranking import Link, assign_ranks, find_back_links

RANK_STEP = 2  # between the ranks of boxes is one for labels


class BoxSize(msgspec.Struct, frozen=True):
    """What takes room: `height`, and to both sides of its middle."""

    left: float
    right: float
    height: float


class LineSpec(msgspec.Struct, frozen=True):
    """A line to draw between boxes, by their numbers; with a label of this size."""

    source: int
    target: int
    label: BoxSize | None = None
    weight: int = 1


NO_SIZE = BoxSize(0, 0, 0)


class LayeredGraph(msgspec.Struct):
    """Vertices by number: first the boxes, then what lines pass. `chains` are the vertices of each
    line from top to bottom; `is_back` tells that the line is drawn upwards; `labels` is the vertex
    of its label, or -1.
    """

    sizes: list[BoxSize]
    box_count: int
    rank_of: list[int]
    ranks: list[list[int]] = msgspec.field(default_factory=list)
    chains: list[list[int]] = msgspec.field(default_factory=list)
    is_back: list[bool] = msgspec.field(default_factory=list)
    labels: list[int] = msgspec.field(default_factory=list)
    above: list[list[int]] = msgspec.field(default_factory=list)
    below: list[list[int]] = msgspec.field(default_factory=list)

    def is_box(self, vertex: int) -> bool:
        return vertex < self.box_count

    def add_virtual_node(self, size: BoxSize, rank: int) -> int:
        self.sizes.append(size)
        self.rank_of.append(rank)
        self.above.append([])
        self.below.append([])
        return len(self.sizes) - 1

    def collect_ranks(self, roots: Sequence[int]) -> list[list[int]]:
        """All vertices by rank, in the order of a depth-first walk from the roots that follows
        exits as written.
        """
        ranks: list[list[int]] = [[] for _ in range(max(self.rank_of, default=0) + 1)]
        seen: set[int] = set()
        for root in [*roots, *range(self.box_count)]:
            waiting = [root]
            while waiting:
                vertex = waiting.pop()
                if vertex not in seen:
                    seen.add(vertex)
                    ranks[self.rank_of[vertex]].append(vertex)
                    waiting += [*reversed(self.above[vertex]), *reversed(self.below[vertex])]
        return ranks


def build_layers(
    boxes: Sequence[BoxSize], lines: Sequence[LineSpec], roots: Sequence[int]
) -> LayeredGraph:
    """The layers of a connected graph, in the order in which a walk from the roots comes by."""
    links: list[Link] = [(line.source, line.target) for line in lines]
    is_back = find_back_links(len(boxes), links, roots)
    downward = [link[::-1] if back else link for link, back in zip(links, is_back, strict=True)]
    ranks = assign_ranks(len(boxes), downward, [line.weight for line in lines])
    graph = LayeredGraph(
        list(boxes),
        len(boxes),
        [rank * RANK_STEP for rank in ranks],
        above=[[] for _ in boxes],
        below=[[] for _ in boxes],
        is_back=is_back,
    )
    for line, (top, bottom), back in zip(lines, downward, is_back, strict=True):
        add_chain(graph, line, top, bottom, is_back=back)
    graph.ranks = graph.collect_ranks(roots)
    return graph


def add_chain(graph: LayeredGraph, line: LineSpec, top: int, bottom: int, *, is_back: bool) -> None:
    """Let the line pass each rank; its label stands next to where it comes from."""
    first, last = graph.rank_of[top] + 1, graph.rank_of[bottom] - 1
    label_rank = last if is_back else first
    chain, label = [top], -1
    for rank in range(first, last + 1):
        has_label = line.label is not None and rank == label_rank
        chain.append(graph.add_virtual_node((has_label and line.label) or NO_SIZE, rank))
        if has_label:
            label = chain[-1]
    chain.append(bottom)
    for upper, lower in pairwise(chain):
        graph.below[upper].append(lower)
        graph.above[lower].append(upper)
    graph.chains.append(chain)
    graph.labels.append(label)
