"""Changes of conferences whose members nobody knows, and conferences that wait for a moderator whom no
flow brings.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from flowengine.compile.program import Program
from flowengine.expr import Template
from flowengine.model import AuthoredProject
from flowengine.problems import Problem, suggest_name

LEADER_HINT = "connect somebody to it with `moderator:` and a condition, or `moderator: true`"
MODERATED_HINT = (
    "connect callers to it with `moderator:`, be it `moderator: false`, or with `keys:`"
)


class UsedRooms(NamedTuple):
    """The conferences in which a flow has callers that are known, and those that it may bring a
    moderator to; None is one whose name a call tells.
    """

    known: frozenset[str | None]
    led: frozenset[str | None]


NO_ROOMS: Final = UsedRooms(frozenset(), frozenset())  # of most flows, in memory once


def check(programs: Mapping[str, Program], authored: AuthoredProject) -> Iterator[Problem]:
    used = [program.compute_once(find_used_rooms) for program in programs.values()]
    known = authored.outside.rooms.union(*(each.known for each in used))
    led = authored.outside.led_rooms.union(*(each.led for each in used))
    for program in programs.values():
        for state in program.states.values():
            option = state.verb.moderator_option
            if option and state.verb.room_name and not may_be_known(state.verb.room_name, led):
                span = program.document.find_key_span((*state.path, state.kind, option))
                message = f"`{option}` is about a moderator, and no flow brings one here"
                yield Problem("FE943", span, message, LEADER_HINT)
            room = state.verb.room_name if state.verb.changes_room else None
            if room and not may_be_known(room, known):
                span = program.document.find_span((*state.path, state.kind, "name"))
                message = "no flow tells who is in this conference, so nobody can be changed there"
                constant = room.constant
                names = sorted(filter(None, known))
                near = suggest_name(constant, names) if constant else ""
                yield Problem("FE452", span, message, near or MODERATED_HINT)


def find_used_rooms(program: Program) -> UsedRooms:
    states = program.states.values()
    known = [state.verb.room_name for state in states if state.verb.is_in_room]
    led = [state.verb.room_name for state in states if state.verb.may_lead_room]
    if not known and not led:
        return NO_ROOMS
    return UsedRooms(
        frozenset(room.constant for room in known if room),
        frozenset(room.constant for room in led if room),
    )


def may_be_known(room: Template, known: frozenset[str | None]) -> bool:
    """Whether a state may lead callers to this conference. A name with values may be any."""
    return None in known or room.constant in known or (room.constant is None and bool(known))
