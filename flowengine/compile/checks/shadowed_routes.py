"""Routes that no call takes, as one above them takes all of their calls."""

from collections.abc import Iterator

from flowengine.compile.routing import Routing, routing
from flowengine.model import Authored
from flowengine.problems import Problem


def check(authored: Authored) -> Iterator[Problem]:
    document = authored.project_document
    exact: dict[str, list[tuple[int, Routing]]] = {}
    others: list[tuple[int, Routing]] = []
    for index, route in enumerate(map(routing, authored.project.routes)):
        one_number = route.to and not route.open
        above = [*others, *(exact.get(route.head, ()) if one_number else ())]
        first = next((place for place, other in above if takes_all(other, route)), None)
        if first is not None and document:
            message = f"no call takes this route: route {first + 1} takes all of its calls"
            hint = "move it above that one, or remove it"
            yield Problem("FE936", document.span(("routes", index)), message, hint)
        else:
            (exact.setdefault(route.head, []) if one_number else others).append((index, route))


def takes_all(above: Routing, below: Routing) -> bool:
    """Whether every call that the lower route takes is taken by the upper one."""
    asked = (above.kind, above.origin, above.application)
    given = (below.kind, below.origin, below.application)
    return covers_number(above, below) and all(
        not wanted or wanted == own for wanted, own in zip(asked, given, strict=True)
    )


def covers_number(above: Routing, below: Routing) -> bool:
    if not above.to:
        return True
    if not below.to:
        return False
    if not above.open:
        return not below.open and above.head == below.head
    if not below.open:
        return above.fits(below.head)
    return below.head.startswith(above.head) and below.tail.endswith(above.tail)
