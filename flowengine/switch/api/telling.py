"""Happenings for programs (JSON) and for people (lines of text)."""

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from flowengine.switch.api.desk import Desk
from flowengine.switch.happenings import Ended, Happening


def as_json(happening: Happening) -> dict[str, Any]:
    """A happening with its kind as `what`; bodies are shown as what they hold."""
    told = {field.name: plain(getattr(happening, field.name)) for field in fields(happening)}
    return {"what": type(happening).__name__.lower(), **told}


def plain(value: Any) -> Any:
    return content(value) if isinstance(value, bytes) else msgspec.to_builtins(value)


def content(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")


def line(happening: Happening) -> str:
    """One line: when, what, and what about it."""
    told = as_json(happening)
    rest = [value for name, value in told.items() if name not in ("what", "call", "at") and (value or value == 0)]
    words = " ".join(value if isinstance(value, str) else msgspec.json.encode(value).decode() for value in rest)
    return f"{happening.at:%H:%M:%S} {told['what']} {words}".rstrip() + "\n"


def stream(desk: Desk, call_id: str) -> Response:
    """All that happens to a call, as it happens, until its end."""

    async def lines() -> AsyncIterator[str]:
        after = 0
        while True:
            found = desk.happenings.get(call_id, [])[after:]
            for item in found:
                yield line(item)
            if any(isinstance(item, Ended) for item in found):
                return
            after += len(found)
            await desk.more(call_id, after)

    return StreamingResponse(lines(), media_type="text/plain; charset=utf-8")
