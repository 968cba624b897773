"""Happenings for programs (JSON) and for people (lines of text)."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import fields
from typing import Any

import msgspec
from starlette.responses import Response, StreamingResponse

from flowengine.switch.api.desk import Desk
from flowengine.switch.happenings import Asks, Ended, Happening, Remark, Sound, Told


def as_json(happening: Happening) -> dict[str, Any]:
    """A happening with its kind as `what`; bodies are shown as what they hold."""
    told = {field.name: plain(getattr(happening, field.name)) for field in fields(happening)}
    return {"what": happening.what, **told}


def plain(value: Any) -> Any:
    return content(value) if isinstance(value, bytes) else msgspec.to_builtins(value)


def content(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")


def line(happening: Happening) -> str:
    """When, what, and what about it; below that, line by line, what is wrong with an answer."""
    told = [
        getattr(happening, field.name)
        for field in fields(happening)
        if field.name not in ("call", "at", "illegal", "tolerated")
    ]
    words = " ".join(word(value) for value in told if value)
    first = f"{happening.at:%H:%M:%S} {happening.what} {words}".rstrip() + "\n"
    if isinstance(happening, Told | Remark):
        return first + "".join(findings(happening))
    return first


def word(value: Any) -> str:
    if isinstance(value, Sound):
        seconds = f" ({value.seconds:.1f} s)" if value.seconds else ""
        return f"{value.kind}{seconds}: {value.text}" if value.text else f"{value.kind}{seconds}"
    return value if isinstance(value, str) else msgspec.json.encode(plain(value)).decode()


def findings(told: Told | Remark) -> Iterator[str]:
    for kind, found in (("illegal", told.illegal), ("tolerated", told.tolerated)):
        for item in found:
            yield f"         {kind}: {': '.join(filter(None, (item.where, item.message)))}; {item.cure}\n"


def over(happenings: Sequence[Happening]) -> bool:
    """Whether the call has ended, and nothing that its backend was told of it, such as its end, is
    still under way.
    """
    kinds = [type(item) for item in happenings]
    return Ended in kinds and kinds.count(Asks) == kinds.count(Told)


def stream(desk: Desk, call_id: str) -> Response:
    """All that happens to a call, as it happens, until its end."""

    async def lines() -> AsyncIterator[str]:
        after = 0
        while True:
            found = desk.happenings.get(call_id, [])[:]
            for item in found[after:]:
                yield line(item)
            if over(found):
                return
            after = len(found)
            await desk.more(call_id, after)

    return StreamingResponse(lines(), media_type="text/plain; charset=utf-8")
