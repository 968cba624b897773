"""Changes of conferences whose members nobody knows, and conferences that wait for a moderator whom no
flow brings.
"""

from collections.abc import Iterator, Mapping

from flowengine.compile.program import Program
from flowengine.expr import Template
from flowengine.problems import Problem

LEADER_HINT = "connect somebody to it with `moderator:` and a condition, or `moderator: true`"
HINT = "connect callers to it with `moderator:`, be it `moderator: false`, or with `keys:`"


def check(programs: Mapping[str, Program]) -> Iterator[Problem]:
    states = [state for program in programs.values() for state in program.states.values()]
    rooms = [state.verb.room_name for state in states if state.verb.is_in_room]
    known = {room.constant for room in rooms if room}
    leaders = {state.verb.room_name for state in states if state.verb.may_lead_room}
    led = {room.constant for room in leaders if room}
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
                yield Problem("FE452", span, message, HINT)


def may_be_known(room: Template, known: set[str | None]) -> bool:
    """Whether a state may lead callers to this conference. A name with values may be any."""
    return None in known or room.constant in known or (room.constant is None and bool(known))
