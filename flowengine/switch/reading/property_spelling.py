"""Reads the properties of SVAML as leniently as the platform: any case, numbers in quotes, older
names.
"""

import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from flowengine.problems import in_cure, join_with_or, quote_value, suggest_name
from flowengine.svaml import (
    AmdOptions,
    CallHeader,
    ConferenceDtmfOptions,
    Destination,
    Menu,
    MenuOption,
    RecordingOptions,
)
from flowengine.svaml import StreamingOptions as Streaming
from flowengine.svaml import TranscriptionOptions as Transcription
from flowengine.switch.reading.finding_notes import Notes, UnreadableAnswerError
from flowengine.switch.reading.legacy_spelling import (
    ALIASES,
    CASE_INSENSITIVE,
    DEFAULT_VALUES,
    RESPELLINGS,
    REWRITES,
)

_STRUCT_TITLES: Mapping[type, str] = {
    AmdOptions: "amd",
    CallHeader: "a call header",
    ConferenceDtmfOptions: "conferenceDtmfOptions",
    Destination: "a destination",
    Menu: "a menu",
    MenuOption: "an option",
    RecordingOptions: "a recording",
    Streaming: "streamingOptions",
    Transcription: "transcriptionOptions",
}
_BOOL_WORDS = {"true": True, "false": False}


class _Property(NamedTuple):
    wire: str
    hint: Any
    required: bool


@cache
def _list_properties(kind: type[msgspec.Struct]) -> Mapping[str, _Property]:
    """By name in lower case, those of old included"""
    named = {
        field.encode_name: _Property(field.encode_name, field.type, field.required)
        for field in msgspec.structs.fields(kind)
    }
    return {
        # older spellings first, so that a usual one wins where both are the same
        **{old: named[wire] for old, wire in ALIASES.get(kind, {}).items()},
        **{wire.lower(): known for wire, known in named.items()},
    }


def get_title(kind: type[msgspec.Struct]) -> str:
    return _STRUCT_TITLES.get(kind) or str(kind.__struct_config__.tag)


def read_properties(
    kind: type[msgspec.Struct], value: Any, where: str, notes: Notes
) -> dict[str, Any]:
    """The properties of one struct in their usual spelling and type; Unreadable when there is no
    way to tell what is meant.
    """
    if not isinstance(value, dict):
        notes.refuse(
            where,
            f"{_format_value(value)} stands where {get_title(kind)} belongs",
            "write an object: { … }",
        )
        raise UnreadableAnswerError
    value = REWRITES[kind](value, where, notes) if kind in REWRITES else value
    told: dict[str, Any] = {}
    broken = False
    for name, item in value.items():
        known = _list_properties(kind).get(name.lower())
        if known is None:
            _report_unknown_property(kind, name, f"{where}.{name}", notes)
        elif _is_counted(name, known.wire, item, told, f"{where}.{name}", notes):
            try:
                told[known.wire] = _read_property(kind, known, item, f"{where}.{name}", notes)
            except UnreadableAnswerError:
                broken = True
    if _fill_required(kind, told, where, notes, broken=broken):
        return told
    raise UnreadableAnswerError


def _report_unknown_property(
    kind: type[msgspec.Struct], name: str, where: str, notes: Notes
) -> None:
    cure = (
        suggest_name(name, [known.wire for known in _list_properties(kind).values()])
        or "leave it out"
    )
    notes.tolerate(
        where, f"{quote_value(name)} is no property of {get_title(kind)}, and is ignored", cure
    )


def _is_counted(
    name: str, wire: str, item: Any, properties: Mapping[str, Any], where: str, notes: Notes
) -> bool:
    """Whether a property is to be read: not when it is null, nor after the same one in its usual
    spelling
    """
    if item is None:
        notes.tolerate(where, "null counts as absent", "leave it out")
    elif wire in properties:
        notes.tolerate(where, f"{wire} is given twice", "leave one of them out")
        return name == wire
    elif name != wire:
        notes.tolerate(
            where,
            f"{quote_value(name)} is the platform's {wire} in another spelling",
            f'write "{wire}"',
        )
    return item is not None


