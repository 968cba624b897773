"""Reads and checks callout requests."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from flowengine.limits import MAX_CALL_SECONDS, MAX_CONFERENCE_ID, MAX_SAY
from flowengine.svaml import NUMBER_PATTERN, ConferenceDtmfOptions
from flowengine.svaml.address_patterns import DTMF_PATTERN
from flowengine.svaml.element_checks import HOLD_MUSIC
from flowengine.switch.api_error import ApiError
from flowengine.switch.calls.call_origin import (
    NOT_SENT,
    TO_APPLICATION,
    CallbackRoute,
    CallOrigin,
    EventRoutes,
)
from flowengine.switch.calls.callout_findings import find_callout_faults, select_callback_headers
from flowengine.switch.reading.action_rules import is_conference_id

CalloutMethod = Literal["tts", "conference", "custom"]
MAX_CALLOUT_CUSTOM_BYTES: Final = 1024
"""Bytes of what a callout may carry along"""
_CALLOUT_METHODS: Final[Mapping[str, CalloutMethod]] = {
    "ttscallout": "tts",
    "conferencecallout": "conference",
    "customcallout": "custom",
}
_METHOD_NAMES: Final = {"tts": "TTS", "conference": "Conference", "custom": "Custom"}
_CLI_PATTERN: Final = re.compile(r"(\+?[0-9]{6,16}|private)?", re.IGNORECASE)
"""Examples of the platform have numbers to call from without their plus, too"""


def parse_callout(
    body: Mapping[str, Any], headers: Mapping[str, str], settings_send: bool
) -> CallOrigin:
    """The callout that a request asks for. Raises ApiError. `settings_send` is whether a custom
    callout has events where it does not say.
    """
    folded = {str(name).lower(): value for name, value in body.items()}
    method = _CALLOUT_METHODS.get(str(folded.get("method", "")).lower())
    if method is None:
        raise ApiError(
            40001,
            "Invalid parameters: Method needs to be `ttsCallout`, `conferenceCallout` or "
            "`customCallout`",
        )
    asked = folded.get(f"{method}callout")
    if not isinstance(asked, Mapping):
        raise ApiError(40002, f"Bad request: {_METHOD_NAMES[method]} callout information missing")
    # the platform does not care about case (platform notes, 1.4)
    request = {str(name).lower(): value for name, value in asked.items() if value is not None}
    _check_request(method, request)
    request["conferencedtmfoptions"] = _parse_dtmf_options(request.get("conferencedtmfoptions"))
    to_type, to = _parse_destination(method, request)
    return CallOrigin(
        kind=method,
        cli=_get_text(request, "cli"),
        to_type=to_type,
        to=to,
        domain=_get_text(request, "domain").lower() or ("mxp" if to_type == "username" else "pstn"),
        origination_type="SERVER",
        custom=_get_text(request, "custom"),
        events=_parse_events(method, request, settings_send),
        extra_headers=select_callback_headers(headers),
        request=request,
        findings=find_callout_faults(method, asked, request, headers),
    )


def _check_request(method: CalloutMethod, request: dict[str, Any]) -> None:
    if method == "tts" and not (_get_text(request, "text") or _get_text(request, "prompts")):
        raise ApiError(40002, "Bad request: text or prompts missing")
    if method == "conference" and not is_conference_id(_get_text(request, "conferenceid")):
        missing = not _get_text(request, "conferenceid")
        raise ApiError(
            40002 if missing else 40001,
            f"Invalid parameters: conferenceId must have 1 to {MAX_CONFERENCE_ID} characters",
        )
    _require(bool(_CLI_PATTERN.fullmatch(_get_text(request, "cli"))), "cli is a number in E.164")
    _require(_get_text(request, "domain").lower() in {"", "pstn", "mxp"}, "domain is pstn or mxp")
    _require(len(_get_text(request, "text")) <= MAX_SAY, f"text may have {MAX_SAY} characters")
    _require(
        len(_get_text(request, "custom").encode()) <= MAX_CALLOUT_CUSTOM_BYTES,
        f"custom may have {MAX_CALLOUT_CUSTOM_BYTES} bytes",
    )
    _require(
        bool(DTMF_PATTERN.fullmatch(_get_text(request, "dtmf"))),
        "dtmf keys are 0-9, # and w (half a second)",
    )
    _require(
        _get_text(request, "mohclass") in {"", *HOLD_MUSIC},
        "mohClass is ring, music1, music2 or music3",
    )
    longest = request.get("maxduration", MAX_CALL_SECONDS)
    _require(
        isinstance(longest, int) and 0 < longest <= MAX_CALL_SECONDS,
        f"maxDuration must be from 1 to {MAX_CALL_SECONDS} seconds",
    )


def _parse_dtmf_options(given: object) -> ConferenceDtmfOptions | None:
    try:
        return msgspec.convert(given, ConferenceDtmfOptions | None, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(40001, f"Invalid parameters: conferenceDtmfOptions: {error}") from error


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ApiError(40001, f"Invalid parameters: {message}")


def _get_text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name, "")
    if not isinstance(value, str):
        raise ApiError(40001, f"Invalid parameters: {name} must be a text")
    return value


def _parse_destination(method: CalloutMethod, request: Mapping[str, Any]) -> tuple[str, str]:
    """The destination; a custom callout may leave it to its `ice`."""
    given = request.get("destination")
    if given is None and method == "custom" and _get_text(request, "ice"):
        return "number", ""
    if not isinstance(given, Mapping):
        raise ApiError(40002, "Bad request: destination missing")
    destination = {str(name).lower(): value for name, value in given.items()}
    to_type, to = (
        str(destination.get("type", "number")).lower(),
        str(destination.get("endpoint") or ""),
    )
    _require(
        to_type in {"number", "username", "sip"},
        "the type of a destination is number, username or sip",
    )
    if not to:
        raise ApiError(40002, "Bad request: endpoint of the destination missing")
    if to_type == "number" and not NUMBER_PATTERN.fullmatch(to):
        raise ApiError(
            # 40005 is NumberMissingLeadingPlus (platform notes, 4.3)
            40001 if to.startswith("+") else 40005,
            "Invalid parameters: a number is + and 6 to 16 digits",
        )
    return to_type, to.removeprefix("sip:") if to_type == "sip" else to


def _parse_events(
    method: CalloutMethod, request: Mapping[str, Any], otherwise: bool
) -> EventRoutes:
    if method != "custom":
        ace, pie, dice = (
            # `enable…` is false by default for tts and conference callouts (platform notes, 4.1)
            TO_APPLICATION if _get_flag(request, f"enable{name}", otherwise=False) else NOT_SENT
            for name in ("ace", "pie", "dice")
        )
        return EventRoutes(NOT_SENT, ace, pie, dice)
    ice, ace, pie, dice = (
        _parse_route(request, name, otherwise) for name in ("ice", "ace", "pie", "dice")
    )
    return EventRoutes(ice, ace, pie, dice)


def _parse_route(request: Mapping[str, Any], name: str, otherwise: bool) -> CallbackRoute:
    given = _get_text(request, name).strip()
    # a URL or inline SVAML, told apart by how it begins (platform notes, 4.1)
    if re.match(r"https?://", given):
        return CallbackRoute(url=given)
    if given:
        return CallbackRoute(
            send=name != "dice", inline=given.encode()
        )  # nobody is asked at the end, so nothing can be answered ahead
    return (
        TO_APPLICATION
        if name == "ice" or _get_flag(request, f"enable{name}", otherwise)
        else NOT_SENT
    )


def _get_flag(request: Mapping[str, Any], name: str, otherwise: bool) -> bool:
    return str(request.get(name, otherwise)).lower() == "true"
