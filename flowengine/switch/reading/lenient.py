"""Answers in any spelling that the platform takes."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from flowengine.problems import one_of, quoted, suggest
from flowengine.svaml import (
    Action,
    AnyAction,
    AnyInstruction,
    ConnectConf,
    Instruction,
    RecordingOptions,
    StartRecording,
)
from flowengine.switch.reading.instructions import check_recording
from flowengine.switch.reading.legacy import key_of
from flowengine.switch.reading.notes import Notes, Unreadable
from flowengine.switch.reading.spelling import usual


class Said:
    """What could be made of an answer; `conference` is the recording of a conference."""

    __slots__ = ("action", "conference", "instructions")

    def __init__(self) -> None:
        self.instructions: list[tuple[str, AnyInstruction]] = []
        self.action: AnyAction | None = None
        self.conference: RecordingOptions | None = None


Kinds = Mapping[str, type[msgspec.Struct]]
_INSTRUCTIONS: Kinds = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyInstruction)}
_ACTIONS: Kinds = {str(kind.__struct_config__.tag): kind for kind in get_args(AnyAction)}
_EXAMPLE = '{"instructions": [ … ], "action": { … }}'


def lenient(body: bytes, notes: Notes) -> Said:
    """The answer, as far as it can be made out; what cannot is in the notes."""
    said = Said()
    data = _object(body, notes)
    for name, item in data.items():
        folded = name.lower()
        if folded not in {"instructions", "action"}:
            cure = suggest(name, ("instructions", "action")) or "leave it out"
            notes.tolerate(name, f"{quoted(name)} is no part of an answer, and is ignored", cure)
        elif item is None:
            notes.tolerate(name, "null counts as absent", "leave it out")
        else:
            _note_spelling(name, folded, name, notes)
            (_read_instructions if folded == "instructions" else _read_action)(
                item, name, said, notes
            )
    return said


def _object(body: bytes, notes: Notes) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        notes.refuse("", f"the answer is not JSON: {error}", f"answer with {_EXAMPLE}")
        return {}
    if isinstance(data, dict):
        return data
    notes.refuse("", "the answer is not a JSON object", f"answer with {_EXAMPLE}")
    return {}


def _note_spelling(name: str, wire: str, where: str, notes: Notes) -> None:
    if name != wire:
        notes.tolerate(
            where, f"{quoted(name)} is the platform's {wire} in another spelling", f'write "{wire}"'
        )


def _read_instructions(items: Any, where: str, said: Said, notes: Notes) -> None:
    if not isinstance(items, list):
        notes.refuse(where, "the instructions are not a list", "write a list, also of one: [{ … }]")
        return
    for place, item in enumerate(items):
        path = f"{where}[{place}]"
        try:
            kind, rest = _named(item, _INSTRUCTIONS, path, notes)
            said.instructions.append((path, msgspec.convert(usual(kind, rest, path, notes), kind)))  # type: ignore[arg-type]
        except Unreadable:
            continue


def _read_action(item: Any, where: str, said: Said, notes: Notes) -> None:
    try:
        kind, rest = _named(item, _ACTIONS, where, notes)
        recording = _recording(kind, rest, where, notes)
        said.action = msgspec.convert(usual(kind, rest, where, notes), kind)  # type: ignore[assignment]
    except Unreadable:
        return
    if recording is not None and kind is ConnectConf:
        said.conference = recording
    elif recording is not None:
        said.instructions.append((where, StartRecording(recording)))


def _named(
    item: Any, kinds: Kinds, where: str, notes: Notes
) -> tuple[type[msgspec.Struct], dict[str, Any]]:
    """The kind of an instruction or action, and its other properties"""
    key = key_of(item, "name") if isinstance(item, dict) else None
    if key is None or not isinstance(item[key], str):
        what = "an action" if kinds is _ACTIONS else "an instruction"
        notes.refuse(
            where,
            f"{what} is an object with a name",
            f'write {{"name": "{_meant(item, kinds)}", … }}',
        )
        raise Unreadable
    name = item[key]
    tag = next((tag for tag in kinds if tag.lower() == name.lower()), None)
    if tag is None:
        notes.refuse(f"{where}.{key}", *_unknown(name, kinds))
        raise Unreadable
    _note_spelling(key, "name", f"{where}.{key}", notes)
    _note_spelling(name, tag, f"{where}.{key}", notes)
    return kinds[tag], {other: value for other, value in item.items() if other != key}


def _meant(item: Any, kinds: Kinds) -> str:
    return next(
        (tag for tag in kinds if isinstance(item, str) and tag.lower() == item.lower()), "…"
    )


def _unknown(name: str, kinds: Kinds) -> tuple[str, str]:
    """Message and cure for a name that is none"""
    others, wanted, other = (
        (_INSTRUCTIONS, "action", "an instruction")
        if kinds is _ACTIONS
        else (_ACTIONS, "instruction", "an action")
    )
    if any(tag.lower() == name.lower() for tag in others):
        home = '"instructions"' if kinds is _ACTIONS else '"action"'
        return f"{quoted(name)} is {other}, no {wanted}", f"put it into {home}"
    return f"there is no {wanted} {quoted(name)}", suggest(name, kinds) or f"take {one_of(kinds)}"


def _recording(
    kind: type[msgspec.Struct], item: dict[str, Any], where: str, notes: Notes
) -> RecordingOptions | None:
    """`record` and `recordingOptions`, which older descriptions allow with any action; they are
    taken out of it
    """
    record, options = key_of(item, "record"), key_of(item, "recordingOptions")
    given = item.pop(options) if options else {}
    if record is None:
        if options:
            notes.tolerate(
                f"{where}.{options}", "nothing is recorded without record", 'add "record": true'
            )
        return None
    if str(item.pop(record)).lower() != "true":
        return None
    _note_record(kind, f"{where}.{record}", notes)
    recording = msgspec.convert(
        usual(RecordingOptions, given, f"{where}.{options or 'recordingOptions'}", notes),
        RecordingOptions,
    )
    if kind is ConnectConf:
        check_recording(recording, f"{where}.{options or 'recordingOptions'}", notes)
    return recording


def _note_record(
    kind: type[Action] | type[Instruction] | type[msgspec.Struct], where: str, notes: Notes
) -> None:
    if kind is ConnectConf:
        notes.tolerate(
            where,
            "only descriptions of 2020 and 2021 have the recording of conferences",
            "record each leg: startRecording",
        )
    else:
        notes.tolerate(
            where,
            "only descriptions of 2020 and 2021 have record in actions",
            "use the instruction startRecording",
        )
