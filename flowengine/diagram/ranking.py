"""The rank of each vertex of a layered drawing: links point downwards and are short in sum.

The ranks are those of the network simplex method (Gansner, Koutsofios, North, Vo: A technique for
drawing directed graphs, 1993), with a bound on its rounds.
"""

from collections.abc import Sequence

from flowengine.cooperative import pause_if_due

MAX_PIVOTS = 400  # a flow takes some tens; after that a picture is good enough

Link = tuple[int, int]


def find_back_links(count: int, links: Sequence[Link], roots: Sequence[int]) -> list[bool]:
    """Which links lead back to a vertex that they can be reached from, as seen from the roots."""
    leaving: list[list[int]] = [[] for _ in range(count)]
    for number, (source, _) in enumerate(links):
        leaving[source].append(number)
    is_back = [False] * len(links)
    state = [0] * count  # 1 while it is on the path, 2 when it is done
    for root in [*roots, *range(count)]:
        if state[root]:
            continue
        state[root] = 1
        path = [(root, iter(leaving[root]))]
        while path:
            vertex, rest = path[-1]
            number = next(rest, -1)
            if number < 0:
                state[vertex] = 2
                path.pop()
                continue
            target = links[number][1]
            is_back[number] = state[target] == 1
            if not state[target]:
                state[target] = 1
                path.append((target, iter(leaving[target])))
    return is_back


def assign_ranks(count: int, links: Sequence[Link], weights: Sequence[int]) -> list[int]:
    """Ranks from 0 of a connected graph without cycles."""
    ranks = rank_by_longest_path(count, links)
    if count > 1:
        simplex = _NetworkSimplex(count, links, weights, ranks)
        simplex.grow_tight_tree()
        simplex.improve()
    least = min(ranks, default=0)
    return [rank - least for rank in ranks]


def rank_by_longest_path(count: int, links: Sequence[Link]) -> list[int]:
    entering = [0] * count
    leaving: list[list[int]] = [[] for _ in range(count)]
    for source, target in links:
        entering[target] += 1
        leaving[source].append(target)
    ranks = [0] * count
    free = [vertex for vertex in range(count) if not entering[vertex]]
    while free:
        vertex = free.pop()
        for target in leaving[vertex]:
            ranks[target] = max(ranks[target], ranks[vertex] + 1)
            entering[target] -= 1
            if not entering[target]:
                free.append(target)
    return ranks


class _NetworkSimplex:
    """Ranks with a spanning tree of links that are as short as can be (tight)."""

    def __init__(
        self, count: int, links: Sequence[Link], weights: Sequence[int], ranks: list[int]
    ) -> None:
        self.links, self.ranks = links, ranks
        self.touching: list[list[int]] = [[] for _ in range(count)]
        # what leaves a vertex less what enters it: summed over one side of the tree, it is what
        # is gained when that side moves down
        self.balance = [0] * count
        for number, (source, target) in enumerate(links):
            self.touching[source].append(number)
            self.touching[target].append(number)
            self.balance[source] += weights[number]
            self.balance[target] -= weights[number]
        self.in_tree = [False] * len(links)
        self.order: list[int] = []  # parents come before their children
        self.parent_link = [-1] * count

    def get_slack(self, number: int) -> int:
        source, target = self.links[number]
        return self.ranks[target] - self.ranks[source] - 1

    def grow_tight_tree(self) -> None:
        """Move what the tree does not reach until its nearest link is tight, again and again."""
        reached = {0}
        waiting = [0]
        while True:
            pause_if_due()
            while waiting:
                vertex = waiting.pop()
                for number in self.touching[vertex]:
                    other = sum(self.links[number]) - vertex
                    if other not in reached and not self.get_slack(number):
                        self.in_tree[number] = True
                        reached.add(other)
                        waiting.append(other)
            crossing = [
                number
                for number, (source, target) in enumerate(self.links)
                if (source in reached) != (target in reached)
            ]
            if not crossing:
                return
            nearest = min(crossing, key=self.get_slack)
            slack = self.get_slack(nearest)
            shift = slack if self.links[nearest][1] in reached else -slack
            for vertex in range(len(self.ranks)):
                if vertex not in reached:
                    self.ranks[vertex] += shift
            waiting = sorted(reached)

    def improve(self) -> None:
        """Replace a link of the tree by another one as long as links become shorter in sum."""
        for _ in range(MAX_PIVOTS):
            pause_if_due()
            self.root_tree()
            below = self.find_side_to_move()
            if below < 0:
                return
            self.pivot(below)

    def root_tree(self) -> None:
        self.order = [0]
        self.parent_link[0] = -1
        for vertex in self.order:
            for number in self.touching[vertex]:
                if self.in_tree[number] and number != self.parent_link[vertex]:
                    other = sum(self.links[number]) - vertex
                    self.parent_link[other] = number
                    self.order.append(other)

    def find_side_to_move(self) -> int:
        """The vertex whose side of the tree gains most by a move away from its parent, or -1."""
        sums, found, most = self.balance.copy(), -1, 0
        for vertex in reversed(self.order[1:]):
            source, target = self.links[self.parent_link[vertex]]
            gain = -sums[vertex] if source == vertex else sums[vertex]
            if gain > most:
                found, most = vertex, gain
            sums[source + target - vertex] += sums[vertex]
        return found

    def pivot(self, top: int) -> None:
        """Replace the tree link above `top` by the one with the least slack that joins the two sides
        in the other direction, and move the side of `top` until that link is tight.
        """
        leaving = self.parent_link[top]
        goes_up = self.links[leaving][0] == top
        side = {top}
        for vertex in self.order[1:]:
            source, target = self.links[self.parent_link[vertex]]
            if source + target - vertex in side:
                side.add(vertex)
        outside_end = 1 if not goes_up else 0
        entering = min(
            (
                number
                for number, link in enumerate(self.links)
                if link[outside_end] not in side and link[1 - outside_end] in side
            ),
            key=self.get_slack,
            default=-1,
        )
        if entering < 0:
            return
        shift = self.get_slack(entering) * (-1 if goes_up else 1)
        for vertex in side:
            self.ranks[vertex] += shift
        self.in_tree[leaving], self.in_tree[entering] = False, True
