"""Conferences whose names are the same for all callers where a value is empty: strangers would meet."""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.compile.program import CompiledState, Program
from flowengine.expr import Template
from flowengine.problems import Problem
from flowengine.source import KeyPath

# what many calls do not have; `call.custom` is up to the system of the author
ABSENT_FACTS: Final = frozenset({"call.from", "call.user", "call.sip", "call.redirected_from"})
# the exits of a state that writes a variable by which a call leaves before it has
UNWRITTEN_EXITS: Final = re.compile(r"otherwise|failed|key .*|on \d.*")


def check(program: Program) -> Iterator[Problem]:
    for state in program.states.values():
        room = None if state.verb.changes_room else state.verb.room_name
        names = list_emptiable_names(program, room) if room else []
        if names and all(may_be_empty(program, state, name) for name in names):
            shown = " and ".join(names)
            message = f"where {shown} is empty, all such callers meet in one room"
            hint = f'lead them elsewhere before, by `when: {names[0]} == ""`'
            yield Problem("FE940", program.document.find_span(find_room_path(state)), message, hint)


def find_room_path(state: CompiledState) -> KeyPath:
    return (*state.path, state.kind, "conference")


def list_emptiable_names(program: Program, room: Template) -> list[str]:
    """The values in the name of a room, where each may be empty and the name is one all the same."""
    if not any(isinstance(part, str) and part.strip() for part in room.parts):
        return []  # a name without a character is refused
    found = []
    for piece in room.interpolations:
        name = piece.expression.text.strip()
        variable = program.variables.get(name.removeprefix("vars."))
        is_unset = variable is not None and variable.default in (None, "")
        if name not in ABSENT_FACTS and not (name.startswith("vars.") and is_unset):
            return []
        found.append(name)
    return found


def may_be_empty(program: Program, room: CompiledState, name: str) -> bool:
    """Whether a call comes to the room by a way on which nothing writes this value, and no condition
    asks for it. What a caller of a subflow hands in is not looked at.
    """
    inputs = {f"vars.{item.name}" for item in program.signature.inputs}
    entries = [] if name in inputs else [*program.list_entries().values()]
    seen: set[str] = set()
    while entries:
        state = program.states.get(entries.pop())
        if state is None or state.name in seen:
            continue
        seen.add(state.name)
        if state.name == room.name:
            return True
        if is_asked_for(state, name):
            continue
        entries += [
            target.state
            for exit_, target in state.exits.items()
            if name not in state.writes or UNWRITTEN_EXITS.fullmatch(exit_)
        ]
        entries += [state.error] if state.error else []
    return False


def is_asked_for(state: CompiledState, name: str) -> bool:
    """Whether the state chooses its exit by this value."""
    return any(
        condition and name in condition.names for condition, _ in state.verb.conditional_exits
    )
