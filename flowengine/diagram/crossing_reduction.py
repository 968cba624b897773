"""The order of vertices within ranks, so that few lines cross: sweeps by medians, and exchanges of
neighbours.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence

from flowengine.cooperative import pause_if_due
from flowengine.diagram.layered_graph import LayeredGraph

MAX_SWEEPS = 24
MAX_SWEEPS_WITHOUT_GAIN = 6
MAX_EXCHANGE_ROUNDS = 4
# Lines that are looked at for a picture, again and again: a flow of three hundred states looks at
# half as many. Larger ones are explored by their neighbourhoods.
MAX_LINES_LOOKED_AT = 400_000
MIN_SWEEPS = 4


def order_ranks(graph: LayeredGraph) -> None:
    """Order the ranks of the graph: the best of several beginnings. The same graph is always ordered
    the same.
    """
    best, fewest, left = graph.ranks, -1, MAX_LINES_LOOKED_AT
    for ranks in list_first_orders(graph):
        graph.ranks = ranks
        reducer = _CrossingReducer(graph, left)
        found = reducer.reduce()
        if fewest < 0 or reducer.fewest < fewest:
            best, fewest = found, reducer.fewest
        left = reducer.lines_left
        if not fewest or left <= 0:
            break
    graph.ranks = best


def list_first_orders(graph: LayeredGraph) -> Iterator[list[list[int]]]:
    """As a walk from the first vertex comes by, a walk from the last, and mirror
    images of both.
    """
    walk = graph.ranks
    yield [rank.copy() for rank in walk]
    yield [rank[::-1] for rank in walk]
    last = [vertex for rank in reversed(walk) for vertex in rank if not graph.below[vertex]]
    upwards = graph.collect_ranks(last)
    yield upwards
    yield [rank[::-1] for rank in upwards]


class _CrossingReducer:
    def __init__(self, graph: LayeredGraph, lines_left: int) -> None:
        self.graph = graph
        self.lines = sum(map(len, graph.below))
        self.lines_left = lines_left
        self.place = [0] * len(graph.sizes)
        self.fewest = 0

    def reduce(self) -> list[list[int]]:
        ranks = self.graph.ranks
        for rank in ranks:
            self.note_places(rank)
        self.fewest = self.count_crossings()
        best, without_gain = [rank.copy() for rank in ranks], 0
        for sweep in range(MAX_SWEEPS):
            if not self.fewest or without_gain >= MAX_SWEEPS_WITHOUT_GAIN:
                break
            if self.lines_left <= 0 and sweep >= MIN_SWEEPS:
                break
            self.sweep(goes_down=sweep % 2 == 0, turns_ties=sweep % 4 > 1)
            self.exchange_neighbours(takes_ties=sweep % 4 > 1)
            found = self.count_crossings()
            without_gain += 1
            if found < self.fewest:
                self.fewest, without_gain = found, 0
                best = [rank.copy() for rank in ranks]
        return best

    def note_places(self, rank: Sequence[int]) -> None:
        for place, vertex in enumerate(rank):
            self.place[vertex] = place

    def count_crossings(self) -> int:
        """Crossings between each rank and the next."""
        self.lines_left -= self.lines
        total = 0
        for rank in self.graph.ranks:
            pause_if_due()
            ends: list[int] = []
            for vertex in rank:
                places = sorted(self.place[lower] for lower in self.graph.below[vertex])
                total += sum(len(ends) - bisect_right(ends, place) for place in places)
                for place in places:
                    insort(ends, place)
        return total

    def sweep(self, *, goes_down: bool, turns_ties: bool) -> None:
        """Sort each rank by the medians of the rank before; what has no line there stays."""
        ranks = self.graph.ranks if goes_down else self.graph.ranks[::-1]
        before = self.graph.above if goes_down else self.graph.below
        for rank in ranks[1:]:
            pause_if_due()
            medians = {
                vertex: get_median(sorted(self.place[other] for other in before[vertex]))
                for vertex in rank
                if before[vertex]
            }
            movable = [vertex for vertex in rank if vertex in medians]
            if turns_ties:
                movable.reverse()
            moved = iter(sorted(movable, key=medians.__getitem__))
            rank[:] = [next(moved) if vertex in medians else vertex for vertex in rank]
            self.note_places(rank)

    def exchange_neighbours(self, *, takes_ties: bool) -> None:
        """Exchange neighbours as long as that takes crossings away. First those too, with
        `takes_ties`, that leave as many: it may open a way that takes two exchanges.
        """
        for round_ in range(MAX_EXCHANGE_ROUNDS):
            has_gain = False
            self.lines_left -= self.lines
            for rank in self.graph.ranks:
                pause_if_due()
                has_gain |= self.exchange_in_rank(rank, 1 if takes_ties and not round_ else 0)
            if not has_gain:
                return

    def exchange_in_rank(self, rank: list[int], most_lost: int) -> bool:
        has_gain = False
        ends = {
            vertex: (
                sorted(self.place[other] for other in self.graph.above[vertex]),
                sorted(self.place[other] for other in self.graph.below[vertex]),
            )
            for vertex in rank
        }
        for place in range(len(rank) - 1):
            left, right = rank[place], rank[place + 1]
            now = sum(map(count_inversions, ends[left], ends[right]))
            if now and sum(map(count_inversions, ends[right], ends[left])) < now + most_lost:
                rank[place], rank[place + 1] = right, left
                self.place[left], self.place[right] = place + 1, place
                has_gain = True
        return has_gain


def get_median(places: Sequence[int]) -> float:
    """The median; of an even number the one that leans to the denser side."""
    half = len(places) // 2
    if len(places) % 2:
        return places[half]
    if len(places) == 2:
        return (places[0] + places[1]) / 2
    left, right = places[half - 1] - places[0], places[-1] - places[half]
    if left + right == 0:
        return (places[half - 1] + places[half]) / 2
    return (places[half - 1] * right + places[half] * left) / (left + right)


def count_inversions(left: Sequence[int], right: Sequence[int]) -> int:
    """How many lines of a vertex cross lines of the next one, both by the places of their ends."""
    return sum(bisect_left(right, place) for place in left) if left and right else 0
