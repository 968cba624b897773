"""Bodies of answers from which the `into` of a lookup takes the values that somebody wants to try.

An expression is not solved, only read for the places in the body that it looks at. So a body is a
guess; whatever the expressions are, it is JSON.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

PathKey = str | int
_PATH_STEP: Final = re.compile(
    r"""\s*(?:\.\s*\??(?P<name>[A-Za-z_]\w*)(?P<call>\s*\()?"""
    r"""|\[\s*\??(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<index>[0-9]{1,2})"""
    # the place of an item that is worked out in the call: the first one is as good as any
    r"""|(?P<computed>[A-Za-z_][\w.]*(?:\s*[-+]\s*[0-9]+)?))\s*\])"""
)
_LIST_FUNCTION: Final = re.compile(r"\b(list_words|slice)\(\s*$")
_SLICE_END: Final = re.compile(r"\s*,[^()]*\)")
_FILLER: Final = "one"
_LIST_TESTS: Final = {"filter", "exists", "exists_one", "all"}
_LAMBDA: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*,")
_COMPARISON: Final = re.compile(r"""\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)'|(-?[0-9]{1,15})\b)""")
_MAX_ITEMS: Final = 20
"""Longer lists make no difference to a flow that no shorter one makes"""


class BodyPath(NamedTuple):
    """What an expression looks at, from the outermost name on, and what it does there."""

    steps: tuple[PathKey, ...]
    sized: bool = False
    """Its size is taken: a list"""
    tested: bool = False
    """It decides which items of a list count"""
    equal: tuple[str, Any] | None = None
    """What it is compared with, and how"""


def to_body(texts: Iterable[str], values: Iterable[Any]) -> Any:
    """A body from which these expressions may take these values."""
    found: Any = {}
    places = [
        (place, value)
        for text, value in zip(texts, values, strict=True)
        for place in find_body_paths(str(text), "body")
    ]
    for place, value in sorted(places, key=lambda one: len(one[0].steps)):
        found = put_value(found, place.steps, choose_value(place, value))
    return repeat_first_items(found)


def repeat_first_items(found: Any) -> Any:
    """The body with lists whose items are alike: of a list that is counted, only the first item is
    looked at.
    """
    if isinstance(found, dict):
        return {key: repeat_first_items(value) for key, value in found.items()}
    if isinstance(found, list) and found:
        first = repeat_first_items(found[0])
        return [first, *(first if one == _FILLER else repeat_first_items(one) for one in found[1:])]
    return found


def find_body_paths(text: str, name: str) -> Iterator[BodyPath]:
    """The places below a name that an expression looks at."""
    for start in re.finditer(rf"(?<![\w.\"']){name}\b", text):
        steps, end, called = read_path(text, start.end())
        function = _LIST_FUNCTION.search(text[: start.start()])
        if function and function[1] == "slice" and (cut := _SLICE_END.match(text, end)):
            inside, end, called = read_path(text, cut.end())
            steps += inside
        sized = called == "size" or re.search(r"\bsize\(\s*$", text[: start.start()]) is not None
        inner = _LAMBDA.match(text, end) if called in {"map", *_LIST_TESTS} else None
        if inner:
            for below in find_body_paths(text[inner.end() :], inner[1]):
                tested = below.tested or called in _LIST_TESTS
                yield below._replace(steps=(*steps, 0, *below.steps), tested=tested)
            continue
        if called == "join" or (function and not called and end < len(text) and text[end] == ")"):
            yield BodyPath((*steps, 0))
            continue
        compared = _COMPARISON.match(text, end) if not called else None
        equal = None
        if compared:
            number = compared[4]
            equal = (compared[1], int(number) if number else compared[2] or compared[3] or "")
        yield BodyPath(steps, sized=sized, equal=equal)


def read_path(text: str, at: int) -> tuple[tuple[PathKey, ...], int, str]:
    """The steps from here, where they end, and the method that is called there."""
    steps: list[PathKey] = []
    while found := _PATH_STEP.match(text, at):
        at = found.end()
        if found["call"]:
            return tuple(steps), at, found["name"]
        index = "0" if found["computed"] else found["index"]
        key = found["name"] or found["double"] or found["single"] or ""
        steps.append(int(index) if index else key)
    return tuple(steps), at, ""


def choose_value(place: BodyPath, value: Any) -> Any:
    """What stands at a place so that its expression may come to this value."""
    if place.tested:
        value = True
    if place.sized:
        number = int(value) if isinstance(value, int | float) else 1
        return [_FILLER] * min(max(number, 0), _MAX_ITEMS)
    if place.equal and isinstance(value, bool):
        sign, other = place.equal
        same = value is (sign == "==")
        return other if same else other + 1 if isinstance(other, int) else f"not {other}"
    return value


def put_value(found: Any, steps: tuple[PathKey, ...], value: Any) -> Any:
    """What is found with a value at these steps; what is there in more detail stays."""
    if not steps:
        return found if isinstance(found, dict | list) and found else value
    first, rest = steps[0], steps[1:]
    if isinstance(first, str):
        held = found if isinstance(found, dict) else {}
        return {**held, first: put_value(held.get(first), rest, value)}
    items = list(found) if isinstance(found, list) else []
    items += [None] * (first + 1 - len(items))
    items[first] = put_value(items[first], rest, value)
    return items
