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

from flowengine.limits import MAX_CALL_ID
from flowengine.sinch.callback_events import (
    Ace,
    AmdResult,
    CallbackEvent,
    CallbackFields,
    CallTarget,
    Dice,
    Ice,
    MenuResult,
    Money,
    Notify,
    Pie,
)

__all__ = [
    "Ace",
    "AmdResult",
    "BadCallbackError",
    "CallTarget",
    "CallbackEvent",
    "Dice",
    "Ice",
    "MenuResult",
    "Money",
    "Notify",
    "Pie",
    "decode",
]


class BadCallbackError(Exception):
    """A body that is no callback"""


_decode_typed = msgspec.json.Decoder(CallbackEvent).decode
_decode_untyped = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode
_EVENT_TYPES: Mapping[str, type[CallbackFields]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(CallbackEvent)
}
_PAIR_FIELDS = frozenset({"cookies", "callheaders"})


def decode(body: bytes) -> CallbackEvent:
    try:
        # the usual spelling takes microseconds; all others (platform notes, 1.4 and 2.2) take the
        # lenient way
        return _decode_typed(body)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        return _decode_lenient(body)


def _decode_lenient(body: bytes) -> CallbackEvent:
    try:
        data = _read_json(body)
        if not isinstance(data, dict):
            raise BadCallbackError("the body is not a JSON object")
        return _build_event(_fold_keys(data))
    except RecursionError as error:
        raise BadCallbackError("the body is nested too deep") from error
    except ValueError as error:
        raise BadCallbackError("the body is not JSON in UTF-8") from error


def _read_json(body: bytes) -> Any:
    """Decode JSON, also with numbers that JSON lacks (NaN). Lone surrogates, as of a display name
    that was cut, are replaced.
    """
    try:
        # msgspec first, as json.loads takes any depth and many times as long
        return _decode_untyped(body)
    except ValueError:
        data = json.loads(body, parse_constant=lambda _: None, parse_float=_parse_finite)
        text = json.dumps(data, ensure_ascii=False)
        return _decode_untyped(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _parse_finite(text: str) -> float | None:
    number = float(text)
    return number if isfinite(number) else None


def _build_event(data: dict[str, Any]) -> CallbackEvent:
    """Messages of errors quote nothing of the body: they are logged."""
    kind = _EVENT_TYPES.get(_read_text(data.get("event")).lower())
    if kind is None:
        raise BadCallbackError(f"the event is none of {', '.join(_EVENT_TYPES)}")
    if not _read_text(data.get("callid")):
        raise BadCallbackError("the callback names no call (callid)")
    if "\N{REPLACEMENT CHARACTER}" in _read_text(data["callid"]):
        raise BadCallbackError(
            "the id of the call has halves of characters"
        )  # two might become one
    if len(_read_text(data["callid"])) > MAX_CALL_ID:
        raise BadCallbackError(f"the id of the call has more than {MAX_CALL_ID} characters")
    event: CallbackEvent = _build_struct(kind, data)
    return event


def _fold_keys(data: Mapping[str, Any]) -> dict[str, Any]:
    """Keys in lower case, as the platform does not care about case; the first of two spellings wins
    unless its value is empty
    """
    folded: dict[str, Any] = {}
    for name, value in data.items():
        if folded.get(name.lower()) in (None, ""):
            folded[name.lower()] = value
    return folded


@cache
def _list_field_readers(kind: Any) -> tuple[tuple[str, str, Callable[[Any], Any]], ...]:
    """Name, folded wire name and reader of each field"""
    fields = (
        (field.name, field.encode_name.lower(), field.type)
        for field in msgspec.structs.fields(kind)
    )
    return tuple(
        (name, wire, _read_pairs if wire in _PAIR_FIELDS else _choose_reader(wanted))
        for name, wire, wanted in fields
    )


def _choose_reader(wanted: Any) -> Callable[[Any], Any]:
    kind = next(iter(get_args(wanted)), wanted)  # of `Money | None`, Money
    if kind is str:
        return _read_text
    return partial(_read_struct if issubclass(kind, msgspec.Struct) else _read_number, kind)


def _build_struct(kind: Any, data: Mapping[str, Any]) -> Any:
    """A struct from what fits of `data`; what does not keeps its default"""
    read = (
        (name, reader(data[wire]))
        for name, wire, reader in _list_field_readers(kind)
        if data.get(wire) is not None
    )
    return kind(**{name: value for name, value in read if value is not None})


def _read_struct(kind: type[msgspec.Struct], value: Any) -> Any:
    return _build_struct(kind, _fold_keys(value)) if isinstance(value, dict) else None


def _read_number(kind: type[int | float], value: Any) -> int | float | None:
    try:
        # by way of float, as a duration may come as "12" or 12.0
        return kind(msgspec.convert(value, float, strict=False))
    except (ValueError, OverflowError):
        return None


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else _to_json(value).decode()


def _read_pairs(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {name: _read_text(item) for name, item in value.items()}
    items = (
        [_fold_keys(item) for item in value if isinstance(item, dict)]
        if isinstance(value, list)
        else []
    )
    return {
        _read_text(item["key"]): _read_text(item.get("value")) for item in items if "key" in item
    }
