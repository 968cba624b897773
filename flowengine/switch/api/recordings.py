"""Route 15: recordings that the switch holds."""

from datetime import UTC, datetime
from typing import Any

from flowengine.switch.api.asked import NO_CONTENT, Answer, Asked, told
from flowengine.switch.api.desk import Desk
from flowengine.switch.errors import ApiError
from flowengine.switch.media.recording import Recording

PAGE = 20
BEGIN, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "ogg": "audio/ogg"}


def recordings(desk: Desk, asked: Asked) -> Answer:
    """What was recorded between two times, page by page."""
    begin, end = asked.time("from", BEGIN), asked.time("to", END)
    page, size = asked.count("page", 1), asked.count("pageSize", PAGE)
    found = [
        item for item in desk.exchange.recordings.between(begin, end) if owned(desk, asked, item)
    ]
    return told([shown(item) for item in found[(page - 1) * size : page * size]])


def shown(item: Recording) -> dict[str, Any]:
    return {
        "key": item.key,
        "url": item.url,
        "createdOn": item.created,
        "expiresOn": item.expires,
        "headers": {},
    }


def owned(desk: Desk, asked: Asked, item: Recording) -> bool:
    """Whether it was made of a call of the application that asks."""
    if call := desk.exchange.calls.get(item.call_id):
        return call.application_key == asked.application
    report = desk.kept.reports.get(item.call_id)
    return report is not None and report.application == asked.application


def found(desk: Desk, asked: Asked) -> Recording:
    item = desk.exchange.recordings.get(asked.path["key"])
    if item is None or not owned(desk, asked, item):
        raise ApiError(40400, "Recording not found")
    return item


def recording(desk: Desk, asked: Asked) -> Answer:
    """The sound itself."""
    item = found(desk, asked)
    return Answer(
        200, item.content, TYPES.get(item.key.rpartition(".")[2], "application/octet-stream")
    )


def delete(desk: Desk, asked: Asked) -> Answer:
    """Forget a recording."""
    desk.exchange.recordings.delete(found(desk, asked).key)
    return NO_CONTENT


def keyless(_: Desk, __: Asked) -> Answer:
    """Which one is not said."""
    raise ApiError(40002, "No key")
