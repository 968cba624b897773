"""Route 15: recordings."""

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


def list_recordings(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """What was recorded between two times, page by page."""
    begin, end = request.read_time("from", EARLIEST_TIME), request.read_time("to", LATEST_TIME)
    page, size = request.read_count("page", 1), request.read_count("pageSize", DEFAULT_PAGE_SIZE)
    found = [
        item
        for item in context.exchange.recordings.find_between(begin, end)
        if is_own_recording(context, request, item)
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


def is_own_recording(context: SwitchContext, request: ApiRequest, item: RecordedFile) -> bool:
    """Whether it was made of a call of the application that asks."""
    if call := context.exchange.calls.get(item.call_id):
        return call.application_key == request.application
    report = context.persistence.ended_calls.get(item.call_id)
    return report is not None and report.application == request.application


def find_recording(context: SwitchContext, request: ApiRequest) -> RecordedFile:
    item = context.exchange.recordings.get(request.path["key"])
    # 404 for both, so that nobody learns of recordings of others
    if item is None or not is_own_recording(context, request, item):
        raise ApiError(40400, "Recording not found")
    return item


def get_recording(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """The audio."""
    item = find_recording(context, request)
    return ApiReply(
        200,
        item.content,
        AUDIO_CONTENT_TYPES.get(item.key.rpartition(".")[2], "application/octet-stream"),
    )


def delete_recording(context: SwitchContext, request: ApiRequest) -> ApiReply:
    """Delete a recording."""
    context.exchange.recordings.delete(find_recording(context, request).key)
    return NO_CONTENT_REPLY


def reject_missing_key(_: SwitchContext, __: ApiRequest) -> ApiReply:
    """Refuse a request that names no recording."""
    raise ApiError(40002, "No key")
