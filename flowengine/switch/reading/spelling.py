"""From JSON as it came to the properties of SVAML, by the platform's leniency: any case, numbers in
quotes, names of old.
"""

import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from flowengine.problems import in_cure, one_of, quoted, suggest
from flowengine.svaml import (
    Amd,
    CallHeader,
    ConferenceDtmfOptions,
    Destination,
    Menu,
    Option,
    RecordingOptions,
)
from flowengine.svaml import StreamingOptions as Streaming
from flowengine.svaml import TranscriptionOptions as Transcription
from flowengine.switch.reading.legacy import ABSENT, ALIASES, FREELY_SPELLED, RESPELLED, REWRITTEN
from flowengine.switch.reading.notes import Notes, Unreadable

_TITLES: Mapping[type, str] = {
    Amd: "amd",
    CallHeader: "a call header",
    ConferenceDtmfOptions: "conferenceDtmfOptions",
    Destination: "a destination",
    Menu: "a menu",
    Option: "an option",
    RecordingOptions: "a recording",
    Streaming: "streamingOptions",
    Transcription: "transcriptionOptions",
}
_SWITCHES = {"true": True, "false": False}


class _Property(NamedTuple):
    wire: str
    hint: Any
    required: bool


@cache
def _properties(kind: type[msgspec.Struct]) -> Mapping[str, _Property]:
    """By name in lower case, those of old included"""
    named = {
        field.encode_name: _Property(field.encode_name, field.type, field.required)
        for field in msgspec.structs.fields(kind)
    }
    return {
        **{old: named[wire] for old, wire in ALIASES.get(kind, {}).items()},
        **{wire.lower(): known for wire, known in named.items()},
    }


def title(kind: type[msgspec.Struct]) -> str:
    return _TITLES.get(kind) or str(kind.__struct_config__.tag)


def usual(kind: type[msgspec.Struct], value: Any, where: str, notes: Notes) -> dict[str, Any]:
    """The properties of one struct in their usual spelling and type; Unreadable when there is no
    way to tell what is meant.
    """
    if not isinstance(value, dict):
        notes.refuse(
            where, f"{_said(value)} stands where {title(kind)} belongs", "write an object: { … }"
        )
        raise Unreadable
    value = REWRITTEN[kind](value, where, notes) if kind in REWRITTEN else value
    told: dict[str, Any] = {}
    broken = False
    for name, item in value.items():
        known = _properties(kind).get(name.lower())
        if known is None:
            _ignored(kind, name, f"{where}.{name}", notes)
        elif _counts(name, known.wire, item, told, f"{where}.{name}", notes):
            try:
                told[known.wire] = _property(kind, known, item, f"{where}.{name}", notes)
            except Unreadable:
                broken = True
    if _complete(kind, told, where, notes, broken=broken):
        return told
    raise Unreadable


def _ignored(kind: type[msgspec.Struct], name: str, where: str, notes: Notes) -> None:
    cure = suggest(name, [known.wire for known in _properties(kind).values()]) or "leave it out"
    notes.tolerate(where, f"{quoted(name)} is no property of {title(kind)}, and is ignored", cure)


def _counts(
    name: str, wire: str, item: Any, told: Mapping[str, Any], where: str, notes: Notes
) -> bool:
    """Whether a property is to be read: not when it is null, nor after the same one in its usual
    spelling
    """
    if item is None:
        notes.tolerate(where, "null counts as absent", "leave it out")
    elif wire in told:
        notes.tolerate(where, f"{wire} is given twice", "leave one of them out")
        return name == wire
    elif name != wire:
        notes.tolerate(
            where, f"{quoted(name)} is the platform's {wire} in another spelling", f'write "{wire}"'
        )
    return item is not None


