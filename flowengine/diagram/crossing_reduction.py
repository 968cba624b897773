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
# one sweep over a flow of a thousand states looks at so many lines; more sweeps are not worth it
MAX_LINES_LOOKED_AT = 150_000


def order_ranks(graph: LayeredGraph) -> None:
    """Order the ranks of the graph: the best of several beginnings. The same graph is always ordered
    the same.
    """
    best, fewest = graph.ranks, -1
    for ranks in list_first_orders(graph):
        graph.ranks = ranks
        reducer = _CrossingReducer(graph)
        found = reducer.reduce()
        if fewest < 0 or reducer.fewest < fewest:
            best, fewest = found, reducer.fewest
        if not fewest:
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
    def __init__(self, graph: LayeredGraph) -> None:
        self.graph = graph
        self.place = [0] * len(graph.sizes)
        self.fewest = 0

    def reduce(self) -> list[list[int]]:
        ranks = self.graph.ranks
        for rank in ranks:
            self.note_places(rank)
        lines = sum(map(len, self.graph.below)) or 1
        self.fewest = self.count_crossings()
        best, without_gain = [rank.copy() for rank in ranks], 0
        for sweep in range(max(4, min(MAX_SWEEPS, MAX_LINES_LOOKED_AT // lines))):
            if not self.fewest or without_gain >= MAX_SWEEPS_WITHOUT_GAIN:
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
