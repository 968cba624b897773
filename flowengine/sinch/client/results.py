"""Results of the APIs, in whatever spelling they came."""

from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec.structs import force_setattr

from flowengine.sinch.callback_events import CallTarget, Money
from flowengine.sinch.client.api_errors import CallingApiError
from flowengine.sinch.client.number_redaction import RedactedStruct

ResultType = TypeVar("ResultType")


class CallInfo(RedactedStruct, frozen=True, rename="camel"):
    """A call in progress (`status` is ONGOING) or ended (FINAL); results and reasons are those of
    the last callback, and more.
    """

    call_id: str = ""
    from_: CallTarget = msgspec.field(default=CallTarget(), name="from")
    to: CallTarget = CallTarget()
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


class Participant(RedactedStruct, frozen=True):
    """A call that is in a conference."""

    call_id: str = msgspec.field(name="id")
    cli: str = ""
    duration: int = 0
    muted: bool = False
    on_hold: bool = msgspec.field(default=False, name="onhold")


class OwnNumber(RedactedStruct, frozen=True):
    """A number of this account, and the application that it reaches."""

    number: str
    application_key: str = msgspec.field(default="", name="applicationkey")
    capability: str = ""


class CallbackUrls(msgspec.Struct, frozen=True):
    """The callback URLs of an application; `fallback` is used after the primary has failed."""

    primary: str = ""
    fallback: str = ""


class NumberInfo(RedactedStruct, frozen=True, rename="camel"):
    """The kind of a number, and what a minute to it costs."""

    country_id: str = ""
    number_type: str = ""
    """Unknown, Fixed, Mobile or Other"""
    normalized_number: str = ""
    restricted: bool = False
    rate: Money = Money()


class StoredRecording(msgspec.Struct, frozen=True, rename="camel"):
    """A recording that the platform keeps."""

    key: str
    url: str = ""
    created_on: str = ""
    expires_on: str = ""
    headers: Any = None


class UserCalls(msgspec.Struct, frozen=True):
    """Figures of the calls of one user."""

    success: int = 0
    failed: int = 0
    duration: int = 0
    start: str = ""


class Counter(msgspec.Struct, frozen=True):
    """A number that the platform keeps count of."""

    value: int = 0
    modified: str = ""


class PlatformService(msgspec.Struct, frozen=True):
    """Whether one of the platform's services runs."""

    status: Literal["up", "down"]


def parse_json(content: bytes) -> Any:
    """Decode the JSON of an answer, without its nulls: the platform treats them like absent keys"""
    try:
        return _drop_nulls(msgspec.json.decode(content)) if content else {}
    except (ValueError, RecursionError):
        raise make_response_error() from None


def get_first_field(data: Any, *spellings: str) -> Any:
    """The value of the first of these names that is there, else nothing"""
    return (
        next((data[name] for name in spellings if name in data), {})
        if isinstance(data, dict)
        else {}
    )


def rename_key(items: Any, old: str, new: str) -> Any:
    """Items with a key renamed to its other spelling"""
    if not isinstance(items, list):
        return items or []
    return [
        {new if key == old and new not in item else key: value for key, value in item.items()}
        for item in items
    ]


def convert_result(data: Any, kind: type[ResultType]) -> ResultType:
    try:
        return msgspec.convert(data, kind, strict=False)
    except ValueError:
        raise make_response_error() from None


def make_response_error() -> CallingApiError:
    return CallingApiError(200, 0, "the platform's answer is not what its description says")


def _drop_nulls(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _drop_nulls(value) for name, value in data.items() if value is not None}
    return [_drop_nulls(value) for value in data] if isinstance(data, list) else data
