"""What each action must look like by itself."""

from collections.abc import Callable, Mapping
from typing import Any

from flowengine import limits
from flowengine.problems import one_of, quoted
from flowengine.svaml import (
    SIP,
    WEBSOCKET,
    Action,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectStream,
    Park,
    RunMenu,
)
from flowengine.svaml.checks import INDICATIONS, TRANSPORTS
from flowengine.switch.reading.menus import check_menus
from flowengine.switch.reading.notes import Notes
from flowengine.switch.reading.numbers import (
    check_cli,
    check_headers,
    check_keys,
    check_music,
    check_number,
    check_positive,
    check_seconds,
    check_type,
)
from flowengine.switch.reading.prompts import check_locale, check_parts, parts_of

SAMPLE_RATES = (8000, 16000, 24000, 44100, 48000, 96000)
"""Of streams, by the page of the platform's newer API; the pages of this one name 44100 alone"""
_OLD_INDICATIONS = frozenset({"ml", "us-old"})


def _connect_pstn(action: ConnectPstn, where: str, notes: Notes) -> None:
    if action.number:
        check_number(action.number, f"{where}.number", notes)
    check_cli(action.cli, f"{where}.cli", notes)
    check_keys(action.dtmf, f"{where}.dtmf", notes)
    check_seconds(action.max_duration, f"{where}.maxDuration", notes, limits.MAX_CALL_SECONDS)
    check_positive(action.dial_timeout, f"{where}.dialTimeout", notes)
    check_locale(action.locale, f"{where}.locale", notes)
    if action.indications and action.indications not in INDICATIONS:
        _check_indications(action.indications, f"{where}.indications", notes)


def _check_indications(country: str, where: str, notes: Notes) -> None:
    cure = f"take {one_of(sorted(INDICATIONS))}"
    if country in _OLD_INDICATIONS:
        notes.tolerate(
            where, f"only the platform's older SDK has the tones of {quoted(country)}", cure
        )
    else:
        notes.refuse(where, f"there are no tones of {quoted(country)}", cure)


def _connect_mxp(action: ConnectMxp, where: str, notes: Notes) -> None:
    check_headers(action.call_headers, f"{where}.callHeaders", notes)
    if action.destination is None:
        return
    user = action.destination.endpoint
    check_type(action.destination.type, "username", f"{where}.destination.type", notes)
    if not user:
        notes.refuse(
            f"{where}.destination.endpoint",
            "the app user has no name",
            "name the app user who is called",
        )
    if len(user) > limits.MAX_USER_NAME:
        cure = f"keep it to {limits.MAX_USER_NAME}, as the platform's older SDK demands"
        notes.tolerate(
            f"{where}.destination.endpoint", f"an app user of {len(user)} characters", cure
        )


def can_be_conference(conference_id: str) -> bool:
    """Whether any description of the platform takes this id; the older SDK takes 128 characters."""
    return 0 < len(conference_id) <= 2 * limits.MAX_CONFERENCE_ID


def _connect_conf(action: ConnectConf, where: str, notes: Notes) -> None:
    check_music(action.moh, f"{where}.moh", notes)
    if not 0 < len(action.conference_id) <= limits.MAX_CONFERENCE_ID:
        message = f"the conference's id has {len(action.conference_id)} characters"
        cure = f"take 1 to {limits.MAX_CONFERENCE_ID}"
        judge = notes.tolerate if can_be_conference(action.conference_id) else notes.refuse
        judge(f"{where}.conferenceId", message, cure)
    if action.conference_dtmf_options is not None:
        _check_room_keys(action.conference_dtmf_options, f"{where}.conferenceDtmfOptions", notes)


def _check_room_keys(options: ConferenceDtmfOptions, where: str, notes: Notes) -> None:
    check_positive(options.max_digits, f"{where}.maxDigits", notes)
    check_positive(options.timeout_mills, f"{where}.timeoutMills", notes)


def _connect_sip(action: ConnectSip, where: str, notes: Notes) -> None:
    check_seconds(action.max_duration, f"{where}.maxDuration", notes, limits.MAX_CALL_SECONDS)
    check_cli(action.cli, f"{where}.cli", notes)
    check_headers(action.call_headers, f"{where}.callHeaders", notes)
    check_music(action.moh, f"{where}.moh", notes)
    check_type(action.destination.type, "sip", f"{where}.destination.type", notes)
    if not SIP.fullmatch(action.destination.endpoint):
        message = f"{quoted(action.destination.endpoint)} is no SIP address"
        notes.refuse(
            f"{where}.destination.endpoint", message, "write user@host, with :port if it needs one"
        )
    if action.transport and action.transport not in TRANSPORTS:
        message = f"SIP does not travel by {quoted(action.transport)}"
        notes.refuse(
            f"{where}.transport",
            message,
            f"take {one_of(sorted(TRANSPORTS))}; without it, it is UDP",
        )


def _connect_stream(action: ConnectStream, where: str, notes: Notes) -> None:
    check_seconds(action.max_duration, f"{where}.maxDuration", notes, limits.MAX_CALL_SECONDS)
    check_headers(action.call_headers, f"{where}.callHeaders", notes)
    check_type(action.destination.type, "Websocket", f"{where}.destination.type", notes)
    rate = action.streaming_options.sample_rate if action.streaming_options else SAMPLE_RATES[0]
    if rate not in SAMPLE_RATES:
        notes.tolerate(
            f"{where}.streamingOptions.sampleRate",
            f"no description of the platform has {rate} samples a second",
            f"take {one_of(map(str, SAMPLE_RATES))}",
        )
    if not WEBSOCKET.fullmatch(action.destination.endpoint):
        message = f"{quoted(action.destination.endpoint)} takes no stream"
        notes.refuse(
            f"{where}.destination.endpoint", message, "give the wss:// address of a web socket"
        )


def _run_menu(action: RunMenu, where: str, notes: Notes) -> None:
    check_menus(action, where, notes)
    check_locale(action.locale, f"{where}.locale", notes)


def _park(action: Park, where: str, notes: Notes) -> None:
    check_seconds(action.max_duration, f"{where}.maxDuration", notes, limits.MAX_PARK_SECONDS)
    check_parts(parts_of(action.intro_prompt), f"{where}.introPrompt", notes)
    check_parts(parts_of(action.hold_prompt), f"{where}.holdPrompt", notes)
    check_locale(action.locale, f"{where}.locale", notes)


_CHECKS: Mapping[type[Action], Callable[[Any, str, Notes], None]] = {
    ConnectPstn: _connect_pstn,
    ConnectMxp: _connect_mxp,
    ConnectConf: _connect_conf,
    ConnectSip: _connect_sip,
    ConnectStream: _connect_stream,
    RunMenu: _run_menu,
    Park: _park,
}


def check_action(action: Action, notes: Notes) -> None:
    if check := _CHECKS.get(type(action)):
        check(action, "action", notes)
