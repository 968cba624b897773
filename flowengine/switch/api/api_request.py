"""A request and a reply as handlers see them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from flowengine.switch.api_error import ApiError

REPLY_CONTENT_TYPE = "application/json"


class ApiRequest(msgspec.Struct, frozen=True):
    """An authenticated request. `application` is the key of its sender; `path` holds the parameters
    of the route.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    application: str = ""

    def read_fields(self, code: int = 40001) -> dict[str, Any]:
        """The body as a JSON object; anything else is refused with this code."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise ApiError(code, f"Invalid parameters: {error}") from error

    def read_time(self, name: str, otherwise: datetime) -> datetime:
        """A point in time of the query."""
        text = self.query.get(name, "")
        try:
            found = datetime.fromisoformat(text) if text else otherwise
        except ValueError as error:
            raise ApiError(40001, f"Invalid parameters: {name} must be an ISO 8601 time") from error
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def read_count(self, name: str, otherwise: int, least: int = 1) -> int:
        """A whole number of the query."""
        text = self.query.get(name, str(otherwise))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= least):
            raise ApiError(40001, f"Invalid parameters: {name} must be a number from {least} on")
        return int(text)


class ApiReply(msgspec.Struct, frozen=True):
    """The reply to a request."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = REPLY_CONTENT_TYPE
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    is_lost: bool = False
    """The connection closes before this reply has arrived"""


def build_json_reply(value: Any, status: int = 200) -> ApiReply:
    """A value as JSON."""
    return ApiReply(status, msgspec.json.encode(value))


EMPTY_REPLY = ApiReply()
NO_CONTENT_REPLY = ApiReply(204, b"")
LOST_REPLY = ApiReply(is_lost=True)
