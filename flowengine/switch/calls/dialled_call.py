"""The facts of a call that a party dials."""

from __future__ import annotations

from typing import Final, Literal

from flowengine.sinch import parse_number
from flowengine.svaml import CallHeader
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls.call_origin import CallOrigin, DialledTarget
from flowengine.switch.switch_resources import SwitchResources

DiallerKind = Literal["phone", "app", "sip"]
_ORIGINATION_TYPES: Final = {"phone": "PSTN", "app": "MXP", "sip": "SIP"}
_DOMAIN_BY_TYPE: Final = {"username": "mxp", "conference": "conference"}
AppDomain = Literal["mxp", "conference", "pstn"]


def build_origin(
    kind: DiallerKind,
    caller: str,
    to: str,
    target: DialledTarget | None,
    custom: str,
    call_headers: tuple[CallHeader, ...],
    rdnis: str,
    user: str,
    app_conference_domain: AppDomain = "mxp",
) -> CallOrigin:
    """The facts of a call as callbacks will tell them."""
    number = parse_number(to).e164
    to_type = target or _choose_target(kind, number)
    domain = _DOMAIN_BY_TYPE.get(to_type, "pstn")
    # a setting: real payloads say mxp, the documentation pstn (platform notes, 2.1 and 8)
    if kind == "app" and to_type == "conference":
        domain = app_conference_domain
    return CallOrigin(
        kind=kind,
        cli="" if kind == "app" and not parse_number(caller).e164 else _format_cli(caller),
        user=user or (caller if kind == "app" else ""),
        to_type=to_type,
        to=number if to_type in {"did", "number"} and number else to,
        domain=domain,
        origination_type=_ORIGINATION_TYPES[kind],
        rdnis=rdnis,
        custom=custom,
        call_headers=call_headers,
    )


def find_application_key(
    switch: SwitchResources, kind: DiallerKind, caller: str, to: str, given: str
) -> str:
    """The key of the application that a call reaches: the one that owns the number or that the user
    is signed in to; else the only one there is.
    """
    number = switch.numbers.get(parse_number(to).e164) if kind != "app" else None
    key = given or (
        number.application if number else switch.users.get(caller, "") if kind == "app" else ""
    )
    if not key and number is None and len(switch.applications) == 1:
        return next(iter(switch.applications))
    if key not in switch.applications:
        raise ApiError(40400, f"{to if kind != 'app' else caller} belongs to no application")
    return key


def _choose_target(kind: DiallerKind, number: str) -> DialledTarget:
    if kind == "phone":
        return "did"
    return "number" if number else "username" if kind == "app" else "sip"


def _format_cli(caller: str) -> str:
    if caller.lower() in {"unknown", "unavailable"}:
        return ""
    found = parse_number(caller)
    return "private" if found.private else found.e164 or caller
