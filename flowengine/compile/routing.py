"""Routes prepared for matching: which flow answers which call."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from flowengine.model import Route


class DialledAddress(msgspec.Struct, frozen=True):
    """What was dialled, without + or sip: as the platform spells one number in three ways; and
    where the call comes from.
    """

    to: str
    kind: str
    origin: str
    application: str


class CompiledRoute(NamedTuple):
    """A route. Empty fields ask for nothing; with `has_wildcard` the address may have anything between
    `prefix` and `suffix`.
    """

    flow: str
    kind: str
    origin: str
    application: str
    has_number: bool
    prefix: str
    has_wildcard: bool
    suffix: str

    def is_match(self, dialled: DialledAddress) -> bool:
        """Whether the route takes this call."""
        if self.has_number and not self.is_number_match(dialled.to):
            return False
        return (
            (not self.kind or self.kind == dialled.kind)
            and (not self.origin or self.origin == dialled.origin)
            and (not self.application or self.application == dialled.application)
        )

    def is_number_match(self, to: str) -> bool:
        if not self.has_wildcard:
            return to == self.prefix
        return (
            to.startswith(self.prefix)
            and to.endswith(self.suffix)
            # otherwise prefix and suffix could share digits
            and len(to) >= len(self.prefix) + len(self.suffix)
        )


class RoutesByNumber(NamedTuple):
    """Routes by the number that they ask for, so that a project with a thousand numbers need not
    try a thousand routes for each call. Each stands beside its position; `others` ask for no
    number, or for many.
    """

    exact: Mapping[str, tuple[tuple[int, CompiledRoute], ...]]
    others: tuple[tuple[int, CompiledRoute], ...]

    @classmethod
    def from_routes(cls, routes: Iterable[CompiledRoute]) -> "RoutesByNumber":
        """The index of routes in the author's order."""
        exact: dict[str, tuple[tuple[int, CompiledRoute], ...]] = {}
        others = []
        for found in enumerate(routes):
            route = found[1]
            if route.has_number and not route.has_wildcard:
                exact[route.prefix] = (*exact.get(route.prefix, ()), found)
            else:
                others.append(found)
        return cls(exact, tuple(others))

    def find_route(self, dialled: DialledAddress) -> CompiledRoute | None:
        """The first route, in the author's order, that takes this call."""
        best, best_place = None, 0
        for place, route in self.exact.get(dialled.to, ()):
            if route.is_match(dialled):
                best, best_place = route, place
                break
        for place, route in self.others:
            # the author's order decides between a number and a pattern
            if best is not None and place > best_place:
                break
            if route.is_match(dialled):
                return route
        return best


def compile_route(route: Route) -> CompiledRoute:
    """The authored route, prepared for matching.

    >>> compile_route(Route(flow="line", to="+1404*")).is_number_match("14045550100")
    True
    """
    head, star, tail = (route.to or "").lower().removeprefix("sip:").lstrip("+").partition("*")
    return CompiledRoute(
        route.flow,
        route.type or "",
        route.origin or "",
        route.application or "",
        bool(route.to),
        head,
        bool(star),
        tail,
    )
