"""What a call waits for just now, in a few words."""

from typing import Any

from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.play import where
from flowengine.switch.happenings import Asked, Joined, Ringing


def prompt(talk: Conversation) -> str:
    """What can be done now."""
    last = next(
        (item for item in reversed(talk.happenings) if isinstance(item, (Asked, Ringing, Joined))),
        None,
    )
    if isinstance(last, Asked) and talk.phase == "asked":
        state = where(talk)[1]
        return f"{state}: {wanted(talk, last)}" if state else wanted(talk, last)
    if isinstance(last, Ringing) and talk.phase == "ringing":
        return f"{last.to} rings: answer, busy, decline, no answer"
    if isinstance(last, Joined) and last.kind == "conference":
        return f"in {last.to}"
    if isinstance(last, Joined) and last.kind == "park":
        return "parked: unpark NUMBER"
    return f"connected to {last.to}" if isinstance(last, Joined) and last.to else "on the line"


def awaited(talk: Conversation, asked: Asked) -> str:
    """Where the flow is, and which input it takes."""
    state = where(talk)[1]
    return f"in {state} for {wanted(talk, asked)}" if state else f"for {wanted(talk, asked)}"


def wanted(talk: Conversation, asked: Asked) -> str:
    """Which input counts: keys that lead somewhere, digits, or words."""
    return (digits(talk, asked.digits) if asked.digits else one_of(asked.keys) or "nothing") + (
        ", or words" * asked.voice
    )


def one_of(keys: str) -> str:
    """Keys as a person says them.

    >>> one_of("120")
    '1, 2 or 0'
    """
    *others, last = list(keys) or [""]
    return f"{', '.join(others)} or {last}" if others else last


def digits(talk: Conversation, most: int) -> str:
    """How many; at least as many as the flow takes, where it is known."""
    least = getattr(verb(talk), "least", 0)
    if least == most:
        return "1 digit" if most == 1 else f"{most} digits"
    return f"{least} to {most} digits, then #" if least > 1 else f"up to {most} digits, then #"


def verb(talk: Conversation) -> Any:
    """What the state does that the call is in."""
    flow, state = where(talk)
    program = talk.backend.release.programs.get(flow) if talk.backend else None
    found = program.states.get(state) if program else None
    return found.verb if found else None


def leads(talk: Conversation) -> list[str]:
    """Where the exits of the state lead that the call is in."""
    flow, state = where(talk)
    program = talk.backend.release.programs.get(flow) if talk.backend else None
    found = program.states.get(state) if program else None
    return (
        [f"{name} leads to {target.state}" for name, target in found.exits.items()] if found else []
    )
