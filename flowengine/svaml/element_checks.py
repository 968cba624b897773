"""What each instruction and action must look like by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flowengine import limits
from flowengine.svaml import actions as act
from flowengine.svaml import instructions as ins
from flowengine.svaml.address_patterns import (
    DTMF_PATTERN,
    NUMBER_PATTERN,
    RECORDING_URL_PATTERN,
    SIP_PATTERN,
    WEBSOCKET_PATTERN,
)
from flowengine.svaml.header_format import (
    count_header_bytes,
    find_header_name_fault,
    find_header_value_fault,
)
from flowengine.svaml.menu_checks import find_menu_faults, list_reachable_menus
from flowengine.svaml.prompt_notation import find_url_problem, is_silent, split_prompt

_TONES = "at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th uk us tw ve za"
INDICATIONS = frozenset(_TONES.split())
HOLD_MUSIC = frozenset({"ring", "music1", "music2", "music3"})
TRANSPORTS = frozenset({"UDP", "TCP", "TLS"})


def get_wire_name(value: ins.Instruction | act.Action) -> str:
    return str(value.__struct_config__.tag)


def list_prompts(action: act.Action) -> list[list[str]]:
    """Each prompt of an action that may be heard, as its parts"""
    if isinstance(action, act.RunMenu):
        prompts = [
            prompt
            for menu in list_reachable_menus(action)
            for prompt in (menu.main_prompt, menu.repeat_prompt)
        ]
    else:
        prompts = [action.intro_prompt, action.hold_prompt] if isinstance(action, act.Park) else []
    return [split_prompt(prompt) for prompt in prompts]


def find_part_fault(parts: Iterable[str], locale: str) -> str:
    return next(filter(None, (_check_part(part, locale) for part in parts)), "")


def _check_part(part: str, locale: str) -> str:
    if is_silent(part):
        return "a prompt part without words"
    kind, opened, inside = part.partition("[")
    if not kind.startswith("#"):
        return find_url_problem(part) if "://" in part else ""
    if kind not in {"#tts", "#ssml", "#href"} or not opened or not _is_closed_once(inside):
        return f"broken prompt part {part!r}"
    if kind == "#href":
        return find_url_problem(inside[:-1])
    return "" if locale else "spoken prompts need a locale"


def _is_closed_once(inside: str) -> bool:
    return inside.find("]") == len(inside) - 1 and not re.search(r"[;\[]", inside)


def _check_say(item: ins.Say) -> str:
    if not item.text.strip():
        return "nothing to say"
    return (
        f"{len(item.text)} characters; {limits.MAX_SAY} are allowed"
        if len(item.text) > limits.MAX_SAY
        else ""
    )


def _check_play_files(item: ins.PlayFiles) -> str:
    return find_part_fault(item.ids, item.locale) if item.ids else "nothing to play"


def _check_send_dtmf(item: ins.SendDtmf) -> str:
    return "" if DTMF_PATTERN.fullmatch(item.value) else "keys are 0-9, # and w (half a second)"


def _check_set_cookie(item: ins.SetCookie) -> str:
    long = f"the key may have {limits.MAX_COOKIE_KEY} characters"
    return (
        long if len(item.key) > limits.MAX_COOKIE_KEY else "" if item.key else "the key is missing"
    )


def _check_start_recording(item: ins.StartRecording) -> str:
    return (
        ""
        if RECORDING_URL_PATTERN.fullmatch(item.options.destination_url)
        else "the destination must be an s3:// or azure:// URL"
    )


def _check_report(item: ins.ReportCallStatus) -> str:
    if item.value not in {"success", "failure"}:
        return "the value is success or failure"
    return (
        f"details may have {limits.MAX_REPORT_DETAILS} characters"
        if len(item.details) > limits.MAX_REPORT_DETAILS
        else ""
    )


_INSTRUCTION_CHECKS: dict[type, Callable[[Any], str]] = {
    ins.Say: _check_say,
    ins.PlayFiles: _check_play_files,
    ins.SendDtmf: _check_send_dtmf,
    ins.SetCookie: _check_set_cookie,
    ins.StartRecording: _check_start_recording,
    ins.ReportCallStatus: _check_report,
}


def find_instruction_fault(item: ins.Instruction) -> str:
    check = _INSTRUCTION_CHECKS.get(type(item))
    return check(item) if check else ""


def _check_seconds(value: int | None, most: int) -> Iterator[str]:
    if value is not None and not 0 < value <= most:
        yield f"maxDuration must be from 1 to {most} seconds"


def _check_headers(headers: tuple[act.CallHeader, ...]) -> Iterator[str]:
    for header in headers:
        if fault := find_header_name_fault(header.key) or find_header_value_fault(header.value):
            yield fault
    size = count_header_bytes((header.key, header.value) for header in headers)
    if size > limits.MAX_HEADERS_BYTES:
        yield f"call headers of {size} bytes; {limits.MAX_HEADERS_BYTES} are allowed"


def _check_choice(name: str, value: str, allowed: frozenset[str]) -> Iterator[str]:
    if value and value not in allowed:
        yield f"{name} must be one of {', '.join(sorted(allowed))}"


def _check_connect_pstn(action: act.ConnectPstn) -> Iterator[str]:
    yield from _check_seconds(action.max_duration, limits.MAX_CALL_SECONDS)
    yield from _check_choice("indications", action.indications, INDICATIONS)
    if action.number and not NUMBER_PATTERN.fullmatch(action.number):
        yield "the number must be + and 6 to 16 digits"
    if action.cli not in {"", "private"} and not NUMBER_PATTERN.fullmatch(action.cli):
        yield 'cli must be + and 6 to 16 digits, or "private"'
    if action.dial_timeout is not None and action.dial_timeout <= 0:
        yield "dialTimeout must be positive"
    if not DTMF_PATTERN.fullmatch(action.dtmf):
        yield "dtmf keys are 0-9, # and w (half a second)"


def _check_connect_mxp(action: act.ConnectMxp) -> Iterator[str]:
    yield from _check_headers(action.call_headers)
    to = action.destination
    if to is not None and not (
        to.type == "username" and 0 < len(to.endpoint) <= limits.MAX_USER_NAME
    ):
        yield f"the destination must be an app user of 1 to {limits.MAX_USER_NAME} characters"


def _check_connect_conf(action: act.ConnectConf) -> Iterator[str]:
    yield from _check_choice("moh", action.moh, HOLD_MUSIC)
    if not 0 < len(action.conference_id) <= limits.MAX_CONFERENCE_ID:
        yield f"the conference id must have 1 to {limits.MAX_CONFERENCE_ID} characters"


def _check_connect_sip(action: act.ConnectSip) -> Iterator[str]:
    yield from _check_seconds(action.max_duration, limits.MAX_CALL_SECONDS)
    yield from _check_headers(action.call_headers)
    yield from _check_choice("moh", action.moh, HOLD_MUSIC)
    yield from _check_choice("transport", action.transport.upper(), TRANSPORTS)
    if action.destination.type != "sip" or not SIP_PATTERN.fullmatch(action.destination.endpoint):
        yield "the destination must be user@host, maybe with :port"


def _check_connect_stream(action: act.ConnectStream) -> Iterator[str]:
    yield from _check_seconds(action.max_duration, limits.MAX_CALL_SECONDS)
    yield from _check_headers(action.call_headers)
    if action.destination.type != "Websocket" or not WEBSOCKET_PATTERN.fullmatch(
        action.destination.endpoint
    ):
        yield "the destination must be a wss:// URL"


def _check_park(action: act.Park) -> Iterator[str]:
    yield from _check_seconds(action.max_duration, limits.MAX_PARK_SECONDS)


_ACTION_CHECKS: dict[type, Callable[[Any], Iterable[str]]] = {
    act.ConnectPstn: _check_connect_pstn,
    act.ConnectMxp: _check_connect_mxp,
    act.ConnectConf: _check_connect_conf,
    act.ConnectSip: _check_connect_sip,
    act.ConnectStream: _check_connect_stream,
    act.RunMenu: find_menu_faults,
    act.Park: _check_park,
}


def find_action_faults(action: act.Action) -> Iterator[str]:
    check = _ACTION_CHECKS.get(type(action))
    if check:
        yield from check(action)
    for prompt in list_prompts(action):
        if fault := find_part_fault(prompt, getattr(action, "locale", "")):
            yield fault
