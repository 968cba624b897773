"""PATCH of calls in progress by the Calling API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from flowengine.svaml import AnyInstruction, Continue, Park, PlayFiles, Say, SetCookie
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls.activities import ConferenceActivity, ParkActivity
from flowengine.switch.calls.call_actions import perform_action
from flowengine.switch.calls.call_protocols import LegChoice
from flowengine.switch.calls.instruction_player import InstructionPlayer, play_instructions
from flowengine.switch.calls.leg import Leg
from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.reading import AnswerContext, SvamlReading, check_call_cookies, read_answer
from flowengine.switch.switch_events import Finding

_NOT_FOUND: Final = "Call not found"
_MANAGED_LEG_KINDS: Final = {"phone", "sip", "stream"}
_RINGING_CALLOUT: Final = Finding(
    "",
    "descriptions of the platform allow a PATCH of connected calls only, and this callout rings",
    "wait until it is answered (setting patch_ringing_callout)",
)
_PARKED_FROM_ROOM: Final = Finding(
    "action",
    "no description of the platform says that park takes a call out of a conference",
    "try it on an account of your own (setting patch_park_from_room)",
)


def patch_call(call: SwitchCall, body: bytes) -> None:
    """Carry out SVAML of the Calling API. A parked call takes whatever an answer to ICE may hold."""
    _require_manageable(call)
    parked = isinstance(call.activity, ParkActivity)
    reading = _read_patch(call, body, "unpark" if parked else "patch")
    action = reading.action
    if isinstance(action, Park):
        _require_parkable(call)
    # for a parked call `continue` is an answer to ICE, which connects it
    if action is None or (isinstance(action, Continue) and not parked):
        _insert_instructions(call, call.controlled_leg, reading.instructions)
    else:
        call.control.perform_answer(reading, action)


def patch_leg(call: SwitchCall, which: LegChoice, body: bytes) -> None:
    """Play something to one end or both. In conferences and callouts there is one end only."""
    _require_manageable(call)
    reading = _read_patch(call, body, "patch_leg")
    legs = _select_legs(call, which)
    action = reading.action
    if isinstance(action, Park):
        _require_parkable(call)
    if isinstance(action, Continue | None):
        for leg in legs:
            _insert_instructions(call, leg, reading.instructions)
    else:
        # the action belongs to the call and is carried out once
        for leg in legs[1:]:
            _insert_instructions(call, leg, reading.instructions)
        call.halt()
        play_instructions(
            call,
            next(iter(legs), None),
            reading.instructions,
            partial(perform_action, call, action),
        )


def _require_manageable(call: SwitchCall) -> None:
    if call.ended is not None:
        raise ApiError(40400, _NOT_FOUND)
    # "calls that originate from or terminate to PSTN or SIP" (platform notes, 8)
    ends = {leg.kind for leg in (call.caller, call.callee) if leg is not None}
    settings = call.switch.settings
    if ends and not ends & _MANAGED_LEG_KINDS and not settings.patch_app_calls:
        message = "Invalid request: only calls from or to the PSTN or SIP can be managed"
        raise ApiError(40003, message)
    if call.origin.is_callout and call.answered_at is None:
        if not settings.patch_ringing_callout:
            raise ApiError(40003, "Invalid request: nobody has answered the callout yet")
        call.report_findings("patch", tolerated=(_RINGING_CALLOUT,))


def _read_patch(call: SwitchCall, body: bytes, context: AnswerContext) -> SvamlReading:
    reading = read_answer(body, context, call.switch.settings, app_origin=call.origin.kind == "app")
    new = {item.key: item.value for item in reading.instructions if isinstance(item, SetCookie)}
    illegal = reading.illegal + (check_call_cookies(call.cookies, new) if new else ())
    call.report_findings("patch", illegal, reading.tolerated)
    if illegal:
        told = "; ".join(
            ": ".join(filter(None, (finding.where, finding.message))) for finding in illegal
        )
        raise ApiError(40003, f"Invalid request: {told}")
    return reading


def _require_parkable(call: SwitchCall) -> None:
    if call.controlled_leg is None:
        raise ApiError(40003, "Invalid request: nobody has answered yet who could be parked")
    if isinstance(call.activity, ConferenceActivity):
        if not call.switch.settings.patch_park_from_room:
            raise ApiError(40003, "Invalid request: a call in a conference cannot be parked")
        call.report_findings("patch", tolerated=(_PARKED_FROM_ROOM,))


def _select_legs(call: SwitchCall, which: LegChoice) -> list[Leg]:
    # one end only
    if call.caller is None or isinstance(call.activity, ConferenceActivity):
        return [leg for leg in (call.controlled_leg,) if leg is not None]
    wanted = {"caller": (call.caller,), "callee": (call.callee,)}.get(
        which, (call.caller, call.callee)
    )
    legs = [leg for leg in wanted if leg is not None and leg.state in {"calling", "up"}]
    if not legs:
        raise ApiError(40400, f"{_NOT_FOUND}: nobody is on this leg")
    return legs


def _insert_instructions(
    call: SwitchCall, leg: Leg | None, instructions: Sequence[AnyInstruction]
) -> None:
    """Play something in between: the activity of the leg is paused, not ended."""
    if leg is not call.controlled_leg or not any(
        isinstance(item, Say | PlayFiles) for item in instructions
    ):
        InstructionPlayer(call, leg, instructions, lambda: None).start()
    elif call.player is not None and not call.player.is_over:
        call.player.insert(instructions)
    else:
        if call.activity is not None:
            call.activity.pause()
        play_instructions(call, leg, instructions, partial(_resume_activity, call))


def _resume_activity(call: SwitchCall) -> None:
    if call.activity is not None:
        call.activity.resume()
    elif call.outgoing is not None and call.outgoing.leg.state == "ringing":
        # what was played has ended the ringing
        call.outgoing.ring()
