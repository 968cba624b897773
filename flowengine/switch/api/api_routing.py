"""Paths to handlers. A slash at the end means nothing."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar
from urllib.parse import unquote

import msgspec

Handler = TypeVar("Handler")


class ApiRoute(msgspec.Struct, Generic[Handler], frozen=True):
    """A method and a path, whose parts in braces are parameters."""

    method: str
    path: str
    handler: Handler

    def match_path(self, method: str, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The parameters of the path, or None where it does not match."""
        own = self.path.split("/")
        if method != self.method or len(own) != len(segments):
            return None
        pairs = list(zip(own, segments, strict=True))
        if any(part != given and not part.startswith("{") for part, given in pairs):
            return None
        return {part[1:-1]: given for part, given in pairs if part.startswith("{")}


def find_route(
    routes: Iterable[ApiRoute[Handler]], method: str, segments: tuple[str, ...]
) -> tuple[Handler, Mapping[str, str]] | None:
    """The handler and the parameters of the path."""
    for route in routes:
        named = route.match_path(method, segments)
        if named is not None:
            return route.handler, named
    return None


def split_path(raw_path: bytes) -> tuple[str, ...]:
    """The parts of a path, decoded one by one, as a conference's name may hold a slash."""
    path = raw_path.partition(b"?")[0].decode("latin-1").removesuffix("/")
    return tuple(unquote(part) for part in path.split("/")[1:])
