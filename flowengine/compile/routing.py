"""Routes ready to match: which flow answers which call."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from flowengine.model import Route


class Address(NamedTuple):
    """What was dialled, without + or sip: as the platform spells one number in three ways; and
    where the call comes from.
    """

    to: str
    kind: str
    origin: str
    application: str


class Routing(NamedTuple):
    """A route. Empty fields ask for nothing; with `open` the address may have anything between
    `head` and `tail`.
    """

    flow: str
    kind: str
    origin: str
    application: str
    to: bool
    head: str
    open: bool
    tail: str

    def takes(self, asked: Address) -> bool:
        """Whether all that this route asks for holds."""
        if self.to and not self.fits(asked.to):
            return False
        return (
            (not self.kind or self.kind == asked.kind)
            and (not self.origin or self.origin == asked.origin)
            and (not self.application or self.application == asked.application)
        )

    def fits(self, to: str) -> bool:
        if not self.open:
            return to == self.head
        return (
            to.startswith(self.head)
            and to.endswith(self.tail)
            and len(to) >= len(self.head) + len(self.tail)
        )


class Table(NamedTuple):
    """Routes by the number that they ask for: a project with a thousand numbers need not try a
    thousand routes for each call.

    Each stands beside its place among all; `others` ask for no number, or for many.
    """

    exact: Mapping[str, tuple[tuple[int, Routing], ...]]
    others: tuple[tuple[int, Routing], ...]

    @classmethod
    def of(cls, routes: Iterable[Routing]) -> "Table":
        """These routes, in the author's order."""
        exact: dict[str, tuple[tuple[int, Routing], ...]] = {}
        others = []
        for found in enumerate(routes):
            route = found[1]
            if route.to and not route.open:
                exact[route.head] = (*exact.get(route.head, ()), found)
            else:
                others.append(found)
        return cls(exact, tuple(others))

    def first(self, asked: Address) -> Routing | None:
        """The first route, in the author's order, that takes this call."""
        best, best_place = None, 0
        for place, route in self.exact.get(asked.to, ()):
            if route.takes(asked):
                best, best_place = route, place
                break
        for place, route in self.others:
            if best is not None and place > best_place:
                break
            if route.takes(asked):
                return route
        return best


def routing(route: Route) -> Routing:
    """The route as an author wrote it, made ready.

    >>> routing(Route(flow="line", to="+1404*")).fits("14045550100")
    True
    """
    head, star, tail = (route.to or "").lower().removeprefix("sip:").lstrip("+").partition("*")
    return Routing(
        route.flow,
        route.type or "",
        route.origin or "",
        route.application or "",
        bool(route.to),
        head,
        bool(star),
        tail,
    )
