"""Somebody calls: what is known of that call from its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from flowengine.sinch import normalise
from flowengine.svaml import CallHeader
from flowengine.switch.calls.origin import Origin, Target
from flowengine.switch.errors import ApiError

if TYPE_CHECKING:
    from flowengine.switch.exchange import Exchange

Dialler = Literal["phone", "app", "sip"]
_TYPES: Final = {"phone": "PSTN", "app": "MXP", "sip": "SIP"}
_DOMAINS: Final = {"username": "mxp", "conference": "conference"}
AppDomain = Literal["mxp", "conference", "pstn"]


def origin_of(
    kind: Dialler,
    caller: str,
    to: str,
    target: Target | None,
    custom: str,
    call_headers: tuple[CallHeader, ...],
    rdnis: str,
    user: str,
    app_conference_domain: AppDomain = "mxp",
) -> Origin:
    """A call as callbacks will tell of it."""
    number = normalise(to).e164
    to_type = target or _target(kind, number)
    domain = _DOMAINS.get(to_type, "pstn")
    if kind == "app" and to_type == "conference":
        domain = app_conference_domain
    return Origin(
        kind=kind,
        cli="" if kind == "app" and not normalise(caller).e164 else _cli(caller),
        user=user or (caller if kind == "app" else ""),
        to_type=to_type,
        to=number if to_type in {"did", "number"} and number else to,
        domain=domain,
        origination_type=_TYPES[kind],
        rdnis=rdnis,
        custom=custom,
        call_headers=call_headers,
    )


def reached(exchange: Exchange, kind: Dialler, caller: str, to: str, given: str) -> str:
    """The key of the application that a call reaches: of whoever owns the number, or is signed in;
    of the only one there is.
    """
    number = exchange.numbers.get(normalise(to).e164) if kind != "app" else None
    key = given or (
        number.application if number else exchange.users.get(caller, "") if kind == "app" else ""
    )
    if not key and number is None and len(exchange.applications) == 1:
        return next(iter(exchange.applications))
    if key not in exchange.applications:
        raise ApiError(40400, f"{to if kind != 'app' else caller} belongs to no application")
    return key


def _target(kind: Dialler, number: str) -> Target:
    if kind == "phone":
        return "did"
    return "number" if number else "username" if kind == "app" else "sip"


def _cli(caller: str) -> str:
    if caller.lower() in {"unknown", "unavailable"}:
        return ""
    found = normalise(caller)
    return "private" if found.private else found.e164 or caller
