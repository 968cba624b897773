"""One turn of a conference: what has happened, and what follows."""

from typing import Literal

import msgspec

from flowengine.states.room_plan import RoomCommandName, RoomMusic, RoomPlan

MemberCommand = Literal["mute", "unmute", "onhold", "resume"]
"""A command of the platform to one participant"""


class MemberJoined(msgspec.Struct, frozen=True):
    """A flow has answered that this call comes into the conference. It is there when the platform
    has said the words before.
    """

    call_id: str
    application: str
    call_url: str
    plan: RoomPlan


class MemberFound(msgspec.Struct, frozen=True):
    """The platform has the call among the participants."""

    call_id: str


class MemberLeft(msgspec.Struct, frozen=True):
    """The call is over."""

    call_id: str


class MemberPressed(msgspec.Struct, frozen=True):
    """A member has pressed a key. `id` is the same where it is told twice."""

    id: str
    call_id: str
    key: str


class RoomCommanded(msgspec.Struct, frozen=True):
    """A flow wants members changed: `who` are `all`, the `others` than moderators, or a number."""

    id: str
    do: RoomCommandName
    who: str


class MemberChanged(msgspec.Struct, frozen=True):
    """The platform has obeyed a request to change a member."""

    call_id: str
    command: MemberCommand


RoomEvent = MemberJoined | MemberFound | MemberLeft | MemberPressed | RoomCommanded | MemberChanged


class ChangeMember(msgspec.Struct, frozen=True):
    """Have the platform change a member, as soon as it has them among the participants. A later
    request about the same (`subject`) takes the place of this one.
    """

    call_id: str
    call_url: str
    room: str
    command: MemberCommand
    music: RoomMusic = ""

    @property
    def subject(self) -> str:
        return "mute" if self.command in ("mute", "unmute") else "hold"


class FindMember(msgspec.Struct, frozen=True):
    """Ask the platform for a member until it has them among the participants."""

    call_id: str
    call_url: str
    room: str


class RemoveMember(msgspec.Struct, frozen=True):
    """Have the platform hang up on a member, as soon as it has them among the participants."""

    call_id: str
    call_url: str
    room: str


class ForgetMember(msgspec.Struct, frozen=True):
    """Send no request about this member any more."""

    call_id: str


RoomRequest = ChangeMember | FindMember | RemoveMember
"""Effects that are requests to the platform"""
RoomEffect = ForgetMember | RoomRequest
