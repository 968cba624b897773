"""Reads answers in any spelling that the platform accepts."""

from collections.abc import Mapping
from typing import Any, get_args

import msgspec

from flowengine.problems import join_with_or, quote_value, suggest_name
from flowengine.svaml import (
    Action,
    AnyAction,
    AnyInstruction,
    ConnectConf,
    Instruction,
    RecordingOptions,
    StartRecording,
)
from flowengine.switch.reading.finding_notes import Notes, UnreadableAnswerError
from flowengine.switch.reading.instruction_rules import check_recording
from flowengine.switch.reading.legacy_spelling import find_key
from flowengine.switch.reading.property_spelling import read_properties


class LenientAnswer:
    """What could be made of an answer; `conference` is the recording of a conference."""

    __slots__ = ("action", "conference", "instructions")

    def __init__(self) -> None:
        self.instructions: list[tuple[str, AnyInstruction]] = []
        self.action: AnyAction | None = None
        self.conference: RecordingOptions | None = None


StructByTag = Mapping[str, type[msgspec.Struct]]
_INSTRUCTION_BY_TAG: StructByTag = {
    str(kind.__struct_config__.tag): kind for kind in get_args(AnyInstruction)
}
_ACTION_BY_TAG: StructByTag = {
    str(kind.__struct_config__.tag): kind for kind in get_args(AnyAction)
}
_EXAMPLE = '{"instructions": [ … ], "action": { … }}'


def read_lenient(body: bytes, notes: Notes) -> LenientAnswer:
    """The answer, as far as it can be made out; what cannot is in the notes."""
    said = LenientAnswer()
    data = _parse_object(body, notes)
    for name, item in data.items():
        folded = name.lower()
        if folded not in {"instructions", "action"}:
            cure = suggest_name(name, ("instructions", "action")) or "leave it out"
            notes.tolerate(
                name, f"{quote_value(name)} is no part of an answer, and is ignored", cure
            )
        elif item is None:
            notes.tolerate(name, "null counts as absent", "leave it out")
        else:
            _note_spelling(name, folded, name, notes)
            (_read_instructions if folded == "instructions" else _read_action)(
                item, name, said, notes
            )
    return said


def _parse_object(body: bytes, notes: Notes) -> dict[str, Any]:
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
            where,
            f"{quote_value(name)} is the platform's {wire} in another spelling",
            f'write "{wire}"',
        )


def _read_instructions(items: Any, where: str, answer: LenientAnswer, notes: Notes) -> None:
    if not isinstance(items, list):
        notes.refuse(where, "the instructions are not a list", "write a list, also of one: [{ … }]")
        return
    for place, item in enumerate(items):
        path = f"{where}[{place}]"
        try:
            kind, rest = _split_name(item, _INSTRUCTION_BY_TAG, path, notes)
            read = msgspec.convert(read_properties(kind, rest, path, notes), kind)
            answer.instructions.append((path, read))  # type: ignore[arg-type]
        except UnreadableAnswerError:
            continue


def _read_action(item: Any, where: str, answer: LenientAnswer, notes: Notes) -> None:
    try:
        kind, rest = _split_name(item, _ACTION_BY_TAG, where, notes)
        recording = _take_recording(kind, rest, where, notes)
        answer.action = msgspec.convert(read_properties(kind, rest, where, notes), kind)  # type: ignore[assignment]
    except UnreadableAnswerError:
        return
    # on connectConf it records the conference, on any other action the leg (platform notes, 1.2)
    if recording is not None and kind is ConnectConf:
        answer.conference = recording
    elif recording is not None:
        answer.instructions.append((where, StartRecording(recording)))


def _split_name(
    item: Any, kinds: StructByTag, where: str, notes: Notes
) -> tuple[type[msgspec.Struct], dict[str, Any]]:
    """The kind of an instruction or action, and its other properties"""
    key = find_key(item, "name") if isinstance(item, dict) else None
    if key is None or not isinstance(item[key], str):
        what = "an action" if kinds is _ACTION_BY_TAG else "an instruction"
        notes.refuse(
            where,
            f"{what} is an object with a name",
            f'write {{"name": "{_guess_tag(item, kinds)}", … }}',
        )
        raise UnreadableAnswerError
    name = item[key]
    tag = next((tag for tag in kinds if tag.lower() == name.lower()), None)
    if tag is None:
        notes.refuse(f"{where}.{key}", *_explain_unknown(name, kinds))
        raise UnreadableAnswerError
    _note_spelling(key, "name", f"{where}.{key}", notes)
    _note_spelling(name, tag, f"{where}.{key}", notes)
    return kinds[tag], {other: value for other, value in item.items() if other != key}


def _guess_tag(item: Any, kinds: StructByTag) -> str:
    return next(
        (tag for tag in kinds if isinstance(item, str) and tag.lower() == item.lower()), "…"
    )


def _explain_unknown(name: str, kinds: StructByTag) -> tuple[str, str]:
    """Message and cure for a name that is none"""
    others, wanted, other = (
        (_INSTRUCTION_BY_TAG, "action", "an instruction")
        if kinds is _ACTION_BY_TAG
        else (_ACTION_BY_TAG, "instruction", "an action")
    )
    if any(tag.lower() == name.lower() for tag in others):
        home = '"instructions"' if kinds is _ACTION_BY_TAG else '"action"'
        return f"{quote_value(name)} is {other}, no {wanted}", f"put it into {home}"
    return f"there is no {wanted} {quote_value(name)}", suggest_name(
        name, kinds
    ) or f"take {join_with_or(kinds)}"


def _take_recording(
    kind: type[msgspec.Struct], item: dict[str, Any], where: str, notes: Notes
) -> RecordingOptions | None:
    """`record` and `recordingOptions`, which older descriptions allow with any action; they are
    taken out of it
    """
    record, options = find_key(item, "record"), find_key(item, "recordingOptions")
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
        read_properties(RecordingOptions, given, f"{where}.{options or 'recordingOptions'}", notes),
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
