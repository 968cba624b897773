"""What each action must look like by itself."""

from collections.abc import Callable, Mapping
from typing import Any

from flowengine import limits
from flowengine.problems import join_with_or, quote_value
from flowengine.svaml import (
    SIP_PATTERN,
    WEBSOCKET_PATTERN,
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
from flowengine.svaml.element_checks import INDICATIONS, TRANSPORTS
from flowengine.switch.reading.finding_notes import Notes
from flowengine.switch.reading.menu_rules import check_menus
from flowengine.switch.reading.prompt_rules import check_locale, check_parts, split_parts
from flowengine.switch.reading.value_rules import (
    check_cli,
    check_headers,
    check_keys,
    check_music,
    check_number,
    check_positive,
    check_seconds,
    check_type,
)

SAMPLE_RATES = (8000, 16000, 24000, 44100, 48000, 96000)
"""Of streams, by the page of the platform's newer API; the pages of this one name 44100 alone"""
_OLD_INDICATIONS = frozenset({"ml", "us-old"})


def _check_connect_pstn(action: ConnectPstn, where: str, notes: Notes) -> None:
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
    cure = f"take {join_with_or(sorted(INDICATIONS))}"
    if country in _OLD_INDICATIONS:
        notes.tolerate(
            where, f"only the platform's older SDK has the tones of {quote_value(country)}", cure
        )
    else:
        notes.refuse(where, f"there are no tones of {quote_value(country)}", cure)


def _check_connect_mxp(action: ConnectMxp, where: str, notes: Notes) -> None:
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


def is_conference_id(conference_id: str) -> bool:
    """Whether any description of the platform takes this id; the older SDK takes 128 characters."""
    return 0 < len(conference_id) <= 2 * limits.MAX_CONFERENCE_ID


def _check_connect_conf(action: ConnectConf, where: str, notes: Notes) -> None:
    check_music(action.moh, f"{where}.moh", notes)
    if not 0 < len(action.conference_id) <= limits.MAX_CONFERENCE_ID:
        message = f"the conference's id has {len(action.conference_id)} characters"
        cure = f"take 1 to {limits.MAX_CONFERENCE_ID}"
        judge = notes.tolerate if is_conference_id(action.conference_id) else notes.refuse
        judge(f"{where}.conferenceId", message, cure)
    if action.conference_dtmf_options is not None:
        _check_dtmf_options(action.conference_dtmf_options, f"{where}.conferenceDtmfOptions", notes)


def _check_dtmf_options(options: ConferenceDtmfOptions, where: str, notes: Notes) -> None:
    check_positive(options.max_digits, f"{where}.maxDigits", notes)
    check_positive(options.timeout_mills, f"{where}.timeoutMills", notes)


def _check_connect_sip(action: ConnectSip, where: str, notes: Notes) -> None:
    check_seconds(action.max_duration, f"{where}.maxDuration", notes, limits.MAX_CALL_SECONDS)
    check_cli(action.cli, f"{where}.cli", notes)
    check_headers(action.call_headers, f"{where}.callHeaders", notes)
    check_music(action.moh, f"{where}.moh", notes)
    check_type(action.destination.type, "sip", f"{where}.destination.type", notes)
    if not SIP_PATTERN.fullmatch(action.destination.endpoint):
        message = f"{quote_value(action.destination.endpoint)} is no SIP address"
        notes.refuse(
            f"{where}.destination.endpoint", message, "write user@host, with :port if it needs one"
        )
    if action.transport and action.transport not in TRANSPORTS:
        message = f"SIP does not travel by {quote_value(action.transport)}"
        notes.refuse(
            f"{where}.transport",
            message,
            f"take {join_with_or(sorted(TRANSPORTS))}; without it, it is UDP",
        )


def _check_connect_stream(action: ConnectStream, where: str, notes: Notes) -> None:
    check_seconds(action.max_duration, f"{where}.maxDuration", notes, limits.MAX_CALL_SECONDS)
    check_headers(action.call_headers, f"{where}.callHeaders", notes)
    check_type(action.destination.type, "Websocket", f"{where}.destination.type", notes)
    rate = action.streaming_options.sample_rate if action.streaming_options else SAMPLE_RATES[0]
    if rate not in SAMPLE_RATES:
        notes.tolerate(
            f"{where}.streamingOptions.sampleRate",
            f"no description of the platform has {rate} samples a second",
            f"take {join_with_or(map(str, SAMPLE_RATES))}",
        )
    if not WEBSOCKET_PATTERN.fullmatch(action.destination.endpoint):
        message = f"{quote_value(action.destination.endpoint)} takes no stream"
        notes.refuse(
            f"{where}.destination.endpoint", message, "give the wss:// address of a web socket"
        )


def _check_run_menu(action: RunMenu, where: str, notes: Notes) -> None:
    check_menus(action, where, notes)
    check_locale(action.locale, f"{where}.locale", notes)


def _check_park(action: Park, where: str, notes: Notes) -> None:
    check_seconds(action.max_duration, f"{where}.maxDuration", notes, limits.MAX_PARK_SECONDS)
    check_parts(split_parts(action.intro_prompt), f"{where}.introPrompt", notes)
    check_parts(split_parts(action.hold_prompt), f"{where}.holdPrompt", notes)
    check_locale(action.locale, f"{where}.locale", notes)


_CHECK_BY_ACTION: Mapping[type[Action], Callable[[Any, str, Notes], None]] = {
    ConnectPstn: _check_connect_pstn,
    ConnectMxp: _check_connect_mxp,
    ConnectConf: _check_connect_conf,
    ConnectSip: _check_connect_sip,
    ConnectStream: _check_connect_stream,
    RunMenu: _check_run_menu,
    Park: _check_park,
}


def check_action(action: Action, notes: Notes) -> None:
    if check := _CHECK_BY_ACTION.get(type(action)):
        check(action, "action", notes)
