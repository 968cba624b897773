"""Events as JSON and as lines of text."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import fields
from starlette.responses import Response, StreamingResponse

from flowengine.switch.api.switch_context import SwitchContext
from flowengine.switch.switch_events import (
    AnswerReceived,
    CallbackSent,
    CallEnded,
    Remark,
    Sound,
    SwitchEvent,
)


def to_json_object(event: SwitchEvent) -> dict[str, Any]:
    """An event with its kind as `what`; bodies are shown as what they hold."""
    told = {field.name: to_plain_value(getattr(event, field.name)) for field in fields(event)}
    return {"what": event.what, **told}


def to_plain_value(value: Any) -> Any:
    return decode_body(value) if isinstance(value, bytes) else msgspec.to_builtins(value)


def decode_body(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode(errors="replace")


def format_event(event: SwitchEvent) -> str:
    """When, what, and what about it; below that, line by line, what is wrong with an answer."""
    told = [
        getattr(event, field.name)
        for field in fields(event)
        if field.name not in ("call", "at", "illegal", "tolerated")
    ]
    words = " ".join(format_value(value) for value in told if value)
    first = f"{event.at:%H:%M:%S} {event.what} {words}".rstrip() + "\n"
    if isinstance(event, AnswerReceived | Remark):
        return first + "".join(format_findings(event))
    return first


def format_value(value: Any) -> str:
    if isinstance(value, Sound):
        seconds = f" ({value.seconds:.1f} s)" if value.seconds else ""
        return f"{value.kind}{seconds}: {value.text}" if value.text else f"{value.kind}{seconds}"
    return value if isinstance(value, str) else msgspec.json.encode(to_plain_value(value)).decode()


def format_findings(answer: AnswerReceived | Remark) -> Iterator[str]:
    for kind, found in (("illegal", answer.illegal), ("tolerated", answer.tolerated)):
        for item in found:
            yield f"         {kind}: {': '.join(filter(None, (item.where, item.message)))}; {item.cure}\n"


def is_call_over(switch_events: Sequence[SwitchEvent]) -> bool:
    """Whether the call has ended, and no callback of it, such as DiCE, is still in flight."""
    kinds = [type(item) for item in switch_events]
    # every callback has one answer event, a failed one, too
    return CallEnded in kinds and kinds.count(CallbackSent) == kinds.count(AnswerReceived)


def stream_events(context: SwitchContext, call_id: str) -> Response:
    """The events of a call as they happen, until its end."""

    async def generate_lines() -> AsyncIterator[str]:
        after = 0
        while True:
            # a copy, as events are added while lines are written
            found = context.events.get(call_id, [])[:]
            for item in found[after:]:
                yield format_event(item)
            if is_call_over(found):
                return
            after = len(found)
            await context.wait_for_events(call_id, after)

    return StreamingResponse(generate_lines(), media_type="text/plain; charset=utf-8")
