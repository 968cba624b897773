"""The state of a conference between two turns. It knows its members by what their flows have asked
for, and by what the platform has said to requests.
"""

from typing import Literal

import msgspec

from flowengine.states.room_plan import RoomPlan

MAX_REMEMBERED = 128  # of what may come twice: calls that have left, and key presses


class RoomMember(msgspec.Struct, frozen=True, array_like=True):
    """A call that is in the conference, or about to be: the platform says the words of its flow
    first. `is_present` is known of moderators alone. `is_muted` and `is_held` are by keys of the member
    and by commands for it; what is done to all is `by_moderator`. `asked_mute` and `asked_hold` are
    what the latest requests ask for.
    """

    call_id: str
    call_url: str
    plan: RoomPlan
    is_present: bool = False
    is_muted: bool = False
    is_held: bool = False
    asked_mute: bool = False
    asked_hold: bool = False
    is_leaving: bool = False
    is_muted_by_moderator: bool = False
    is_held_by_moderator: bool = False

    @property
    def shall_mute(self) -> bool:
        return self.is_muted or self.is_muted_by_moderator

    @property
    def shall_hold(self) -> bool:
        """Whether somebody wants it on hold; else it may still wait for a moderator."""
        return self.is_held or self.is_held_by_moderator

    @property
    def is_leading(self) -> bool:
        """Whether it is a moderator who is certainly in the conference."""
        return self.plan.is_moderator and self.is_present and not self.is_leaving


class ModeratedConference(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A conference of an application. `left` are the calls that have left it, and `handled` the keys
    and commands that were handled, the latest last. `is_muting_all` and `is_holding_all` are for those
    who come later.
    """

    format: Literal[1] = 1
    id: str
    application: str = ""
    name: str = ""
    members: tuple[RoomMember, ...] = ()
    left: tuple[str, ...] = ()
    handled: tuple[str, ...] = ()
    is_muting_all: bool = False
    is_holding_all: bool = False

    @property
    def has_moderator(self) -> bool:
        """Whether a moderator is certainly in the conference."""
        return any(one.is_leading for one in self.members)


def remember(known: tuple[str, ...], new: str) -> tuple[str, ...]:
    return (*known, new)[-MAX_REMEMBERED:]
