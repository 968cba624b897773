"""From the bytes of an answer to what they say."""

from collections.abc import Mapping

import msgspec

from flowengine.limits import MAX_COOKIE_BYTES
from flowengine.svaml import decode
from flowengine.switch.happenings import Finding
from flowengine.switch.reading.reading import Context, Reading
from flowengine.switch.settings import Settings


def read(body: bytes, context: Context, settings: Settings, *, app_origin: bool = False) -> Reading:  # noqa: ARG001
    if not body.strip():
        return Reading()
    try:
        answer = decode(body)
    except msgspec.MsgspecError as error:
        return Reading(illegal=(Finding("", f"the answer is not readable: {error}", "answer with SVAML"),))
    return Reading(answer.instructions, answer.action)


def cookie_findings(before: Mapping[str, str], new: Mapping[str, str]) -> tuple[Finding, ...]:
    cookies = {**before, **new}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in cookies.items())
    if size <= MAX_COOKIE_BYTES:
        return ()
    return (Finding("instructions", f"cookies of {size} bytes; a call keeps {MAX_COOKIE_BYTES}", "keep less"),)
