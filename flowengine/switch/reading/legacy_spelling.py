"""Spellings that the platform still accepts: names and properties of older SDKs and of examples in
its own descriptions.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from flowengine.limits import MAX_REPORT_DETAILS
from flowengine.svaml import (
    AmdOptions,
    CallHeader,
    ConferenceDtmfOptions,
    ConnectConf,
    ConnectMxp,
    ConnectPstn,
    ConnectSip,
    ConnectStream,
    Destination,
    Menu,
    MenuOption,
    Park,
    RecordingOptions,
    ReportCallStatus,
    RunMenu,
    Say,
    SendDtmf,
    SetCookie,
    StartRecording,
    StreamingOptions,
    TranscriptionOptions,
)
from flowengine.switch.reading.finding_notes import Notes, UnreadableAnswerError
from flowengine.switch.reading.value_rules import check_type

ALIASES: Mapping[type, Mapping[str, str]] = {
    Menu: {"maintext": "mainPrompt", "repeattext": "repeatPrompt"},
    Park: {"dialtimeout": "maxDuration"},
    RecordingOptions: {"destination": "destinationUrl"},
}
"""Names of older SDKs and of the platform's examples, in lower case, and what they are called now"""

DEFAULT_VALUES: Mapping[tuple[type, str], Any] = {
    (Say, "text"): "",
    (SendDtmf, "value"): "",
    (SetCookie, "value"): "",
    (StartRecording, "options"): {},
    (RecordingOptions, "destinationUrl"): "",
    (TranscriptionOptions, "enabled"): False,
    (AmdOptions, "enabled"): False,
    (CallHeader, "value"): "",
    (ConferenceDtmfOptions, "mode"): "ignore",
    (StreamingOptions, "version"): 1,
    (StreamingOptions, "sampleRate"): 44100,
    (RunMenu, "menus"): [],
    (ReportCallStatus, "value"): "",
}
"""What stands for properties that no description calls required, though nothing comes of their absence"""


def find_key(value: Mapping[str, Any], name: str) -> str | None:
    """The name under which a property is there, in whatever case"""
    return (
        name if name in value else next((key for key in value if key.lower() == name.lower()), None)
    )


def _rewrite_pstn(value: dict[str, Any], where: str, notes: Notes) -> dict[str, Any]:
    """`destination` for `number`, and the Norway of a description that went through YAML"""
    value = dict(value)
    tones = find_key(value, "indications")
    # YAML reads the country code `no` as false; OpenAPI carries the mistake (platform notes, 1.2)
    if tones and value[tones] is False:
        notes.tolerate(
            f"{where}.{tones}", "the tones of Norway came out as false", 'write "no", in quotes'
        )
        value[tones] = "no"
    to = find_key(value, "destination")
    # the usual spelling wins where both are there
    if to is None or find_key(value, "number"):
        return value
    value["number"] = _rewrite_destination(value.pop(to), f"{where}.{to}", notes)
    return value


def _rewrite_destination(destination: Any, where: str, notes: Notes) -> Any:
    kind = find_key(destination, "type") if isinstance(destination, dict) else None
    endpoint = find_key(destination, "endpoint") if isinstance(destination, dict) else None
    cure = 'give "number"'
    if endpoint is None or (kind and str(destination[kind]).lower() != "number"):
        notes.refuse(where, "connectPstn calls numbers only", cure)
        raise UnreadableAnswerError
    notes.tolerate(where, "the destination of an older SDK", cure)
    return destination[endpoint]


def _rewrite_conference(value: dict[str, Any], where: str, notes: Notes) -> dict[str, Any]:
    mode = find_key(value, "dtmfMode")
    if mode is None or find_key(value, "conferenceDtmfOptions"):
        return value
    notes.tolerate(
        f"{where}.{mode}",
        "the dtmfMode of an older SDK",
        'give "conferenceDtmfOptions": {"mode": …}',
    )
    return {
        **{key: item for key, item in value.items() if key != mode},
        "conferenceDtmfOptions": {"mode": value[mode]},
    }


def _build_type_rewrite(kind: str) -> Callable[[dict[str, Any], str, Notes], dict[str, Any]]:
    """A destination that does not say what it is"""

    def rewrite_type(value: dict[str, Any], where: str, notes: Notes) -> dict[str, Any]:
        to = find_key(value, "destination")
        if to is None or not isinstance(value[to], dict):
            return value
        if given := find_key(value[to], "type"):
            _check_type(value[to][given], kind, f"{where}.{to}.{given}", notes)
            return value
        notes.tolerate(f"{where}.{to}", "the destination has no type", f'add "type": "{kind}"')
        return {**value, to: {**value[to], "type": kind}}

    return rewrite_type


def _check_type(given: Any, wanted: str, where: str, notes: Notes) -> None:
    if isinstance(given, str) and given.lower() != wanted.lower():
        check_type(given, wanted, where, notes)
        raise UnreadableAnswerError


REWRITES: Mapping[type, Callable[[dict[str, Any], str, Notes], dict[str, Any]]] = {
    ConnectPstn: _rewrite_pstn,
    ConnectConf: _rewrite_conference,
    ConnectMxp: _build_type_rewrite("username"),
    ConnectSip: _build_type_rewrite("sip"),
    ConnectStream: _build_type_rewrite("Websocket"),
}
"""What takes more than another name"""

_LENIENT_OPTION_ACTION = re.compile(r"\s*(return|menu)\s*\((.*)\)\s*", re.IGNORECASE)


def _respell_option_action(text: str) -> str:
    lead = _LENIENT_OPTION_ACTION.fullmatch(text)
    return f"{lead[1].lower()}({lead[2]})" if lead else text


def _respell_prompt(text: str) -> str:
    return ";".join(filter(None, map(str.strip, text.split(";"))))


def _respell_cli(text: str) -> str:
    if text.lower() in {"private", "incoming"}:
        return "private" if text.lower() == "private" else ""
    # ICE tells numbers without their plus, and backends send them back (platform notes, 2.2)
    return f"+{text}" if re.fullmatch(r"[1-9][0-9]{6,14}", text) else text


RESPELLINGS: Mapping[tuple[type, str], Callable[[str], str]] = {
    (MenuOption, "action"): _respell_option_action,
    (Menu, "mainPrompt"): _respell_prompt,
    (Menu, "repeatPrompt"): _respell_prompt,
    (Park, "introPrompt"): _respell_prompt,
    (Park, "holdPrompt"): _respell_prompt,
    (ConnectPstn, "cli"): _respell_cli,
    (ConnectSip, "cli"): _respell_cli,
    (ConnectPstn, "indications"): str.lower,
    (ConnectConf, "moh"): str.lower,
    (ConnectSip, "moh"): str.lower,
    (ReportCallStatus, "details"): lambda text: text.strip()[:MAX_REPORT_DETAILS],
    (Destination, "endpoint"): lambda text: re.sub(r"^sip:", "", text, flags=re.IGNORECASE),
}
"""Texts with a usual spelling; another one is tolerated"""

CASE_INSENSITIVE: Mapping[tuple[type, str], Callable[[str], str]] = {
    (ConnectSip, "transport"): str.upper,
    (ReportCallStatus, "value"): str.lower,
}
"""Texts that are documented to be written in any case"""
