"""Addresses, times, keys and the like, wherever they are in an answer."""

from collections.abc import Sequence

from flowengine import limits
from flowengine.problems import join_with_or, quote_value
from flowengine.svaml import NUMBER_PATTERN, CallHeader
from flowengine.svaml.address_patterns import DTMF_PATTERN
from flowengine.svaml.element_checks import HOLD_MUSIC
from flowengine.svaml.header_format import (
    count_header_bytes,
    find_header_name_fault,
    find_header_value_fault,
)
from flowengine.switch.reading.finding_notes import Notes


def check_number(number: str, where: str, notes: Notes) -> None:
    if not NUMBER_PATTERN.fullmatch(number):
        notes.refuse(
            where,
            f"{quote_value(number)} is no number in E.164",
            f"write + and 6 to 16 digits{_suggest_number(number)}",
        )


def _suggest_number(number: str) -> str:
    digits = "".join(filter(str.isdecimal, number)).removeprefix("00")
    return f", as in +{digits}" if 6 <= len(digits) <= 16 and not digits.startswith("0") else ""


def check_cli(cli: str, where: str, notes: Notes) -> None:
    if cli not in {"", "private"} and not NUMBER_PATTERN.fullmatch(cli):
        cure = f'write + and 6 to 16 digits{_suggest_number(cli)}, or "private" to withhold it'
        notes.refuse(where, f"{quote_value(cli)} is no number to call from", cure)


def check_keys(keys: str, where: str, notes: Notes) -> None:
    if not DTMF_PATTERN.fullmatch(keys):
        odd = join_with_or(
            quote_value(key)
            for key in dict.fromkeys(key for key in keys if not DTMF_PATTERN.fullmatch(key))
        )
        notes.refuse(
            where,
            f"{odd} cannot be sent as a tone",
            "take 0 to 9, # and w (half a second of silence)",
        )


def check_seconds(seconds: int | None, where: str, notes: Notes, most: int) -> None:
    if seconds is not None and not 0 < seconds <= most:
        notes.refuse(where, f"{seconds} seconds is out of range", f"take 1 to {most}")


def check_type(kind: str, wanted: str, where: str, notes: Notes) -> None:
    """Of a destination"""
    if kind != wanted:
        notes.refuse(
            where,
            f"{quote_value(kind)} is not reached by this action",
            f'give "type": "{wanted}", or take the action that reaches it',
        )


def check_positive(value: int | None, where: str, notes: Notes) -> None:
    if value is not None and value < 1:
        notes.refuse(where, f"{value} is out of range", "take 1 or more")


def check_music(moh: str, where: str, notes: Notes) -> None:
    if moh and moh not in HOLD_MUSIC:
        notes.refuse(
            where,
            f"there is no music {quote_value(moh)}",
            f"take {join_with_or(sorted(HOLD_MUSIC))}, or leave it out for silence",
        )


def check_headers(headers: Sequence[CallHeader], where: str, notes: Notes) -> None:
    for header in headers:
        if fault := find_header_name_fault(header.key) or find_header_value_fault(header.value):
            notes.refuse(where, fault, "send names such as X-Tier, and values of one line")
    size = count_header_bytes((header.key, header.value) for header in headers)
    if size > limits.MAX_HEADERS_BYTES:
        notes.refuse(
            where,
            f"call headers of {size} bytes",
            f"keep keys and values to {limits.MAX_HEADERS_BYTES} bytes in all",
        )
