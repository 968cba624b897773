"""What the platform was told to do in a recorded call, in words."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from flowengine.journal.format_calls import format_part, format_value

SIMPLE_WORDS: Final = {
    "answer": "answers the call",
    "hangup": "hangs up",
    "continue": "lets the call go on",
    "stopRecording": "ends the recording",
}
NOTICE_WORDS: Final = {
    "recording_finished": "the recording has ended",
    "recording_available": "the recording is stored",
    "transcription_available": "the transcription is stored",
}
ROOM_ID_LENGTH = 16
"""More of the name of a room than tells it from others is noise: the folded answer has all of it"""


def describe_part(part: Mapping[str, Any]) -> str:
    """An instruction or an action of an answer.

    >>> describe_part({"name": "connectPstn", "number": "+1404", "dialTimeout": 15, "cli": "+1202"})
    'calls +1404 for at most 15 s, shown +1202 as the caller'
    >>> describe_part({"name": "connectConf", "conferenceId": "board", "moh": "music1"})
    'joins the room board, with music1 while alone'
    """
    name = part["name"]
    if name in SIMPLE_WORDS:
        return SIMPLE_WORDS[name]
    return PART_WORDS.get(name, format_part)(part)


def describe_connection(part: Mapping[str, Any]) -> str:
    """Whom the platform calls, for how long, and as whom."""
    verb = "streams to" if part["name"] == "connectStream" else "calls"
    whom = part.get("number") or part.get("destination", {}).get("endpoint", "")
    words = f"{verb} {format_value(whom) or 'whom the caller has dialled'}"
    if part.get("dialTimeout"):
        words += f" for at most {part['dialTimeout']} s"
    if part.get("cli"):
        words += f", shown {part['cli']} as the caller"
    return words


def describe_room(part: Mapping[str, Any]) -> str:
    """The conference that a call joins."""
    music = f", with {part['moh']} while alone" if part.get("moh") else ""
    return f"joins the room {shorten_room(str(part.get('conferenceId', '')))}{music}"


def describe_parking(part: Mapping[str, Any]) -> str:
    """A call that waits until somebody takes it."""
    prompt = format_value(part.get("introPrompt") or part.get("holdPrompt") or "")
    return f"parks the call: {prompt}" if prompt else "parks the call"


def describe_recording(part: Mapping[str, Any]) -> str:
    """Where what is said goes."""
    return f"records to {part.get('options', {}).get('destinationUrl', '')}".strip()


def describe_keys(part: Mapping[str, Any]) -> str:
    """Keys that the platform presses for the flow."""
    return f"presses {part.get('value', '')}".strip()


def shorten_room(name: str) -> str:
    """The name of a room, without the end of a long one.

    >>> shorten_room("ring-cfb29d19a4079aaaddf1392788fea055"), shorten_room("town-hall")
    ('ring-cfb29d19a40…', 'town-hall')
    """
    return name if len(name) <= ROOM_ID_LENGTH * 2 else f"{name[:ROOM_ID_LENGTH]}…"


def describe_notice(kind: str) -> str:
    """What the platform has noticed; a kind that no words are known for is as the platform has it."""
    return NOTICE_WORDS.get(kind, kind)


PART_WORDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "connectPstn": describe_connection,
    "connectSip": describe_connection,
    "connectMxp": describe_connection,
    "connectStream": describe_connection,
    "connectConf": describe_room,
    "park": describe_parking,
    "startRecording": describe_recording,
    "sendDtmf": describe_keys,
}
