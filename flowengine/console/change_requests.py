"""Requests of pages that change something."""

from typing import TypeVar

import msgspec
from starlette.requests import Request

from flowengine.console.access import RequestRefusedError
from flowengine.limits import MAX_ADMIN_BYTES

ChangeT = TypeVar("ChangeT")
# the last one of JSON that is nested too deeply
UNREADABLE_JSON_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


async def read_change(
    request: Request, kind: type[ChangeT], max_bytes: int = MAX_ADMIN_BYTES
) -> ChangeT:
    """What a page asks for. Raises RequestRefusedError."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > max_bytes:
            raise RequestRefusedError(f"a request has at most {max_bytes} bytes", 413)
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except UNREADABLE_JSON_ERRORS as error:
        raise RequestRefusedError(str(error), 400) from error
