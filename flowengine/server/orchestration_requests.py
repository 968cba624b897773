"""The requests to the platform that orchestrations have decided: place a leg, hang up, bring a caller
back into the flow. Each says whether it was carried out, refused for good, or may be tried again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flowengine.cross_site import is_loopback
from flowengine.orchestration.leg_messages import (
    HANG_UP_REQUEST,
    PARK_REQUEST,
    build_leg_request,
)
from flowengine.orchestration.room_turn import MemberCommand
from flowengine.runtime.platform_requests import (
    NO_LONGER_THERE,
    CallOwner,
    RequestDone,
    RequestOutcome,
    RequestRefused,
    RequestUnclear,
)
from flowengine.states.ring_plan import RingMember
from flowengine.states.room_plan import RoomMusic

if TYPE_CHECKING:  # it brings an HTTP client, which servers without orchestrations do not need
    from flowengine.sinch.client import CallingApi

# All requests of one task; its lease in the task loop is longer.
PLATFORM_REQUEST_SECONDS = 2.3
UNUSABLE_STATUS = 400  # as the platform would say to such a request


def find_other_switch(call_url: str, api_url: str) -> str:
    """The base of the API of a switch on this machine that a call is on, while requests go to the
    platform, where real phones would ring in a test. Else "".
    """
    try:
        url, own = urlsplit(call_url), urlsplit(api_url)
    except ValueError:
        return ""
    is_other = is_loopback(url.hostname or "") and not is_loopback(own.hostname or "")
    return f"{url.scheme}://{url.netloc}" if is_other else ""


class OrchestrationRequests:
    """Sends the `PlatformRequests` with the credentials of the application, to the region of the
    caller. `find_secret` finds the secret of an application, "" where there is none. With an
    `api_url` that is none of the platform's, such as that of a switch, all requests go there.
    """

    def __init__(self, find_secret: Callable[[str], str], api_url: str) -> None:
        self._find_secret = find_secret
        self._api_url = api_url
        self._apis: dict[tuple[str, str, str], CallingApi] = {}

    async def place_leg(
        self, owner: CallOwner, member: RingMember, cli: str, custom: str
    ) -> RequestOutcome:
        async def place(api: "CallingApi") -> RequestOutcome:
            return RequestDone(await api.callouts.place(build_leg_request(member, cli, custom)))

        return await self._send(owner, place)

    async def hang_up_call(self, owner: CallOwner, call_id: str) -> RequestOutcome:
        async def hang_up(api: "CallingApi") -> RequestOutcome:
            await api.calls.update(call_id, HANG_UP_REQUEST)
            return RequestDone()

        return await self._send(owner, hang_up)

    async def release_caller(self, owner: CallOwner, call_id: str, svaml: bytes) -> RequestOutcome:
        async def release(api: "CallingApi") -> RequestOutcome:
            await api.calls.update(call_id, PARK_REQUEST)
            await api.calls.update(call_id, svaml)
            return RequestDone()

        return await self._send(owner, release)

    async def change_call(self, owner: CallOwner, call_id: str, svaml: bytes) -> RequestOutcome:
        async def change(api: "CallingApi") -> RequestOutcome:
            await api.calls.update(call_id, svaml)
            return RequestDone()

        return await self._send(owner, change)

    async def change_participant(
        self,
        owner: CallOwner,
        room: str,
        call_id: str,
        command: MemberCommand,
        music: RoomMusic,
    ) -> RequestOutcome:
        async def change(api: "CallingApi") -> RequestOutcome:
            conferences = api.conferences
            match command:
                case "mute":
                    await conferences.mute(room, call_id)
                case "unmute":
                    await conferences.unmute(room, call_id)
                case "onhold":
                    await conferences.hold(room, call_id, music)
                case "resume":
                    await conferences.resume(room, call_id)
            return RequestDone()

        return await self._send(owner, change)

    async def remove_participant(self, owner: CallOwner, room: str, call_id: str) -> RequestOutcome:
        async def remove(api: "CallingApi") -> RequestOutcome:
            await api.conferences.kick(room, call_id)
            return RequestDone()

        return await self._send(owner, remove)

    async def find_participant(self, owner: CallOwner, room: str, call_id: str) -> RequestOutcome:
        async def find(api: "CallingApi") -> RequestOutcome:
            participants = await api.conferences.list_participants(room)
            if any(one.call_id == call_id for one in participants):
                return RequestDone()
            return RequestRefused(NO_LONGER_THERE, "the call is not in the conference")

        return await self._send(owner, find)

    async def is_call_ongoing(self, owner: CallOwner, call_id: str) -> bool | None:
        is_ongoing = True

        async def ask(api: "CallingApi") -> RequestOutcome:
            nonlocal is_ongoing
            is_ongoing = (await api.calls.get_info(call_id)).status.upper() != "FINAL"
            return RequestDone()

        outcome = await self._send(owner, ask)
        if isinstance(outcome, RequestRefused) and outcome.is_of_unknown_call:
            return False
        return is_ongoing if isinstance(outcome, RequestDone) else None

    async def close(self) -> None:
        """Close the connections."""
        while self._apis:
            _, api = self._apis.popitem()
            await api.close()

    async def _send(
        self, owner: CallOwner, send: Callable[["CallingApi"], Awaitable[RequestOutcome]]
    ) -> RequestOutcome:
        from flowengine.sinch.client import (  # noqa: PLC0415
            CallingApiError,
            ConflictError,
            ServerError,
            TooManyRequestsError,
            UnreachableApiError,
        )

        secret = self._find_secret(owner.application)
        if not secret:
            return RequestRefused(
                0, "the server has no credentials of the application of this call"
            )
        if base := find_other_switch(owner.call_url, self._api_url):
            return RequestRefused(0, f"the call is on a switch: serve with --api-url {base}")
        try:
            async with asyncio.timeout(PLATFORM_REQUEST_SECONDS):
                return await send(self._find_api(owner, secret))
        except TimeoutError:
            return RequestUnclear(f"no answer within {PLATFORM_REQUEST_SECONDS:g} seconds")
        except (ConflictError, ServerError, TooManyRequestsError, UnreachableApiError) as error:
            return RequestUnclear(str(error))
        except (CallingApiError, ValueError) as error:  # a name may be no part of an address
            status = error.status if isinstance(error, CallingApiError) else UNUSABLE_STATUS
            return RequestRefused(status, str(error))

    def _find_api(self, owner: CallOwner, secret: str) -> "CallingApi":
        from flowengine.sinch.client import ApiHosts, CallingApi, SignedAuth  # noqa: PLC0415
        from flowengine.sinch.client.hosts import find_region_url  # noqa: PLC0415

        url = find_region_url(owner.call_url, self._api_url)
        key = url, owner.application, secret
        if key not in self._apis:
            self._apis[key] = CallingApi(
                SignedAuth(owner.application, secret),
                ApiHosts.from_base_url(url),
                seconds=PLATFORM_REQUEST_SECONDS,
            )
        return self._apis[key]