def _fill_required(
    kind: type[msgspec.Struct],
    properties: dict[str, Any],
    where: str,
    notes: Notes,
    *,
    broken: bool,
) -> bool:
    """Whether all that is required is there, or has something to stand for it"""
    if broken:
        return False
    for known in _list_properties(kind).values():
        if known.required and known.wire not in properties:
            if (kind, known.wire) not in DEFAULT_VALUES:
                notes.refuse(where, f"{get_title(kind)} needs {known.wire}", f'add "{known.wire}"')
                return False
            notes.tolerate(where, f"{get_title(kind)} without {known.wire}", f'add "{known.wire}"')
            properties[known.wire] = _read_value(
                known.hint, DEFAULT_VALUES[kind, known.wire], f"{where}.{known.wire}", notes
            )
    return True


def _read_property(
    kind: type[msgspec.Struct], known: _Property, item: Any, where: str, notes: Notes
) -> Any:
    read = _read_value(known.hint, item, where, notes)
    place = (kind, known.wire)
    if place in CASE_INSENSITIVE:
        return CASE_INSENSITIVE[place](read)
    if place not in RESPELLINGS or (spelled := RESPELLINGS[place](read)) == read:
        return read
    cure = f'write "{in_cure(spelled)}"' if spelled else "leave it out: it is meant anyway"
    notes.tolerate(where, f"{quote_value(read)} is an unusual spelling", cure)
    return spelled


def _read_value(hint: Any, item: Any, where: str, notes: Notes) -> Any:
    if get_origin(hint) in {Union, types.UnionType}:
        # null was sorted out before
        hint = next(one for one in get_args(hint) if one is not type(None))
    if get_origin(hint) is Literal:
        return _read_choice(get_args(hint), item, where, notes)
    if get_origin(hint) is tuple:
        return _read_list(get_args(hint)[0], item, where, notes)
    if issubclass(hint, msgspec.Struct):
        return read_properties(hint, item, where, notes)
    return {str: _read_text, int: _read_number, bool: _read_bool}[hint](item, where, notes)


def _read_choice(words: tuple[str, ...], item: Any, where: str, notes: Notes) -> str:
    meant = next(
        (word for word in words if isinstance(item, str) and word.lower() == item.lower()), None
    )
    if meant is None:
        notes.refuse(
            where,
            f"{_format_value(item)} is not known here",
            f"take {join_with_or(map(quote_value, words))}",
        )
        raise UnreadableAnswerError
    if meant != item:
        notes.tolerate(
            where, f"{quote_value(item)} is an unusual spelling", f"write {quote_value(meant)}"
        )
    return meant


def _read_list(hint: Any, item: Any, where: str, notes: Notes) -> list[Any]:
    if not isinstance(item, list):
        notes.refuse(
            where, f"{_format_value(item)} stands where a list belongs", "write a list: [ … ]"
        )
        raise UnreadableAnswerError
    read, broken = [], False
    for place, one in enumerate(item):
        try:
            read.append(_read_value(hint, one, f"{where}[{place}]", notes))
        except UnreadableAnswerError:
            broken = True
    if broken:
        raise UnreadableAnswerError
    return read


def _read_text(item: Any, where: str, notes: Notes) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, bool | list | dict) or item is None:
        notes.refuse(
            where,
            f"{_format_value(item)} stands where a text belongs",
            'write a text, in quotes: "…"',
        )
        raise UnreadableAnswerError
    notes.tolerate(where, f"the number {item} stands for a text", f'write "{item}", in quotes')
    return str(item)


def _read_number(item: Any, where: str, notes: Notes) -> int:
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
            f"{_format_value(item)} stands where a whole number belongs",
            "write a whole number, without quotes",
        )
        raise UnreadableAnswerError
    notes.tolerate(where, f"{_format_value(item)} stands for a whole number", f"write {whole}")
    return whole


def _read_bool(item: Any, where: str, notes: Notes) -> bool:
    if isinstance(item, bool):
        return item
    meant = _BOOL_WORDS.get(item.lower()) if isinstance(item, str) else None
    if meant is None:
        notes.refuse(
            where,
            f"{_format_value(item)} stands where true or false belongs",
            "write true or false, without quotes",
        )
        raise UnreadableAnswerError
    notes.tolerate(
        where,
        f"{_format_value(item)} stands for {str(meant).lower()}",
        f"write {str(meant).lower()}, without quotes",
    )
    return meant


def _format_value(value: Any) -> str:
    """A value in a message"""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return quote_value(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
