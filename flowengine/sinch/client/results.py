"""What the APIs tell, in whatever spelling it came."""

from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec.structs import force_setattr

from flowengine.sinch.client.discreet import Discreet
from flowengine.sinch.client.errors import ApiProblem
from flowengine.sinch.events import Destination, Money

Result = TypeVar("Result")


class CallInfo(Discreet, frozen=True, rename="camel"):
    """A call under way (`status` is ONGOING) or over (FINAL); results and reasons are those of the
    last callback, and more.
    """

    call_id: str = ""
    from_: Destination = msgspec.field(default=Destination(), name="from")
    to: Destination = Destination()
    domain: str = ""
    status: str = ""
    result: str = ""
    reason: str = ""
    duration: int = 0
    timestamp: datetime | None = None
    """With its zone: what comes without one is in UTC"""
    custom: str | dict[str, Any] = ""
    """As JSON where it is not text"""
    user_rate: Money = Money()
    debit: Money = Money()

    def __post_init__(self) -> None:
        if self.timestamp is not None and self.timestamp.tzinfo is None:
            force_setattr(self, "timestamp", self.timestamp.replace(tzinfo=UTC))
        if not isinstance(self.custom, str):
            force_setattr(self, "custom", msgspec.json.encode(self.custom).decode())


class Participant(Discreet, frozen=True):
    """A call that is in a conference."""

    call_id: str = msgspec.field(name="id")
    cli: str = ""
    duration: int = 0
    muted: bool = False
    on_hold: bool = msgspec.field(default=False, name="onhold")


class OwnNumber(Discreet, frozen=True):
    """A number of this account, and the application that it reaches."""

    number: str
    application_key: str = msgspec.field(default="", name="applicationkey")
    capability: str = ""


class CallbackUrls(msgspec.Struct, frozen=True):
    """Where an application is asked; `fallback` after the primary has failed."""

    primary: str = ""
    fallback: str = ""


class NumberInfo(Discreet, frozen=True, rename="camel"):
    """What kind of number it is, and what a minute to it costs."""

    country_id: str = ""
    number_type: str = ""
    """Unknown, Fixed, Mobile or Other"""
    normalized_number: str = ""
    restricted: bool = False
    rate: Money = Money()


class Recording(msgspec.Struct, frozen=True, rename="camel"):
    """A recording that the platform keeps."""

    key: str
    url: str = ""
    created_on: str = ""
    expires_on: str = ""
    headers: Any = None


class UserCalls(msgspec.Struct, frozen=True):
    """How the calls of one user went."""

    success: int = 0
    failed: int = 0
    duration: int = 0
    start: str = ""


class Counter(msgspec.Struct, frozen=True):
    """A number that the platform keeps count of."""

    value: int = 0
    modified: str = ""


class Service(msgspec.Struct, frozen=True):
    """Whether one of the platform's services runs."""

    status: Literal["up", "down"]


def parsed(content: bytes) -> Any:
    """The JSON of an answer, without what is null in it: the same as absent, everywhere"""
    try:
        return _without_nulls(msgspec.json.decode(content)) if content else {}
    except (ValueError, RecursionError):
        raise not_understood() from None


def part(data: Any, *spellings: str) -> Any:
    """What stands under the first of these names; nothing where none is there"""
    return (
        next((data[name] for name in spellings if name in data), {})
        if isinstance(data, dict)
        else {}
    )


def respelt(items: Any, old: str, new: str) -> Any:
    """Items in which a name stands in its other spelling"""
    if not isinstance(items, list):
        return items or []
    return [
        {new if key == old and new not in item else key: value for key, value in item.items()}
        for item in items
    ]


def understood(data: Any, kind: type[Result]) -> Result:
    try:
        return msgspec.convert(data, kind, strict=False)
    except ValueError:
        raise not_understood() from None


def not_understood() -> ApiProblem:
    return ApiProblem(200, 0, "the platform's answer is not what its description says")


def _without_nulls(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_nulls(value) for name, value in data.items() if value is not None}
    return [_without_nulls(value) for value in data] if isinstance(data, list) else data
