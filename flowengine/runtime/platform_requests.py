"""The requests to the platform that orchestrations decide, as their tasks see them. Who sends them has
an HTTP client and credentials.
"""

from typing import Protocol

import msgspec

from flowengine.orchestration.room_turn import MemberCommand
from flowengine.states.ring_plan import RingMember
from flowengine.states.room_plan import RoomMusic

NO_LONGER_THERE = 404
# Further refusals that may pass: an operator mends credentials, and the platform what is not there.
_PASSING_REFUSALS = frozenset({NO_LONGER_THERE, 401, 403, 408, 409, 429})


class CallOwner(msgspec.Struct, frozen=True, array_like=True):
    """Whose call an orchestration is about: the application, and the base of the API in the region
    of the caller's call, "" where the platform did not name it.
    """

    application: str
    call_url: str


class RequestDone(msgspec.Struct, frozen=True):
    """The platform has carried it out; `call_id` is that of a placed leg."""

    call_id: str = ""


class RequestRefused(msgspec.Struct, frozen=True):
    """The platform has said no. `status` is the HTTP status, 0 where the server did not ask."""

    status: int
    reason: str

    @property
    def is_final(self) -> bool:
        """Whether no later try can do better, such as one to park a call that cannot be parked."""
        return 400 <= self.status < 500 and self.status not in _PASSING_REFUSALS

    @property
    def is_of_unknown_call(self) -> bool:
        """Whether the platform does not know the call: it is over, or in another region."""
        return self.status == NO_LONGER_THERE


class RequestUnclear(msgspec.Struct, frozen=True):
    """It failed for a reason that may pass. The platform may have carried it out all the same."""

    reason: str


RequestOutcome = RequestDone | RequestRefused | RequestUnclear


class PlatformRequests(Protocol):
    """Sends requests. None of these raises for what the platform answers or does not."""

    async def place_leg(
        self, owner: CallOwner, member: RingMember, cli: str, custom: str
    ) -> RequestOutcome:
        """Have the platform call a member. It asks for an answer before it rings, so a leg that is
        placed twice after a lost answer rings once.
        """
        ...

    async def hang_up_call(self, owner: CallOwner, call_id: str) -> RequestOutcome:
        """End a leg, or the caller."""
        ...

    async def release_caller(self, owner: CallOwner, call_id: str, svaml: bytes) -> RequestOutcome:
        """Take the caller out of the room, and go on with this answer, which may hold what the
        answer to an ICE may.
        """
        ...

    async def change_call(self, owner: CallOwner, call_id: str, svaml: bytes) -> RequestOutcome:
        """Have a call that is parked go on with this answer."""
        ...

    async def change_participant(
        self,
        owner: CallOwner,
        room: str,
        call_id: str,
        command: MemberCommand,
        music: RoomMusic,
    ) -> RequestOutcome:
        """Mute a participant of a conference, put it on hold with this music, or take that back."""
        ...

    async def remove_participant(self, owner: CallOwner, room: str, call_id: str) -> RequestOutcome:
        """Hang up on a participant of a conference."""
        ...

    async def find_participant(self, owner: CallOwner, room: str, call_id: str) -> RequestOutcome:
        """Done where the call is in the conference, refused with status 404 where it is not."""
        ...

    async def is_call_ongoing(self, owner: CallOwner, call_id: str) -> bool | None:
        """Whether the call is still there; None where the platform does not say."""
        ...
