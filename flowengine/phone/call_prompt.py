"""What a call waits for just now, in a few words."""

from collections.abc import Iterable

from flowengine.compile import CompiledState
from flowengine.scenarios.conversation import Conversation
from flowengine.scenarios.scenario_run import get_position
from flowengine.states.field_types import SPECIAL_TARGETS
from flowengine.switch.switch_events import LegJoined, LegRinging, MenuListening

KEY_EXIT = "key "  # how the exit of a choice begins


def format_prompt(talk: Conversation) -> str:
    """What the person at the phone can do now."""
    if acts := format_party_acts(talk):
        return acts
    last = next(
        (
            item
            for item in reversed(talk.events)
            if isinstance(item, (MenuListening, LegRinging, LegJoined))
        ),
        None,
    )
    if isinstance(last, MenuListening) and talk.phase == "asked":
        state = get_position(talk)[1]
        return f"{state}: {describe_input(talk, last)}" if state else describe_input(talk, last)
    if isinstance(last, LegRinging) and talk.phase == "ringing":
        return f"{last.to} rings: answer, busy, decline, no answer"
    return format_connection(last) if isinstance(last, LegJoined) else "on the line"


def format_party_acts(talk: Conversation) -> str:
    """Whose phone rings, and who is asked for a key, while a ring looks for somebody; one of each
    is enough to know how to act for the others.
    """
    ringing = [party.name for party in talk.parties.list_ringing()]
    asked = [party.name for party in talk.parties.list_asked()]
    rings = [f"{name} rings: {name} answer, accept, busy, decline" for name in ringing[:1]]
    asks = [f"{name} is asked: {name} KEY" for name in asked[:1]]
    more = [f"{len(ringing) - 1} more ring" for _ in ringing[1:2]]
    return "; ".join([*asks, *rings, *more])


def format_connection(joined: LegJoined) -> str:
    if joined.kind == "conference":
        return f"in {joined.to}"
    if joined.kind == "park":
        return "parked: unpark NUMBER"
    return f"connected to {joined.to}" if joined.to else "on the line"


def describe_waiting(talk: Conversation, menu: MenuListening) -> str:
    """Where the flow is, and which input it takes."""
    state = get_position(talk)[1]
    return (
        f"in {state} for {describe_input(talk, menu)}"
        if state
        else f"for {describe_input(talk, menu)}"
    )


def describe_input(talk: Conversation, menu: MenuListening) -> str:
    """Which input counts: keys that lead somewhere, digits, or words."""
    return (
        describe_digits(talk, menu.digits)
        if menu.digits
        else format_choices(menu.keys) or "nothing"
    ) + (", or words" * menu.voice)


def format_choices(keys: str) -> str:
    """Keys as a person says them.

    >>> format_choices("120")
    '1, 2 or 0'
    """
    *others, last = list(keys) or [""]
    return f"{', '.join(others)} or {last}" if others else last


def describe_digits(talk: Conversation, most: int) -> str:
    """How many; at least as many as the flow takes, where it is known. Keys that work everywhere
    count beside them.
    """
    found = find_state(talk)
    least = found.verb.least_digits if found else 0
    others = format_other_keys(found.verb.key_targets if found else (), most)
    if least == most:
        return ("1 digit" if most == 1 else f"{most} digits") + others
    return (
        f"{least} to {most} digits, then #" if least > 1 else f"up to {most} digits, then #"
    ) + (others)


def format_other_keys(keys: Iterable[str], most: int) -> str:
    """Keys that are no digits of an input: among several they count alone, and the platform
    reports them after # or a silence.

    >>> format_other_keys("*0#", 4), format_other_keys("*#", 1), format_other_keys("", 4)
    ('; * or 0 alone, then #; # alone', ', * or #', '')
    """
    keys = "".join(keys)
    if most == 1:
        return f", {format_choices(keys)}" if keys else ""
    typed = format_choices(keys.replace("#", ""))
    return (f"; {typed} alone, then #" if typed else "") + ("; # alone" if "#" in keys else "")


def find_state(talk: Conversation) -> CompiledState | None:
    """The state that the call is in."""
    flow, state = get_position(talk)
    program = talk.backend.release.programs.get(flow) if talk.backend else None
    return program.states.get(state) if program else None


def list_key_effects(talk: Conversation) -> dict[str, str]:
    """What each key does that leads somewhere in the state that the call is in."""
    found = find_state(talk)
    if found is None:
        return {}
    exits = {name: target.state for name, target in found.exits.items()}
    by_exit = {
        name.removeprefix(KEY_EXIT): state
        for name, state in exits.items()
        if name.startswith(KEY_EXIT)
    }
    by_key = {key: exits.get(does, does) for key, does in found.verb.key_targets.items()}
    return {**by_exit, **by_key}


def list_exits(talk: Conversation) -> list[str]:
    """Where the exits of the state lead that the call is in."""
    found = find_state(talk)
    if found is None:
        return []
    special = {key: does for key, does in found.verb.key_targets.items() if does in SPECIAL_TARGETS}
    return [
        *(f"{name} leads to {target.state}" for name, target in found.exits.items()),
        *(f"key {key} means {does}" for key, does in special.items()),
    ]
