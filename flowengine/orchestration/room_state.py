"""The state of a conference between two turns. It knows its members by what their flows have asked
for, and by what the platform has said to requests.
"""

from typing import Literal

import msgspec

from flowengine.states.room_plan import RoomPlan

MAX_REMEMBERED = 128  # of what may come twice: calls that have left, and key presses


class RoomMember(msgspec.Struct, frozen=True, array_like=True):
    """A call that is in the conference, or about to be: the platform says the words of its flow
    first. `is_present` is known of those alone to whom a request was obeyed. `is_muted` and `is_held`
    are by keys and commands; `asked_mute` and `asked_hold` are what the latest requests ask for.
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


class LedConference(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """A conference of an application. `left` are the calls that have left it, and `handled` the keys
    and commands that were handled, the latest last.
    """

    format: Literal[1] = 1
    id: str
    application: str = ""
    name: str = ""
    members: tuple[RoomMember, ...] = ()
    left: tuple[str, ...] = ()
    handled: tuple[str, ...] = ()

    def find_member(self, call_id: str) -> RoomMember | None:
        return next((one for one in self.members if one.call_id == call_id), None)

    @property
    def has_moderator(self) -> bool:
        """Whether a moderator is certainly in the conference."""
        return any(
            one.plan.is_moderator and one.is_present and not one.is_leaving for one in self.members
        )


def remember(known: tuple[str, ...], new: str) -> tuple[str, ...]:
    return (*known, new)[-MAX_REMEMBERED:]
