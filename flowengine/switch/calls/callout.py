"""Requests that the platform calls somebody, read and checked."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from flowengine.limits import MAX_CALL_SECONDS, MAX_CONFERENCE_ID, MAX_SAY
from flowengine.svaml import NUMBER, ConferenceDtmfOptions
from flowengine.svaml.checks import HOLD_MUSIC
from flowengine.svaml.forms import DTMF
from flowengine.switch.calls.callout_remarks import find_callout_remarks, passed_on
from flowengine.switch.calls.origin import APPLICATION, NOWHERE, Events, Origin, Route
from flowengine.switch.errors import ApiError
from flowengine.switch.reading.actions import can_be_conference

Method = Literal["tts", "conference", "custom"]
MAX_CUSTOM: Final = 1024
"""Bytes of what a callout may carry along"""
_METHODS: Final[Mapping[str, Method]] = {
    "ttscallout": "tts",
    "conferencecallout": "conference",
    "customcallout": "custom",
}
_NAMES: Final = {"tts": "TTS", "conference": "Conference", "custom": "Custom"}
_CLI: Final = re.compile(r"(\+?[0-9]{6,16}|private)?", re.IGNORECASE)
"""Examples of the platform have numbers to call from without their plus, too"""


def origin_of(body: Mapping[str, Any], headers: Mapping[str, str], settings_send: bool) -> Origin:
    """What a callout asks for; raises ApiError. `settings_send`: whether a custom callout has
    events where it does not say.
    """
    folded = {str(name).lower(): value for name, value in body.items()}
    method = _METHODS.get(str(folded.get("method", "")).lower())
    if method is None:
        raise ApiError(
            40001,
            "Invalid parameters: Method needs to be `ttsCallout`, `conferenceCallout` or "
            "`customCallout`",
        )
    asked = folded.get(f"{method}callout")
    if not isinstance(asked, Mapping):
        raise ApiError(40002, f"Bad request: {_NAMES[method]} callout information missing")
    request = {str(name).lower(): value for name, value in asked.items() if value is not None}
    _check(method, request)
    request["conferencedtmfoptions"] = _dtmf_options(request.get("conferencedtmfoptions"))
    to_type, to = _destination(method, request)
    return Origin(
        kind=method,
        cli=_text(request, "cli"),
        to_type=to_type,
        to=to,
        domain=_text(request, "domain").lower() or ("mxp" if to_type == "username" else "pstn"),
        origination_type="SERVER",
        custom=_text(request, "custom"),
        events=_events(method, request, settings_send),
        extra_headers=passed_on(headers),
        request=request,
        findings=find_callout_remarks(method, asked, request, headers),
    )


def _check(method: Method, request: dict[str, Any]) -> None:
    if method == "tts" and not (_text(request, "text") or _text(request, "prompts")):
        raise ApiError(40002, "Bad request: text or prompts missing")
    if method == "conference" and not can_be_conference(_text(request, "conferenceid")):
        missing = not _text(request, "conferenceid")
        raise ApiError(
            40002 if missing else 40001,
            f"Invalid parameters: conferenceId must have 1 to {MAX_CONFERENCE_ID} characters",
        )
    _limit(bool(_CLI.fullmatch(_text(request, "cli"))), "cli is a number in E.164")
    _limit(_text(request, "domain").lower() in {"", "pstn", "mxp"}, "domain is pstn or mxp")
    _limit(len(_text(request, "text")) <= MAX_SAY, f"text may have {MAX_SAY} characters")
    _limit(
        len(_text(request, "custom").encode()) <= MAX_CUSTOM, f"custom may have {MAX_CUSTOM} bytes"
    )
    _limit(
        bool(DTMF.fullmatch(_text(request, "dtmf"))), "dtmf keys are 0-9, # and w (half a second)"
    )
    _limit(
        _text(request, "mohclass") in {"", *HOLD_MUSIC},
        "mohClass is ring, music1, music2 or music3",
    )
    longest = request.get("maxduration", MAX_CALL_SECONDS)
    _limit(
        isinstance(longest, int) and 0 < longest <= MAX_CALL_SECONDS,
        f"maxDuration must be from 1 to {MAX_CALL_SECONDS} seconds",
    )


def _dtmf_options(given: object) -> ConferenceDtmfOptions | None:
    try:
        return msgspec.convert(given, ConferenceDtmfOptions | None, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(40001, f"Invalid parameters: conferenceDtmfOptions: {error}") from error


def _limit(kept: bool, message: str) -> None:
    if not kept:
        raise ApiError(40001, f"Invalid parameters: {message}")


def _text(request: Mapping[str, Any], name: str) -> str:
    value = request.get(name, "")
    if not isinstance(value, str):
        raise ApiError(40001, f"Invalid parameters: {name} must be a text")
    return value


def _destination(method: Method, request: Mapping[str, Any]) -> tuple[str, str]:
    """A custom callout may leave it to its `ice`."""
    given = request.get("destination")
    if given is None and method == "custom" and _text(request, "ice"):
        return "number", ""
    if not isinstance(given, Mapping):
        raise ApiError(40002, "Bad request: destination missing")
    destination = {str(name).lower(): value for name, value in given.items()}
    to_type, to = (
        str(destination.get("type", "number")).lower(),
        str(destination.get("endpoint") or ""),
    )
    _limit(
        to_type in {"number", "username", "sip"},
        "the type of a destination is number, username or sip",
    )
    if not to:
        raise ApiError(40002, "Bad request: endpoint of the destination missing")
    if to_type == "number" and not NUMBER.fullmatch(to):
        raise ApiError(
            40001 if to.startswith("+") else 40005,
            "Invalid parameters: a number is + and 6 to 16 digits",
        )
    return to_type, to.removeprefix("sip:") if to_type == "sip" else to


def _events(method: Method, request: Mapping[str, Any], otherwise: bool) -> Events:
    if method != "custom":
        ace, pie, dice = (
            APPLICATION if _flag(request, f"enable{name}", otherwise=False) else NOWHERE
            for name in ("ace", "pie", "dice")
        )
        return Events(NOWHERE, ace, pie, dice)
    ice, ace, pie, dice = (
        _route(request, name, otherwise) for name in ("ice", "ace", "pie", "dice")
    )
    return Events(ice, ace, pie, dice)


def _route(request: Mapping[str, Any], name: str, otherwise: bool) -> Route:
    given = _text(request, name).strip()
    if re.match(r"https?://", given):
        return Route(url=given)
    if given:
        return Route(
            send=name != "dice", inline=given.encode()
        )  # nobody is asked at the end, so nothing can be answered ahead
    return APPLICATION if name == "ice" or _flag(request, f"enable{name}", otherwise) else NOWHERE


def _flag(request: Mapping[str, Any], name: str, otherwise: bool) -> bool:
    return str(request.get(name, otherwise)).lower() == "true"
