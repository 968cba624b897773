"""Numbers, callback URLs, recordings and reports: the routes about an account."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from flowengine.sinch.client.hosts import path
from flowengine.sinch.client.results import (
    CallbackUrls,
    Counter,
    NumberInfo,
    OwnNumber,
    Recording,
    Service,
    UserCalls,
    part,
    respelt,
    understood,
)
from flowengine.sinch.client.wire import Routes


class Numbers(Routes):
    """The account's own numbers, and what is known of others."""

    async def all(self) -> list[OwnNumber]:
        """Every number, with the application that it reaches."""
        data = await self._wire.ask("GET", self._url())
        return understood(
            respelt(part(data, "numbers"), "applicationKey", "applicationkey"), list[OwnNumber]
        )

    async def assign(
        self, numbers: Iterable[str], application_key: str = "", capability: str = "voice"
    ) -> None:
        """Let up to 100 numbers reach an application; without a key, that of the credentials."""
        await self._wire.fetch(
            "POST", self._url(), {"numbers": list(numbers), **_owner(application_key, capability)}
        )

    async def unassign(
        self, number: str, application_key: str = "", capability: str = "voice"
    ) -> None:
        """Let a number reach nobody."""
        await self._wire.fetch(
            "DELETE", self._url(), {"number": number, **_owner(application_key, capability)}
        )

    async def query(self, number: str) -> NumberInfo:
        """What kind of number it is. The platform takes it in any format, and is about to give up
        this route.
        """
        data = await self._wire.ask(
            "GET", self._wire.configuration(f"/calling/query/number{path(number)}")
        )
        return understood(part(data, "number", "numberItem"), NumberInfo)

    def _url(self) -> str:
        return self._wire.configuration("/configuration/numbers")


class Callbacks(Routes):
    """Where applications are asked."""

    async def get(self, application_key: str) -> CallbackUrls:
        """The URLs of an application."""
        return understood(
            part(await self._wire.ask("GET", self._url(application_key)), "url"), CallbackUrls
        )

    async def set(self, application_key: str, primary: str, fallback: str = "") -> None:
        """Replace both."""
        urls = {"primary": primary, "fallback": fallback} if fallback else {"primary": primary}
        await self._wire.fetch("POST", self._url(application_key), {"url": urls})

    def _url(self, application_key: str) -> str:
        return self._wire.configuration(
            f"/configuration/callbacks/applications{path(application_key)}"
        )


class Recordings(Routes):
    """Recordings that the platform keeps itself."""

    async def all(
        self, begin: datetime, end: datetime, page: int = 1, page_size: int = 100
    ) -> list[Recording]:
        """One page of those made between two times."""
        params: dict[str, str | int] = {
            "from": _time(begin),
            "to": _time(end),
            "page": page,
            "pageSize": page_size,
        }
        return understood(
            await self._wire.ask("GET", self._wire.traffic("/recording"), params=params) or [],
            list[Recording],
        )

    async def content(self, key: str) -> bytes:
        """The audio, all of it in memory."""
        return await self._wire.fetch("GET", self._url(key))

    async def delete(self, key: str) -> None:
        """Let the platform forget it."""
        await self._wire.fetch("DELETE", self._url(key))

    def _url(self, key: str) -> str:
        return self._wire.traffic(f"/recording{path(key)}")


class Reports(Routes):
    """The Reporting API, which takes signed requests only."""

    async def user_calls(
        self,
        kind: str,
        endpoint: str,
        domain: Literal["data", "pstn"],
        begin: datetime,
        end: datetime,
    ) -> UserCalls:
        """How the calls of one user went between two times; `kind` is such as username or number."""
        url = self._wire.reporting(f"/users{path(kind, endpoint)}/calls{path(domain)}")
        return understood(
            await self._wire.ask("GET", url, params={"_start": _time(begin), "_stop": _time(end)}),
            UserCalls,
        )

    async def counter(self, name: str = "currentcalls") -> Counter:
        """A count, which the platform renews every two minutes."""
        return understood(
            await self._wire.ask("GET", self._wire.reporting(f"/counters{path(name)}")), Counter
        )

    async def service(self, name: str) -> Literal["up", "down"]:
        """Whether a service of the platform runs."""
        return understood(
            await self._wire.ask("GET", self._wire.reporting(f"/services{path(name)}")), Service
        ).status


def _owner(application_key: str, capability: str) -> dict[str, str]:
    return (
        {"applicationkey": application_key, "capability": capability}
        if application_key
        else {"capability": capability}
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
