"""CallInfo while a call lasts, and its record after it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from flowengine.switch.calls.switch_call import SwitchCall
from flowengine.switch.switch_setup import Rate
from flowengine.switch.wire.callback_bodies import format_timestamp, strip_plus


class CallRecord(msgspec.Struct, frozen=True):
    """The record of an ended call, with the fields of the platform's call logs."""

    call_id: str
    call_time: datetime
    result: str
    reason: str
    duration: int
    answer_time: datetime | None
    from_: str
    to: str
    domain: str
    amount: float
    currency: str
    custom: str
    application_key: str
    user_id: str


def build_call_record(call: SwitchCall) -> CallRecord:
    """The record of a call that has ended."""
    origin = call.origin
    ended, rate = call.ended, call.rate
    assert ended is not None  # noqa: S101 - asked for at the end only
    return CallRecord(
        call_id=call.id,
        call_time=call.started_at,
        result=ended.result,
        reason=ended.reason,
        duration=ended.duration,
        answer_time=call.answered_at,
        from_=origin.cli or origin.user,
        to=origin.to,
        domain=origin.domain,
        amount=call.debit,
        currency=rate.currency,
        custom=call.custom,
        application_key=call.application_key,
        user_id=origin.user,
    )


def build_call_info(call: SwitchCall) -> dict[str, Any]:
    """CallInfo, as the Calling API tells it."""
    origin, ended, ending = call.origin, call.ended, call.ending
    info: dict[str, Any] = {
        "from": _format_caller(call),
        "to": {
            "type": _ENDPOINT_TYPES.get(origin.to_type, origin.to_type.capitalize()),
            "endpoint": strip_plus(origin.to),
        },
        "domain": origin.domain,
        "callId": call.id,
        "duration": call.compute_seconds_answered(),
        "status": "ONGOING" if ended is None else "FINAL",
    }
    if ended is not None and ending is not None:
        # the Calling API names a few reasons differently (platform notes, 5: INVALIDSVAMLACTION)
        info |= {"result": ended.result, "reason": ending.info or ended.reason}
    info |= {"timestamp": format_timestamp(call.started_at), "custom": call.custom}
    return info | {
        "userRate": format_money(call.rate, call.rate.amount),
        "debit": format_money(call.rate, call.debit),
    }


def format_money(rate: Rate, amount: float) -> dict[str, Any]:
    """An amount in the currency of a rate."""
    return {"currencyId": rate.currency, "amount": amount}


_ENDPOINT_TYPES = {"did": "Number"}


def _format_caller(call: SwitchCall) -> dict[str, str]:
    origin = call.origin
    if origin.user:
        return {"type": "Username", "endpoint": origin.user}
    return {"type": "Number", "endpoint": strip_plus(origin.cli)}
