"""Route 15: recordings that the switch holds."""

from datetime import UTC, datetime
from typing import Any

from flowengine.switch.api.api_request import (
    NO_CONTENT_REPLY,
    ApiReply,
    ApiRequest,
    build_json_reply,
)
from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.api_error import ApiError
from flowengine.switch.media.recording import RecordedFile

DEFAULT_PAGE_SIZE = 20
EARLIEST_TIME, LATEST_TIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
AUDIO_CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg"}


def list_recordings(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """What was recorded between two times, page by page."""
    begin, end = asked.read_time("from", EARLIEST_TIME), asked.read_time("to", LATEST_TIME)
    page, size = asked.read_count("page", 1), asked.read_count("pageSize", DEFAULT_PAGE_SIZE)
    found = [
        item
        for item in desk.exchange.recordings.find_between(begin, end)
        if is_own_recording(desk, asked, item)
    ]
    return build_json_reply(
        [format_recording(item) for item in found[(page - 1) * size : page * size]]
    )


def format_recording(item: RecordedFile) -> dict[str, Any]:
    return {
        "key": item.key,
        "url": item.url,
        "createdOn": item.created,
        "expiresOn": item.expires,
        "headers": {},
    }


def is_own_recording(desk: SwitchContext, asked: ApiRequest, item: RecordedFile) -> bool:
    """Whether it was made of a call of the application that asks."""
    if call := desk.exchange.calls.get(item.call_id):
        return call.application_key == asked.application
    report = desk.persistence.ended_calls.get(item.call_id)
    return report is not None and report.application == asked.application


def find_recording(desk: SwitchContext, asked: ApiRequest) -> RecordedFile:
    item = desk.exchange.recordings.get(asked.path["key"])
    if item is None or not is_own_recording(desk, asked, item):
        raise ApiError(40400, "Recording not found")
    return item


def get_recording(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """The audio."""
    item = find_recording(desk, asked)
    return ApiReply(
        200,
        item.content,
        AUDIO_CONTENT_TYPES.get(item.key.rpartition(".")[2], "application/octet-stream"),
    )


def delete_recording(desk: SwitchContext, asked: ApiRequest) -> ApiReply:
    """Delete a recording."""
    desk.exchange.recordings.delete(find_recording(desk, asked).key)
    return NO_CONTENT_REPLY


def reject_missing_key(_: SwitchContext, __: ApiRequest) -> ApiReply:
    """Refuse a request that names no recording."""
    raise ApiError(40002, "No key")
