"""Calls and conferences: the routes that carry traffic."""

from collections.abc import Mapping
from typing import Final, Literal

from flowengine.sinch.client.callouts import Callout, Svaml, body, inline
from flowengine.sinch.client.hosts import call_url, path
from flowengine.sinch.client.results import CallInfo, Participant, parsed, part, respelt, understood
from flowengine.sinch.client.wire import Routes

_FORWARDED: Final = "x-cb-"


class Callouts(Routes):
    """Placing calls."""

    async def place(
        self, callout: Callout, callback_headers: Mapping[str, str] | None = None
    ) -> str:
        """The id of the call, which its callbacks carry too. The call itself may still fail: its
        last callback says how it went.

        `callback_headers` come back with each callback; their names begin with `X-CB-`, and the
        platform keeps five.
        """
        headers = callback_headers or {}
        for name in headers:
            if not name.lower().startswith(_FORWARDED):
                raise ValueError(
                    f'"{name}" would not come back: names of such headers begin with X-CB-'
                )
        content = await self._wire.fetch(
            "POST", self._wire.traffic("/callouts"), body(callout), headers=headers
        )
        return understood(part(parsed(content), "callId", "callid"), str)


class Calls(Routes):
    """Calls under way or just over. `call` is a call's id, or its callResourceUrl, which finds it
    in its own region.
    """

    async def info(self, call: str) -> CallInfo:
        """How it stands, or how it ended."""
        return understood(await self._wire.ask("GET", self._url(call)), CallInfo)

    async def update(self, call: str, svaml: Svaml) -> None:
        """Say, play, hang up, go on; a parked call takes whatever its first callback would have."""
        await self._wire.fetch("PATCH", self._url(call), inline(svaml).encode())

    async def update_leg(
        self, call: str, leg: Literal["caller", "callee", "both"], svaml: Svaml
    ) -> None:
        """Say or play something that only one end hears."""
        await self._wire.fetch("PATCH", f"{self._url(call)}/leg/{leg}", inline(svaml).encode())

    async def report(
        self, call: str, status: Literal["success", "failure"], details: str = ""
    ) -> None:
        """Whether it went well, for the platform's records; of `details` it keeps 64 characters."""
        await self._wire.fetch(
            "POST",
            self._wire.traffic(f"/callreport/callId{path(call)}"),
            {"status": status, "details": details},
        )

    def _url(self, call: str) -> str:
        return call_url(call, self._wire.hosts.traffic)


class Conferences(Routes):
    """Conferences under way. Each lives in one region: ask its host."""

    async def participants(self, conference: str) -> list[Participant]:
        """Who is in it; `NotFound` when nobody is."""
        data = await self._wire.ask("GET", self._url(conference))
        return understood(respelt(part(data, "participants"), "callId", "id"), list[Participant])

    async def end(self, conference: str) -> None:
        """Hang up on everybody."""
        await self._wire.fetch("DELETE", self._url(conference))

    async def kick(self, conference: str, call: str) -> None:
        """Hang up on one."""
        await self._wire.fetch("DELETE", self._url(conference, call))

    async def mute(self, conference: str, call: str) -> None:
        """Let nobody hear them."""
        await self._command(conference, call, "mute")

    async def unmute(self, conference: str, call: str) -> None:
        """Let them be heard again."""
        await self._command(conference, call, "unmute")

    async def hold(
        self,
        conference: str,
        call: str,
        moh: Literal["", "ring", "music1", "music2", "music3"] = "",
    ) -> None:
        """Let them neither hear nor be heard; with music, if given."""
        await self._command(conference, call, "onhold", {"moh": moh} if moh else {})

    async def resume(self, conference: str, call: str) -> None:
        """Bring them back from hold."""
        await self._command(conference, call, "resume")

    async def _command(
        self, conference: str, call: str, command: str, more: Mapping[str, str] | None = None
    ) -> None:
        await self._wire.fetch(
            "PATCH", self._url(conference, call), {"command": command, **(more or {})}
        )

    def _url(self, *parts: str) -> str:
        return self._wire.traffic(f"/conferences/id{path(*parts)}")
