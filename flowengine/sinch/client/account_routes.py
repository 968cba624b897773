"""Numbers, callback URLs, recordings and reports: the routes about an account."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from flowengine.sinch.client.api_transport import ApiRoutes
from flowengine.sinch.client.hosts import build_path
from flowengine.sinch.client.results import (
    CallbackUrls,
    Counter,
    NumberInfo,
    OwnNumber,
    PlatformService,
    StoredRecording,
    UserCalls,
    convert_result,
    get_first_field,
    rename_key,
)


class NumberRoutes(ApiRoutes):
    """The account's own numbers, and information about others."""

    async def list_all(self) -> list[OwnNumber]:
        """All numbers, each with the application that it reaches."""
        data = await self._transport.request_json("GET", self._build_url())
        return convert_result(
            rename_key(get_first_field(data, "numbers"), "applicationKey", "applicationkey"),
            list[OwnNumber],
        )

    async def assign(
        self, numbers: Iterable[str], application_key: str = "", capability: str = "voice"
    ) -> None:
        """Assign up to 100 numbers to an application; without a key, to that of the credentials."""
        await self._transport.request_bytes(
            "POST",
            self._build_url(),
            {"numbers": list(numbers), **_build_owner_fields(application_key, capability)},
        )

    async def unassign(
        self, number: str, application_key: str = "", capability: str = "voice"
    ) -> None:
        """Remove a number from its application."""
        await self._transport.request_bytes(
            "DELETE",
            self._build_url(),
            {"number": number, **_build_owner_fields(application_key, capability)},
        )

    async def query_number(self, number: str) -> NumberInfo:
        """The kind of a number, in any format. The platform has deprecated this route."""
        data = await self._transport.request_json(
            "GET",
            self._transport.build_configuration_url(f"/calling/query/number{build_path(number)}"),
        )
        return convert_result(get_first_field(data, "number", "numberItem"), NumberInfo)

    def _build_url(self) -> str:
        return self._transport.build_configuration_url("/configuration/numbers")


class CallbackRoutes(ApiRoutes):
    """The callback URLs of applications."""

    async def get(self, application_key: str) -> CallbackUrls:
        """The URLs of an application."""
        return convert_result(
            get_first_field(
                await self._transport.request_json("GET", self._build_url(application_key)), "url"
            ),
            CallbackUrls,
        )

    async def set(self, application_key: str, primary: str, fallback: str = "") -> None:
        """Set both URLs of an application."""
        urls = {"primary": primary, "fallback": fallback} if fallback else {"primary": primary}
        await self._transport.request_bytes("POST", self._build_url(application_key), {"url": urls})

    def _build_url(self, application_key: str) -> str:
        return self._transport.build_configuration_url(
            f"/configuration/callbacks/applications{build_path(application_key)}"
        )


class RecordingRoutes(ApiRoutes):
    """Recordings in the platform's own storage."""

    async def list_page(
        self, begin: datetime, end: datetime, page: int = 1, page_size: int = 100
    ) -> list[StoredRecording]:
        """One page of the recordings made between two times."""
        params: dict[str, str | int] = {
            "from": _format_time(begin),
            "to": _format_time(end),
            "page": page,
            "pageSize": page_size,
        }
        return convert_result(
            await self._transport.request_json(
                "GET", self._transport.build_calling_url("/recording"), params=params
            )
            or [],
            list[StoredRecording],
        )

    async def download(self, key: str) -> bytes:
        """The audio, all of it in memory."""
        return await self._transport.request_bytes("GET", self._build_url(key))

    async def delete(self, key: str) -> None:
        """Delete the recording."""
        await self._transport.request_bytes("DELETE", self._build_url(key))

    def _build_url(self, key: str) -> str:
        return self._transport.build_calling_url(f"/recording{build_path(key)}")


class ReportRoutes(ApiRoutes):
    """The Reporting API, which takes signed requests only."""

    async def get_user_calls(
        self,
        kind: str,
        endpoint: str,
        domain: Literal["data", "pstn"],
        begin: datetime,
        end: datetime,
    ) -> UserCalls:
        """The calls of one user between two times; `kind` is such as username or number."""
        url = self._transport.build_reporting_url(
            f"/users{build_path(kind, endpoint)}/calls{build_path(domain)}"
        )
        return convert_result(
            await self._transport.request_json(
                "GET", url, params={"_start": _format_time(begin), "_stop": _format_time(end)}
            ),
            UserCalls,
        )

    async def get_counter(self, name: str = "currentcalls") -> Counter:
        """A count, which the platform renews every two minutes."""
        return convert_result(
            await self._transport.request_json(
                "GET", self._transport.build_reporting_url(f"/counters{build_path(name)}")
            ),
            Counter,
        )

    async def get_service_status(self, name: str) -> Literal["up", "down"]:
        """Whether a service of the platform runs."""
        return convert_result(
            await self._transport.request_json(
                "GET", self._transport.build_reporting_url(f"/services{build_path(name)}")
            ),
            PlatformService,
        ).status


def _build_owner_fields(application_key: str, capability: str) -> dict[str, str]:
    return (
        {"applicationkey": application_key, "capability": capability}
        if application_key
        else {"capability": capability}
    )


def _format_time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
