"""Asks a server to place calls, with the token of its admin."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
import msgspec

from flowengine.cross_site import is_loopback
from flowengine.environment import VARIABLES
from flowengine.limits import MAX_PLACEMENTS_PER_REQUEST
from flowengine.server.admin import ADMIN_PREFIX
from flowengine.server.placements import PlacementsReply, PlacementView
from flowengine.server.secret_variables import ADMIN_TOKEN

PLACEMENT_REQUEST_SECONDS = 30.0
FOREIGN_ANSWER = "this is no answer of a flowengine server"
MAX_IDS_PER_REQUEST = 100  # they stand in the address


class PlacementClientError(Exception):
    """The server cannot be reached, or has refused the request; the message says why."""


class ServerUnreachableError(PlacementClientError):
    """The server does not answer now, and may do so later."""


class PlacementClient:
    """One server. `transport` is for tests."""

    def __init__(self, server: str, transport: httpx.BaseTransport | None = None) -> None:
        token = VARIABLES.get(ADMIN_TOKEN, "")
        if not token:
            raise click.UsageError(f"set {ADMIN_TOKEN} to the token of the server")
        if not (token.isascii() and token.isprintable()):  # no header can have it
            raise click.UsageError(f"{ADMIN_TOKEN} has characters that no token has")
        self._client = httpx.Client(
            base_url=server.rstrip("/"),
            headers={"authorization": f"Bearer {token}"},
            timeout=PLACEMENT_REQUEST_SECONDS,
            trust_env=not is_loopback(urlsplit(server).hostname or ""),  # no proxy leads here
            transport=transport,
        )
        self._path = f"{ADMIN_PREFIX}/place"
        self._clock_offset = 0.0

    def close(self) -> None:
        self._client.close()

    def read_clock(self) -> float:
        """The time in seconds since 1970, by the clock of the server as its latest answer told it."""
        return time.time() + self._clock_offset  # the clock of this machine counts while it sleeps

    def place(
        self, options: Mapping[str, Any], calls: Sequence[Mapping[str, Any]], **how: bool
    ) -> list[PlacementView]:
        """Place these calls, or with `check` only tell what is wrong in them; one answer for each.
        Raises PlacementClientError.
        """
        found: list[PlacementView] = []
        for start in range(0, len(calls), MAX_PLACEMENTS_PER_REQUEST):
            part = calls[start : start + MAX_PLACEMENTS_PER_REQUEST]
            content = msgspec.json.encode({**options, "calls": part, **how})
            found += self._send(len(part), "POST", content=content)
        return found

    def load(self, ids: Iterable[str]) -> list[PlacementView]:
        """What has become of these placements. Raises PlacementClientError."""
        return self._send_ids("GET", ids)

    def cancel(self, ids: Iterable[str], who: str) -> list[PlacementView]:
        """Cancel these placements, as somebody with this name asks. Raises PlacementClientError."""
        return self._send_ids("DELETE", ids, headers={"x-who": who.encode()})

    def load_open(self) -> PlacementsReply:
        """What is not over, as much as the server shows at once. Raises PlacementClientError."""
        return self._request("GET", None)

    def _send_ids(self, method: str, ids: Iterable[str], **request: Any) -> list[PlacementView]:
        """One answer for each placement."""
        found: list[PlacementView] = []
        wanted = list(ids)
        for start in range(0, len(wanted), MAX_IDS_PER_REQUEST):
            part = wanted[start : start + MAX_IDS_PER_REQUEST]
            params = [("id", one) for one in part]
            found += self._send(len(part), method, params=params, **request)
        return found

    def _send(self, wanted: int, method: str, **request: Any) -> tuple[PlacementView, ...]:
        """As many answers as are wanted."""
        return self._request(method, wanted, **request).placements

    def _request(self, method: str, wanted: int | None, **request: Any) -> PlacementsReply:
        try:
            answer = self._client.request(method, self._path, **request)
        except httpx.HTTPError as error:
            message = f"the server at {self._client.base_url} does not answer: {error}"
            raise ServerUnreachableError(message) from error
        try:
            reply = msgspec.json.decode(answer.content, type=PlacementsReply)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            reply = PlacementsReply(message=FOREIGN_ANSWER)
        is_complete = wanted in (None, len(reply.placements)) and not reply.message
        if reply.now:
            self._clock_offset = reply.now - time.time()
        if answer.is_success and is_complete:
            return reply
        hint = f"; the server needs {ADMIN_TOKEN}, too" if answer.status_code == 404 else ""
        message = f"{reply.message or FOREIGN_ANSWER} ({answer.status_code}){hint}"
        is_away = answer.status_code >= 500
        raise ServerUnreachableError(message) if is_away else PlacementClientError(message)
