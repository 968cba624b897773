"""Conferences with a moderator, or with keys that do something: what a connection says of its caller
there.
"""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from flowengine.expr import Expression
from flowengine.source import KeyPath
from flowengine.states.builder import StateBuilder
from flowengine.states.connect_options import ConferenceKeys, Connect
from flowengine.states.ring_plan import HOST_FACT
from flowengine.states.room_plan import (
    MODERATOR_ACTIONS,
    ROOM_FACT,
    RoomKeyAction,
    RoomMusic,
    RoomPlan,
)
from flowengine.states.step_context import StepContext
from flowengine.states.verb import NoEffect

NUMBER_FACT = "call.from"
MODERATOR_HINT = (
    "add `moderator:` with a condition; where another state connects the moderator, "
    "`moderator: false`"
)


class CompiledRoom(msgspec.Struct, frozen=True):
    """How the callers of a connection are in the conference."""

    moderator: Expression | bool
    wait: RoomMusic
    ends: bool
    keys: tuple[tuple[str, RoomKeyAction], ...]

    def build_plan(self, run: StepContext, room: str) -> RoomPlan:
        """What this caller brings in. Raises EvalError."""
        moderator = self.moderator
        is_moderator = moderator if isinstance(moderator, bool) else moderator.evaluate(run.names)
        return RoomPlan(
            room=room,
            number=run.names.get(NUMBER_FACT, ""),
            is_moderator=bool(is_moderator),
            wait=self.wait,
            ends=self.ends,
            keys=self.keys,
        )

    @property
    def moderator_option(self) -> str:
        """The option that needs a moderator in the conference; else ""."""
        return "wait" if self.wait else "until" if self.ends else ""

    def find_no_effects(self) -> Iterator[NoEffect]:
        """Options for moderators where nobody is one, and for others where nobody is one."""
        if self.moderator is True and self.wait:
            hint = "remove it; who waits is said where the others are connected"
            yield NoEffect(("wait",), "a moderator waits for nobody", hint)
        if self.moderator is True and self.ends:
            hint = "remove it; it is said where the others are connected"
            yield NoEffect(("until",), "everybody here is a moderator", hint)
        for key, action in self.keys if self.moderator is False else ():
            if action in MODERATOR_ACTIONS:
                hint = "remove it, or say under moderator: who is one"
                message = f"`{action}` is for moderators, and nobody here is one"
                yield NoEffect(("keys", key), message, hint)


def compile_room(builder: StateBuilder, path: KeyPath, connect: Connect) -> CompiledRoom | None:
    """What the conference is told of its callers; None where nothing is."""
    for name in ("wait", "until"):
        if getattr(connect, name) is not UNSET and connect.moderator is UNSET:
            message = f"{name}: needs a moderator, and nothing says who is one"
            builder.add_problem("FE450", (*path, name), message, MODERATOR_HINT, at_key=True)
    keys = compile_key_actions(builder, (*path, "keys"), connect.keys)
    if connect.moderator is UNSET and not keys:
        return None
    moderator: Expression | bool | None = connect.moderator is True
    if isinstance(connect.moderator, str):
        moderator = builder.compile_condition((*path, "moderator"), connect.moderator)
    if moderator is None:
        return None
    builder.reads |= {HOST_FACT, NUMBER_FACT}
    builder.late_reads.add(ROOM_FACT)
    builder.writes.add(ROOM_FACT)
    return CompiledRoom(moderator, connect.wait or "", connect.until is not UNSET, keys)


def compile_key_actions(
    builder: StateBuilder, path: KeyPath, keys: ConferenceKeys | object
) -> tuple[tuple[str, RoomKeyAction], ...]:
    """What keys do in the conference, by key."""
    if not isinstance(keys, ConferenceKeys):
        return ()
    actions = keys.list_actions()
    if keys.mode is not UNSET and actions:
        message = "keys with a meaning of their own have no mode"
        hint = "remove mode:, or the keys; in `mode: detect` the flow hears all keys"
        builder.add_problem("FE451", (*path, "mode"), message, hint, at_key=True)
    elif keys.mode is UNSET and not actions:
        message = "nothing says what keys do in the conference"
        hint = "write {1: mute}, or {mode: detect}; without keys: they do nothing"
        builder.add_problem("FE451", path, message, hint, at_key=True)
    for name in ("max", "timeout") if actions else ():
        if getattr(keys, name) is not UNSET:
            message = "each key does something by itself, so none are counted"
            builder.add_problem("FE451", (*path, name), message, "remove it", at_key=True)
    return actions
