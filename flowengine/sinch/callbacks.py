"""Bodies of callbacks -> events.

The usual spelling takes one typed pass. What is spelled otherwise (`callId`, a null, a number for a
text, an object as `custom`) takes a second, slow one that keeps whatever it understands: a call
must not fail over a field that nobody reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from math import isfinite
from typing import Any, get_args

import msgspec

from flowengine.sinch.events import (
    Ace,
    Amd,
    Common,
    Destination,
    Dice,
    Event,
    Ice,
    MenuResult,
    Money,
    Notify,
    Pie,
)

__all__ = [
    "Ace",
    "Amd",
    "BadCallback",
    "Destination",
    "Dice",
    "Event",
    "Ice",
    "MenuResult",
    "Money",
    "Notify",
    "Pie",
    "decode",
]


class BadCallback(Exception):  # noqa: N818 - named for what the request is
    """A body that is no callback"""


_typed = msgspec.json.Decoder(Event).decode
_untyped = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode
_KINDS: Mapping[str, type[Common]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(Event)
}
_PAIRS = frozenset({"cookies", "callheaders"})


def decode(body: bytes) -> Event:
    try:
        event: Event = _typed(body)
    except (ValueError, RecursionError):
        return _lenient(body)
    return event if event.call_id else _lenient(body)


def _lenient(body: bytes) -> Event:
    try:
        data = _read(body)
        if not isinstance(data, dict):
            raise BadCallback("the body is not a JSON object")
        return _event(_folded(data))
    except RecursionError as error:
        raise BadCallback("the body is nested too deep") from error
    except ValueError as error:
        raise BadCallback("the body is not JSON in UTF-8") from error


def _read(body: bytes) -> Any:
    """JSON, also with numbers that are none, and with halves of characters, as a display name may
    have them that was cut off: these are replaced.
    """
    try:
        return _untyped(body)
    except ValueError:
        data = json.loads(body, parse_constant=lambda _: None, parse_float=_finite)
        text = json.dumps(data, ensure_ascii=False)
        return _untyped(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _finite(text: str) -> float | None:
    number = float(text)
    return number if isfinite(number) else None


def _event(data: dict[str, Any]) -> Event:
    """Messages quote nothing: they are written to the log."""
    kind = _KINDS.get(_text(data.get("event")).lower())
    if kind is None:
        raise BadCallback(f"the event is none of {', '.join(_KINDS)}")
    if not _text(data.get("callid")):
        raise BadCallback("the callback names no call (callid)")
    if "\N{REPLACEMENT CHARACTER}" in _text(data["callid"]):
        raise BadCallback("the id of the call has halves of characters")  # two might become one
    event: Event = _struct(kind, data)
    return event


def _folded(data: Mapping[str, Any]) -> dict[str, Any]:
    """Names without case; the first of two spellings wins unless it holds nothing"""
    folded: dict[str, Any] = {}
    for name, value in data.items():
        if folded.get(name.lower()) in (None, ""):
            folded[name.lower()] = value
    return folded


@cache
def _fields(kind: Any) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    """Name, folded wire name and reader of each field"""
    fields = (
        (field.name, field.encode_name.lower(), field.type)
        for field in msgspec.structs.fields(kind)
    )
    return tuple(
        (name, wire, _pairs if wire in _PAIRS else _reader(wanted)) for name, wire, wanted in fields
    )


def _reader(wanted: Any) -> Callable[[Any], Any]:
    kind = next(iter(get_args(wanted)), wanted)  # of `Money | None`, Money
    if kind is str:
        return _text
    return partial(_part if issubclass(kind, msgspec.Struct) else _number, kind)


def _struct(kind: Any, data: Mapping[str, Any]) -> Any:
    """A struct from what fits of `data`; what does not keeps its default"""
    read = (
        (name, reader(data[wire]))
        for name, wire, reader in _fields(kind)
        if data.get(wire) is not None
    )
    return kind(**{name: value for name, value in read if value is not None})


def _part(kind: type[msgspec.Struct], value: Any) -> Any:
    return _struct(kind, _folded(value)) if isinstance(value, dict) else None


def _number(kind: type[int | float], value: Any) -> int | float | None:
    try:
        return kind(msgspec.convert(value, float, strict=False))
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else _to_json(value).decode()


def _pairs(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {name: _text(item) for name, item in value.items()}
    items = (
        [_folded(item) for item in value if isinstance(item, dict)]
        if isinstance(value, list)
        else []
    )
    return {_text(item["key"]): _text(item.get("value")) for item in items if "key" in item}