def _complete(
    kind: type[msgspec.Struct], told: dict[str, Any], where: str, notes: Notes, *, broken: bool
) -> bool:
    """Whether all that is required is there, or has something to stand for it"""
    if broken:
        return False
    for known in _properties(kind).values():
        if known.required and known.wire not in told:
            if (kind, known.wire) not in ABSENT:
                notes.refuse(where, f"{title(kind)} needs {known.wire}", f'add "{known.wire}"')
                return False
            notes.tolerate(where, f"{title(kind)} without {known.wire}", f'add "{known.wire}"')
            told[known.wire] = _value(
                known.hint, ABSENT[kind, known.wire], f"{where}.{known.wire}", notes
            )
    return True


def _property(
    kind: type[msgspec.Struct], known: _Property, item: Any, where: str, notes: Notes
) -> Any:
    read = _value(known.hint, item, where, notes)
    place = (kind, known.wire)
    if place in FREELY_SPELLED:
        return FREELY_SPELLED[place](read)
    if place not in RESPELLED or (spelled := RESPELLED[place](read)) == read:
        return read
    cure = f'write "{in_cure(spelled)}"' if spelled else "leave it out: it is meant anyway"
    notes.tolerate(where, f"{quoted(read)} is an unusual spelling", cure)
    return spelled


def _value(hint: Any, item: Any, where: str, notes: Notes) -> Any:
    if get_origin(hint) in {Union, types.UnionType}:
        hint = next(one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Literal:
        return _one_of(get_args(hint), item, where, notes)
    if get_origin(hint) is tuple:
        return _list(get_args(hint)[0], item, where, notes)
    if issubclass(hint, msgspec.Struct):
        return usual(hint, item, where, notes)
    return {str: _text, int: _number, bool: _switch}[hint](item, where, notes)


def _one_of(words: tuple[str, ...], item: Any, where: str, notes: Notes) -> str:
    meant = next(
        (word for word in words if isinstance(item, str) and word.lower() == item.lower()), None
    )
    if meant is None:
        notes.refuse(
            where, f"{_said(item)} is not known here", f"take {one_of(map(quoted, words))}"
        )
        raise Unreadable
    if meant != item:
        notes.tolerate(where, f"{quoted(item)} is an unusual spelling", f"write {quoted(meant)}")
    return meant


def _list(hint: Any, item: Any, where: str, notes: Notes) -> list[Any]:
    if not isinstance(item, list):
        notes.refuse(where, f"{_said(item)} stands where a list belongs", "write a list: [ … ]")
        raise Unreadable
    read, broken = [], False
    for place, one in enumerate(item):
        try:
            read.append(_value(hint, one, f"{where}[{place}]", notes))
        except Unreadable:
            broken = True
    if broken:
        raise Unreadable
    return read


def _text(item: Any, where: str, notes: Notes) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, bool | list | dict) or item is None:
        notes.refuse(
            where, f"{_said(item)} stands where a text belongs", 'write a text, in quotes: "…"'
        )
        raise Unreadable
    notes.tolerate(where, f"the number {item} stands for a text", f'write "{item}", in quotes')
    return str(item)


def _number(item: Any, where: str, notes: Notes) -> int:
    if isinstance(item, int) and not isinstance(item, bool):
        return item
    try:
        number = float(item) if isinstance(item, str | float) else float("nan")
        whole = int(number)
    except (ValueError, OverflowError):
        whole, number = 0, 1.0
    if whole != number:
        notes.refuse(
            where,
            f"{_said(item)} stands where a whole number belongs",
            "write a whole number, without quotes",
        )
        raise Unreadable
    notes.tolerate(where, f"{_said(item)} stands for a whole number", f"write {whole}")
    return whole


def _switch(item: Any, where: str, notes: Notes) -> bool:
    if isinstance(item, bool):
        return item
    meant = _SWITCHES.get(item.lower()) if isinstance(item, str) else None
    if meant is None:
        notes.refuse(
            where,
            f"{_said(item)} stands where true or false belongs",
            "write true or false, without quotes",
        )
        raise Unreadable
    notes.tolerate(
        where,
        f"{_said(item)} stands for {str(meant).lower()}",
        f"write {str(meant).lower()}, without quotes",
    )
    return meant


def _said(value: Any) -> str:
    """A value in a message"""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return quoted(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
