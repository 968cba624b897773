"""Routes that no call takes, as one above them takes all of their calls."""

from collections.abc import Iterator

from flowengine.compile.routing import CompiledRoute, compile_route
from flowengine.model import AuthoredProject
from flowengine.problems import Problem


def check(authored: AuthoredProject) -> Iterator[Problem]:
    document = authored.project_document
    exact: dict[str, list[tuple[int, CompiledRoute]]] = {}
    others: list[tuple[int, CompiledRoute]] = []
    for index, route in enumerate(map(compile_route, authored.project.routes)):
        one_number = route.has_number and not route.has_wildcard
        # numbers are looked up by number: thousands of routes are too many to compare by pairs
        above = [*others, *(exact.get(route.prefix, ()) if one_number else ())]
        first = next((place for place, other in above if is_covering(other, route)), None)
        if first is not None and document:
            message = f"no call takes this route: route {first + 1} takes all of its calls"
            hint = "move it above that one, or remove it"
            yield Problem("FE936", document.find_span(("routes", index)), message, hint)
        else:
            # a covered route is left out, as what covers it covers all that it would
            (exact.setdefault(route.prefix, []) if one_number else others).append((index, route))


def is_covering(above: CompiledRoute, below: CompiledRoute) -> bool:
    """Whether every call that the lower route takes is taken by the upper one."""
    asked = (above.kind, above.origin, above.application)
    given = (below.kind, below.origin, below.application)
    return is_covering_number(above, below) and all(
        not wanted or wanted == own for wanted, own in zip(asked, given, strict=True)
    )


def is_covering_number(above: CompiledRoute, below: CompiledRoute) -> bool:
    if not above.has_number:
        return True
    if not below.has_number:
        return False
    if not above.has_wildcard:
        return not below.has_wildcard and above.prefix == below.prefix
    if not below.has_wildcard:
        return above.is_number_match(below.prefix)
    return below.prefix.startswith(above.prefix) and below.suffix.endswith(above.suffix)
