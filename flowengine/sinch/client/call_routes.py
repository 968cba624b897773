"""Calls and conferences: the routes that carry traffic."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from flowengine.sinch.client.api_transport import ApiRoutes
from flowengine.sinch.client.callouts import Callout, SvamlInput, encode_callout, to_svaml_text
from flowengine.sinch.client.hosts import build_call_url, build_path
from flowengine.sinch.client.results import (
    CallInfo,
    Participant,
    convert_result,
    get_first_field,
    parse_json,
    rename_key,
)

_FORWARDED_PREFIX: Final = "x-cb-"


class Callouts(ApiRoutes):
    """Placing calls."""

    async def place(
        self,
        callout: Callout | Mapping[str, Any],
        callback_headers: Mapping[str, str] | None = None,
    ) -> str:
        """Place a call and return its id, which its callbacks carry, too. The call itself may still
        fail, as its last callback tells. A mapping is the request as the platform takes it.
        `callback_headers` come back with each callback; their names begin with `X-CB-`, and the
        platform keeps five.
        """
        headers = callback_headers or {}
        for name in headers:
            if not name.lower().startswith(_FORWARDED_PREFIX):
                raise ValueError(
                    f'"{name}" would not come back: names of such headers begin with X-CB-'
                )
        content = await self._transport.request_bytes(
            "POST",
            self._transport.build_calling_url("/callouts"),
            encode_callout(callout),
            headers=headers,
        )
        return convert_result(get_first_field(parse_json(content), "callId", "callid"), str)


class Calls(ApiRoutes):
    """Calls that are in progress or have just ended. `call` is a call's id, or its callResourceUrl,
    which finds it in its own region.
    """

    async def get_info(self, call: str) -> CallInfo:
        """The state of the call, or how it ended."""
        return convert_result(
            await self._transport.request_json("GET", self._build_url(call)), CallInfo
        )

    async def update(self, call: str, svaml: SvamlInput) -> None:
        """Send SVAML to a call: say, play, hang up, continue. A parked call takes whatever its ICE
        would have taken.
        """
        await self._transport.request_bytes(
            "PATCH", self._build_url(call), to_svaml_text(svaml).encode()
        )

    async def update_leg(
        self, call: str, leg: Literal["caller", "callee", "both"], svaml: SvamlInput
    ) -> None:
        """Say or play something to one end of a call."""
        await self._transport.request_bytes(
            "PATCH", f"{self._build_url(call)}/leg/{leg}", to_svaml_text(svaml).encode()
        )

    async def report(
        self, call: str, status: Literal["success", "failure"], details: str = ""
    ) -> None:
        """Tell the platform whether the call went well, for its records; it keeps 64 characters of
        `details`.
        """
        await self._transport.request_bytes(
            "POST",
            self._transport.build_calling_url(f"/callreport/callId{build_path(call)}"),
            {"status": status, "details": details},
        )

    def _build_url(self, call: str) -> str:
        return build_call_url(call, self._transport.hosts.traffic)


class Conferences(ApiRoutes):
    """Conferences in progress. Each lives in one region: use the host of that."""

    async def list_participants(self, conference: str) -> list[Participant]:
        """The participants; `NotFoundError` when there are none."""
        data = await self._transport.request_json("GET", self._build_url(conference))
        return convert_result(
            rename_key(get_first_field(data, "participants"), "callId", "id"), list[Participant]
        )

    async def end(self, conference: str) -> None:
        """Hang up on all participants."""
        await self._transport.request_bytes("DELETE", self._build_url(conference))

    async def kick(self, conference: str, call: str) -> None:
        """Hang up on one participant."""
        await self._transport.request_bytes("DELETE", self._build_url(conference, call))

    async def mute(self, conference: str, call: str) -> None:
        """Mute a participant."""
        await self._send_command(conference, call, "mute")

    async def unmute(self, conference: str, call: str) -> None:
        """Unmute a participant."""
        await self._send_command(conference, call, "unmute")

    async def hold(
        self,
        conference: str,
        call: str,
        moh: Literal["", "ring", "music1", "music2", "music3"] = "",
    ) -> None:
        """Put a participant on hold, who then neither hears nor is heard; with music, if given."""
        await self._send_command(conference, call, "onhold", {"moh": moh} if moh else {})

    async def resume(self, conference: str, call: str) -> None:
        """Take a participant off hold."""
        await self._send_command(conference, call, "resume")

    async def _send_command(
        self, conference: str, call: str, command: str, more: Mapping[str, str] | None = None
    ) -> None:
        await self._transport.request_bytes(
            "PATCH", self._build_url(conference, call), {"command": command, **(more or {})}
        )

    def _build_url(self, *parts: str) -> str:
        return self._transport.build_calling_url(f"/conferences/id{build_path(*parts)}")
