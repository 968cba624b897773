"""What people read of a recorded call instead of the words of the platform and of the journal."""

from collections.abc import Mapping
from typing import Any

from flowengine.replay import CallDifference

END_WORDS = {
    "callerhangup": "caller hung up",
    "calleehangup": "callee hung up",
    "managerhangup": "the flow hung up",
    "blocked": "blocked",
    "noanswer": "nobody answered",
    "busy": "busy",
    "n/a": "ended",
    "": "ended",
}
"""Why a call ended, in words"""
INPUT_WORDS = {
    "return": "chose",
    "sequence": "entered",
    "timeout": "stayed silent",
    "hangup": "hung up",
    "invalidinput": "did something else",
}
"""What a caller did, by the type of a menu result"""
CALLBACK_WORDS = {
    "ice": "as the call comes in",
    "ace": "as somebody answers",
    "pie": "at an input",
    "dice": "at the end",
}
"""When something happens in a call, by its callback"""
DIFFERENCE_WORDS = {
    "exit": "the state is left by another exit",
    "lookup": "other systems are asked for something else",
    "answer": "the answer is another",
    "error": "a state fails that did not fail before",
}
WAITING_WORDS = "goes on waiting"


def format_end(reason: str) -> str:
    """Why a call ended; a reason that no words are known for is as the platform has it."""
    return END_WORDS.get(reason.lower(), reason)


def format_duration(seconds: float) -> str:
    """Minutes and seconds.

    >>> format_duration(8), format_duration(228), format_duration(3725)
    ('0:08', '3:48', '1:02:05')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def describe_end(event: Mapping[str, Any]) -> str:
    """How a call ended, as its last callback says.

    >>> describe_end({"result": "FAILED", "reason": "MANAGERHANGUP", "duration": 228})
    'the flow hung up, after 3:48'
    """
    return (
        f"{format_end(event.get('reason', ''))}, after {format_duration(event.get('duration', 0))}"
    )


def describe_input(event: Mapping[str, Any], *, is_asked: bool = True) -> str:
    """What a caller did. One who is asked nothing only waits, and the platform says so now and
    then.

    >>> describe_input({"menuResult": {"type": "timeout"}}, is_asked=False)
    'goes on waiting'
    """
    result = event.get("menuResult", {})
    kind = result.get("type", "")
    if kind == "timeout" and not is_asked:
        return WAITING_WORDS
    return f"{INPUT_WORDS.get(kind, kind)} {result.get('value', '')}".strip()


def describe_difference(found: CallDifference) -> str:
    """How a call that is tried on another release goes differently.

    >>> describe_difference(CallDifference("line", "main", "pie", "exit", "before: stays, after: takes otherwise"))
    'line/main, at an input: the state is left by another exit (before: stays, after: takes otherwise)'
    """
    place = f"{found.flow}/{found.state}" if found.flow else "no flow"
    when = CALLBACK_WORDS.get(found.event, f"at {found.event}")
    words = DIFFERENCE_WORDS.get(found.kind, found.kind)
    return f"{place}, {when}: {words} ({found.what})"


def describe_lookup(lookup: str) -> str:
    """What a journal has of a lookup, the service with its status or why there is none.

    >>> describe_lookup("crm: 200"), describe_lookup("crm: timeout")
    ('crm answered with status 200', 'crm did not answer: timeout')
    """
    service, _, found = lookup.partition(": ")
    if found.isdigit():
        return f"{service} answered with status {found}"
    return f"{service} did not answer: {found}"
