"""Findings on callouts: what the platform accepts silently, though it has no effect or does harm."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from flowengine.limits import MAX_CONFERENCE_ID
from flowengine.problems import quote_value, suggest_name
from flowengine.switch.switch_events import Finding

_COMMON_PROPERTIES: Final = (
    "destination",
    "cli",
    "dtmf",
    "custom",
    "enableAce",
    "enableDice",
    "enablePie",
)
_PROPERTIES: Final = {
    "tts": (*_COMMON_PROPERTIES, "domain", "locale", "text", "prompts"),
    "conference": (
        *_COMMON_PROPERTIES,
        *("domain", "maxDuration", "locale", "greeting", "conferenceId", "mohClass"),
        "conferenceDtmfOptions",
    ),
    "custom": (*_COMMON_PROPERTIES, "maxDuration", "ice", "ace", "pie", "dice"),
}
_HEADER_NAME: Final = re.compile(r"x-cb-.{1,27}", re.IGNORECASE)
_HEADER_VALUE: Final = re.compile(r"[\x20-\x7e]{0,128}")
_MAX_HEADERS: Final = 5


def find_callout_faults(
    method: Literal["tts", "conference", "custom"],
    authored: Mapping[str, Any],
    request: Mapping[str, Any],
    headers: Mapping[str, str],
) -> tuple[Finding, ...]:
    """The findings on a callout that is not refused; `request` is what it asks for, with keys in
    lower case.
    """
    found = [*_find_unknown_properties(method, authored), *_find_lost_headers(headers)]
    to_app = _get_destination_type(request) == "username"
    # the platform returns an id and does not call (platform notes, 4.1)
    if method == "tts" and _get_destination_type(request) == "number" and not request.get("cli"):
        message = "a ttsCallout without cli gets an id, but never reaches its destination"
        cure = 'add "cli", a number of your own in E.164'
        found.append(Finding("ttsCallout.cli", message, cure))
    if method == "custom":
        found += _find_inline_faults(request)
    # no effect for usernames (platform notes, 4.1)
    elif to_app and any(request.get(f"enable{event}") for event in ("ace", "dice", "pie")):
        message = "app users are called without ACE, PIE and DiCE, whatever enableAce and so on say"
        found.append(Finding(f"{method}Callout", message, "leave them out"))
    if method == "conference" and len(request["conferenceid"]) > MAX_CONFERENCE_ID:
        message = f"the conference's id has {len(request['conferenceid'])} characters"
        cure = f"take 1 to {MAX_CONFERENCE_ID}"
        found.append(Finding("conferenceCallout.conferenceId", message, cure))
    return tuple(found)


def select_callback_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that each callback of the call carries: the first few that are well formed."""
    good = [
        (name, value)
        for name, value in headers.items()
        if _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value)
    ]
    return dict(good[:_MAX_HEADERS])


def _find_unknown_properties(method: str, authored: Mapping[str, Any]) -> Iterator[Finding]:
    known = {name.lower(): name for name in _PROPERTIES[method]}
    for name in authored:
        where = f"{method}Callout.{name}"
        if name.lower() not in known:
            cure = suggest_name(name, known.values()) or "leave it out"
            message = f"{quote_value(name)} is no property of {method}Callout, and is ignored"
            yield Finding(where, message, cure)


def _find_lost_headers(headers: Mapping[str, str]) -> Iterator[Finding]:
    taken = select_callback_headers(headers)
    for name in headers:
        if name.lower().startswith("x-cb-") and name not in taken:
            yield Finding(
                name,
                "this header does not go along with callbacks",
                f"send {_MAX_HEADERS} at most, names up to 32 and values up to 128 printable ASCII "
                "characters",
            )


def _find_inline_faults(request: Mapping[str, Any]) -> Iterator[Finding]:
    dice = str(request.get("dice", "")).strip()
    if dice and not re.match(r"https?://", dice):
        yield Finding(
            "customCallout.dice",
            "descriptions of the platform disagree on whether dice may be more than a URL; nothing "
            "answers DiCE, so it is ignored",
            "give the URL that is told how the call ended",
        )
    ice = str(request.get("ice", "")).strip()
    both = [name for name in ("cli", "destination") if request.get(name)]
    if ice and both and not re.match(r"https?://", ice):
        yield Finding(
            f"customCallout.{both[0]}",
            f"the ice says whom to call, so {' and '.join(both)} should be left out",
            "give number and cli in the connectPstn of the ice only",
        )


def _get_destination_type(request: Mapping[str, Any]) -> str:
    given = request.get("destination")
    if not isinstance(given, Mapping):
        return ""
    folded = {str(name).lower(): value for name, value in given.items()}
    return str(folded.get("type", "number")).lower()
