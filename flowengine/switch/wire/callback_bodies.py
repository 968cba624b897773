"""The bodies of callbacks in the exact spelling and order of the platform: `callid`, numbers with a
plus in some fields and without it in others.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from flowengine.sinch import AmdResult
from flowengine.svaml import CallHeader
from flowengine.switch.switch_setup import Rate

_encode = msgspec.json.Encoder().encode


class CallbackFacts(msgspec.Struct, frozen=True):
    """The facts of one call in callbacks. Numbers are in E.164 with their plus; "" and None are
    left out.
    """

    call_id: str
    application_key: str
    custom: str = ""
    cookies: Mapping[str, str] | None = None
    """None: cookies do not come back"""
    conference_id: str = ""
    user: str = ""
    cli: str = ""
    to_type: str = ""
    to: str = ""
    domain: str = ""
    origination_type: str = ""
    rdnis: str = ""
    call_headers: tuple[CallHeader, ...] = ()
    call_resource_url: str = ""
    user_rate: Rate | None = None
    call_id_name: Literal["callid", "callId"] = "callid"


class MenuEnd(msgspec.Struct, frozen=True):
    """How a menu ended: the argument of `return()` or the digits, and whether they were keyed or
    spoken ("" when nothing was).
    """

    menu_id: str
    type: Literal["return", "sequence", "timeout", "invalidinput", "hangup", "error"]
    value: str = ""
    input_method: Literal["dtmf", "voice", ""] = ""


def encode_ice(facts: CallbackFacts, at: datetime) -> bytes:
    """A call comes in, or a call is about to be placed."""
    body: dict[str, Any] = {"event": "ice", facts.call_id_name: facts.call_id}
    if facts.call_resource_url:
        body["callResourceUrl"] = facts.call_resource_url
    body |= _format_time(at) | _format_custom(facts) | _format_rate(facts)
    if facts.cli:  # a call from an app has none, unless its app gives one
        body["cli"] = strip_plus(facts.cli)
    body["to"] = {"type": facts.to_type, "endpoint": facts.to}
    body["domain"] = facts.domain.lower()
    body["applicationKey"] = facts.application_key
    # upper case on the wire, while domain is lower case (platform notes, 2.1)
    body["originationType"] = facts.origination_type.upper()
    body["rdnis"] = facts.rdnis
    return _encode(body | _format_headers(facts) | _format_user(facts) | _format_rest(facts))


def encode_ace(facts: CallbackFacts, at: datetime, amd: AmdResult | None = None) -> bytes:
    """The called party has picked up; `amd` is what detection found where it was waited for."""
    body = (
        {"event": "ace", facts.call_id_name: facts.call_id}
        | _format_time(at)
        | _format_custom(facts)
    )
    body["applicationKey"] = facts.application_key
    return _encode(body | _format_amd(amd) | _format_user(facts) | _format_rest(facts))


def encode_pie(facts: CallbackFacts, at: datetime, result: MenuEnd) -> bytes:
    """A menu has ended, or keys were detected in a conference."""
    body: dict[str, Any] = {
        "event": "pie",
        facts.call_id_name: facts.call_id,
        "timestamp": format_timestamp(at),
    }
    body["menuResult"] = _format_menu_result(result)
    body |= {"version": 1} | _format_custom(facts)
    body["applicationKey"] = facts.application_key
    return _encode(body | _format_rest(facts))


def encode_dice(
    facts: CallbackFacts,
    at: datetime,
    *,
    result: str,
    reason: str,
    duration: int = 0,
    debit: float = 0.0,
) -> bytes:
    """The call is over. Its duration is told only of a call that was answered."""
    body: dict[str, Any] = {
        "event": "dice",
        facts.call_id_name: facts.call_id,
        "timestamp": format_timestamp(at),
    }
    body |= {"reason": reason, "result": result, "version": 1} | _format_custom(facts)
    if facts.user_rate is not None:
        body["debit"] = {"currencyId": facts.user_rate.currency, "amount": debit}
    body |= _format_rate(facts)
    body["to"] = {"type": facts.to_type, "endpoint": strip_plus(facts.to)}
    body["applicationKey"] = facts.application_key
    # DiCE has no duration otherwise (platform notes, 2.1)
    if result == "ANSWERED":
        body["duration"] = duration
    # here numbers come without their plus (platform notes, 2.2)
    body["from"] = strip_plus(facts.cli)
    return _encode(body | _format_headers(facts) | _format_user(facts) | _format_rest(facts))


def encode_notify(
    facts: CallbackFacts,
    kind: str,
    *,
    destination: str = "",
    amd: AmdResult | None = None,
    error: tuple[int, str] | None = None,
) -> bytes:
    """News: of recordings, of detection, or (`callingerror`, with number and message) of an answer
    that could not be obeyed.
    """
    body: dict[str, Any] = {
        "event": "notify",
        facts.call_id_name: facts.call_id,
        "version": 1,
        "type": kind,
    }
    if destination:
        body["destination"] = destination
    body |= _format_amd(amd)
    if error is not None:
        body |= {"errorCode": error[0], "errorMsg": error[1]} | _format_user(facts)
    return _encode(body | _format_custom(facts) | _format_rest(facts))


def format_timestamp(at: datetime) -> str:
    """A time as bodies have it: to the second, in UTC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def strip_plus(address: str) -> str:
    """A number as `cli`, `from` and the `to` of a DiCE have it; anything else as it is."""
    return address.removeprefix("+")


def _format_time(at: datetime) -> dict[str, Any]:
    return {"timestamp": format_timestamp(at), "version": 1}


def _format_custom(facts: CallbackFacts) -> dict[str, Any]:
    return {"custom": facts.custom} if facts.custom else {}


def _format_user(facts: CallbackFacts) -> dict[str, Any]:
    return {"user": facts.user} if facts.user else {}


def _format_rate(facts: CallbackFacts) -> dict[str, Any]:
    rate = facts.user_rate
    return (
        {} if rate is None else {"userRate": {"currencyId": rate.currency, "amount": rate.amount}}
    )


def _format_headers(facts: CallbackFacts) -> dict[str, Any]:
    return {"callHeaders": facts.call_headers} if facts.call_headers else {}


def _format_amd(amd: AmdResult | None) -> dict[str, Any]:
    return {} if amd is None else {"amd": amd}


def _format_menu_result(result: MenuEnd) -> dict[str, Any]:
    told: dict[str, Any] = {"addToContext": [], "type": result.type}
    if result.value:
        told["value"] = result.value
    told["menuId"] = result.menu_id
    if result.input_method:
        told["inputMethod"] = result.input_method
    return told


def _format_rest(facts: CallbackFacts) -> dict[str, Any]:
    """What every event may carry, after its own fields"""
    rest: dict[str, Any] = {"conferenceId": facts.conference_id} if facts.conference_id else {}
    if facts.cookies:
        # a setting: only the older server SDK has cookies in callbacks (platform notes, 2.1)
        rest["cookies"] = [{"key": key, "value": value} for key, value in facts.cookies.items()]
    return rest
