"""Routes ready to match: which flow answers which call."""

from typing import NamedTuple

from flowengine.model import Route


class Address(NamedTuple):
    """What was dialled, without + or sip: as the platform spells one number in three ways; and where the call comes from."""

    to: str
    kind: str
    origin: str
    application: str


class Routing(NamedTuple):
    """A route. Empty fields ask for nothing; with `open` the address may have anything between `head` and `tail`."""

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
        return to.startswith(self.head) and to.endswith(self.tail) and len(to) >= len(self.head) + len(self.tail)


def routing(route: Route) -> Routing:
    """The route as an author wrote it, made ready.

    >>> routing(Route(flow="line", to="+1404*")).fits("14045550100")
    True
    """
    head, star, tail = (route.to or "").lower().removeprefix("sip:").lstrip("+").partition("*")
    return Routing(route.flow, route.type or "", route.origin or "", route.application or "", bool(route.to), head, bool(star), tail)
