"""Calls that are managed from outside while they last: SVAML of the Calling API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from flowengine.svaml import AnyInstruction, Continue, Park, PlayFiles, Say, SetCookie
from flowengine.switch.calls.activities import Conference, Parking
from flowengine.switch.calls.obeying import perform
from flowengine.switch.calls.performance import Performance
from flowengine.switch.errors import ApiError
from flowengine.switch.happenings import Finding
from flowengine.switch.reading import Context, Reading, cookie_findings, read

if TYPE_CHECKING:
    from flowengine.switch.calls.call import Call
    from flowengine.switch.calls.leg import Leg

Which = Literal["caller", "callee", "both"]
_NOT_FOUND: Final = "Call not found"
_MANAGED_ENDS: Final = {"phone", "sip", "stream"}
_RINGING: Final = Finding(
    "",
    "descriptions of the platform allow a PATCH of connected calls only, and this callout rings",
    "wait until it is answered (setting patch_ringing_callout)",
)


def patch(call: Call, body: bytes) -> None:
    """Obey an answer to a question that was never asked; a parked call takes whatever an answer to
    ICE could say.
    """
    _check(call)
    parked = isinstance(call.activity, Parking)
    reading = _read(call, body, "unpark" if parked else "patch")
    action = reading.action
    if action is None or (isinstance(action, Continue) and not parked):
        _interject(call, call.controlled, reading.instructions)
    else:
        call.obey(reading, action)


def patch_leg(call: Call, which: Which, body: bytes) -> None:
    """Let one end or both hear something; in conferences and callouts there is one end only."""
    _check(call)
    reading = _read(call, body, "patch_leg")
    legs = _legs(call, which)
    action = reading.action
    if isinstance(action, Continue | None):
        for leg in legs:
            _interject(call, leg, reading.instructions)
    else:
        for leg in legs[1:]:
            _interject(call, leg, reading.instructions)
        call.halt()
        call.performance = Performance(
            call, next(iter(legs), None), reading.instructions, partial(perform, call, action)
        )
        call.performance.start()


def _check(call: Call) -> None:
    if call.ended is not None:
        raise ApiError(40400, _NOT_FOUND)
    ends = {leg.kind for leg in (call.caller, call.callee) if leg is not None}
    if ends and not ends & _MANAGED_ENDS:
        message = "Invalid request: only calls from or to the PSTN or SIP can be managed"
        raise ApiError(40003, message)
    if call.origin.is_callout and call.answered_at is None:
        if not call.exchange.settings.patch_ringing_callout:
            raise ApiError(40003, "Invalid request: nobody has answered the callout yet")
        call.callbacks.remark("patch", tolerated=(_RINGING,))


def _read(call: Call, body: bytes, context: Context) -> Reading:
    reading = read(body, context, call.exchange.settings, app_origin=call.origin.kind == "app")
    new = {item.key: item.value for item in reading.instructions if isinstance(item, SetCookie)}
    illegal = reading.illegal + (cookie_findings(call.cookies, new) if new else ())
    call.callbacks.remark("patch", illegal, reading.tolerated)
    if illegal:
        told = "; ".join(
            ": ".join(filter(None, (finding.where, finding.message))) for finding in illegal
        )
        raise ApiError(40003, f"Invalid request: {told}")
    if isinstance(reading.action, Park) and call.controlled is None:
        raise ApiError(40003, "Invalid request: nobody has answered yet who could be parked")
    return reading


def _legs(call: Call, which: Which) -> list[Leg]:
    if call.caller is None or isinstance(call.activity, Conference):
        return [leg for leg in (call.controlled,) if leg is not None]
    wanted = {"caller": (call.caller,), "callee": (call.callee,)}.get(
        which, (call.caller, call.callee)
    )
    legs = [leg for leg in wanted if leg is not None and leg.state in {"calling", "up"}]
    if not legs:
        raise ApiError(40400, f"{_NOT_FOUND}: nobody is on this leg")
    return legs


def _interject(call: Call, leg: Leg | None, instructions: Sequence[AnyInstruction]) -> None:
    """Let something be heard in between, without an end to whatever is under way; it waits
    meanwhile.
    """
    if leg is not call.controlled or not any(
        isinstance(item, Say | PlayFiles) for item in instructions
    ):
        Performance(call, leg, instructions, lambda: None).start()
    elif call.performance is not None and not call.performance.over:
        call.performance.insert(instructions)
    else:
        if call.activity is not None:
            call.activity.pause()
        call.performance = Performance(call, leg, instructions, partial(_resume, call))
        call.performance.start()


def _resume(call: Call) -> None:
    if call.activity is not None:
        call.activity.resume()
    elif call.outgoing is not None and call.outgoing.leg.state == "ringing":
        call.outgoing.ring()
