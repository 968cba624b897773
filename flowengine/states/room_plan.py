"""What states ask of a conference: to bring a caller in, and to change who hears whom. All values of
the call are put in already, so that who carries it out needs no flow.
"""

from typing import Literal

import msgspec

from flowengine.limits import MAX_CONFERENCE_ID

ROOM_FACT = "call.room"
"""The name under which a call in a conference keeps the name of it. Expressions cannot read it."""
RoomKeyAction = Literal["mute", "hold", "mute all", "hold all", "end"]
MODERATOR_ACTIONS = frozenset({"mute all", "hold all", "end"})
"""Actions of keys that work for a moderator only"""
RoomMusic = Literal["", "ring", "music1", "music2", "music3"]
RoomCommandName = Literal["mute", "unmute", "hold", "resume", "remove", "end"]


class RoomPlan(msgspec.Struct, frozen=True, array_like=True):
    """How one caller is in the conference `room`. While no moderator is there, one with a `wait` hears
    this music, and nobody. One who `ends` leaves with the last moderator. `keys` are what the keys
    do that they press.
    """

    room: str
    number: str = ""
    is_moderator: bool = False
    wait: RoomMusic = ""
    ends: bool = False
    keys: tuple[tuple[str, RoomKeyAction], ...] = ()

    def find_action(self, key: str) -> RoomKeyAction | None:
        """What this key does for this caller."""
        action = dict(self.keys).get(key)
        return None if action in MODERATOR_ACTIONS and not self.is_moderator else action


class EnterRoom(msgspec.Struct, frozen=True):
    """The caller is about to come into the conference."""

    plan: RoomPlan


class PressInRoom(msgspec.Struct, frozen=True):
    """The caller has pressed a key in the conference."""

    room: str
    key: str


class CommandRoom(msgspec.Struct, frozen=True):
    """Change members of a conference: all of them, all but the moderators, or those who call from
    a number (`who`).
    """

    room: str
    do: RoomCommandName
    who: str = "others"


def check_room_name(name: str) -> None:
    """Raises ValueError for what is no name of a conference, or cannot be part of an address, by which
    the server finds its members.
    """
    if not 1 <= len(name) <= MAX_CONFERENCE_ID:
        raise ValueError(f"the name of a conference has 1 to {MAX_CONFERENCE_ID} characters")
    if name in (".", ".."):
        raise ValueError(f'a conference cannot have the name "{name}"')


RoomUpdate = EnterRoom | PressInRoom | CommandRoom
"""What a step changes in a conference; it is saved with the step"""
