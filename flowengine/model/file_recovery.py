"""What can still be looked at of a file with mistakes, and which names it would have defined."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

from msgspec.structs import replace

from flowengine.problems import Problem, Span
from flowengine.source import Document, KeyPath, prune_document
from flowengine.states import STAND_IN_STATE

_PROJECT_NAME: Final = {"project": "unnamed"}  # of a project whose name is missing or wrong
_ENTRY_DEPTHS: Final = {"project": 2, "table": 2, "messages": 1}
_FLOW_LINE: Final = re.compile(r"^flow\s*:\s*[\"']?([\w-]+)", re.MULTILINE)
ALL_NAMES: Final = frozenset({("", "")})


def recover_shared_file(
    document: Document, kind: str, wrong: Collection[KeyPath], is_typed: Callable[[Any], bool]
) -> Document | None:
    """The file without the entries that are wrong; None where too little is left of it.

    An entry of a part goes as a whole: a route without its condition, or a message without one of
    its locales, would only cause more problems.
    """
    depth = _ENTRY_DEPTHS.get(kind, 0)
    for most in range(depth, 0, -1):
        dropped = {path[: min(most, depth)] for path in wrong}
        if () in dropped:
            return _name_project(document, kind, is_typed) if dropped == {()} else None
        pruned = _name_project(prune_document(document, dropped), kind, is_typed)
        if pruned is not None:
            return pruned
    return None


def _name_project(
    document: Document, kind: str, is_typed: Callable[[Any], bool]
) -> Document | None:
    data = document.data
    if kind == "project" and isinstance(data, dict) and "project" not in data:
        data = {**data, **_PROJECT_NAME}
    return replace(document, data=data) if is_typed(data) else None


def list_unread_names(
    name: str, kind: str, wrong: Collection[tuple[KeyPath, str]], recovered: Document | None
) -> Iterator[tuple[str, str]]:
    """The names that a file with mistakes would have defined, each with its part of the project.
    `wrong` has a key beside each path: what is meant by one that is mistyped.
    """
    stem = name.rpartition("/")[2].rsplit(".", 1)[0]
    if kind == "project":
        for path, meant in wrong if recovered else ():
            yield from _list_names_of_path(path, meant)
        if recovered is None:
            yield from ALL_NAMES
    elif kind == "messages":
        yield from (("messages", str(path[0])) for path, _ in wrong if path)
        if recovered is None:
            yield "messages", ""
    elif recovered is None:
        yield f"{kind}s", stem


def _list_names_of_path(path: KeyPath, meant: str) -> Iterator[tuple[str, str]]:
    if not path:
        return
    part, entry = str(path[0]), str(path[1]) if len(path) > 1 else ""
    yield part, entry if not isinstance(path[-1], int) else ""
    if meant and len(path) == 1:
        yield meant, ""
    elif meant and len(path) == 2:  # a key of a part
        yield part, meant


def list_unread_flows(name: str, document: Document | None, text: str) -> Iterator[str]:
    """The names that the flow of a file may have which could not be read."""
    yield name.rsplit(".", 1)[0]
    named = document.data.get("flow") if document and isinstance(document.data, dict) else None
    if isinstance(named, str):
        yield named
    elif found := _FLOW_LINE.search(text):
        yield found[1]


def replace_broken_states(document: Document, problems: list[Problem]) -> Document | None:
    """The flow with a stand-in for each state that is not well formed, so that names, types and
    ways of all others are still looked at.

    None where something else than a state is not well formed: too much would be guessed.
    """
    states = document.data.get("states") if isinstance(document.data, dict) else None
    errors = [problem.span for problem in problems if problem.severity == "error"]
    if not isinstance(states, dict):
        return None
    names_by_error = [
        {name for name in states if is_inside_state(document, name, span)} for span in errors
    ]
    if not all(names_by_error):
        return None
    broken = set[str]().union(*names_by_error)
    sound = {name: STAND_IN_STATE if name in broken else state for name, state in states.items()}
    return replace(document, data={**document.data, "states": sound})


def is_inside_state(document: Document, state: str, span: Span) -> bool:
    """Whether a place lies in what a state says; a mistake in its name lies outside."""
    value = document.find_span(("states", state))
    return (
        (value.line, value.column) <= (span.line, span.column) <= (value.end_line, value.end_column)
    )
