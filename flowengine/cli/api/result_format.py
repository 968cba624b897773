"""Results of the APIs as text for people."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from flowengine.problems import format_count
from flowengine.problems.message_format import in_cure
from flowengine.sinch import CallTarget, Money
from flowengine.sinch.client import (
    CallbackUrls,
    CallInfo,
    Counter,
    NumberInfo,
    OwnNumber,
    Participant,
    StoredRecording,
    UserCalls,
)


def format_fields(fields: Iterable[tuple[str, object]]) -> str:
    """A field a line, without those that are empty."""
    rows = [(name, in_cure(str(value))) for name, value in fields if value not in ("", None)]
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def format_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A line of names, and one for each row."""
    lines = [list(names), *([in_cure(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def format_call_info(call: CallInfo) -> str:
    return format_fields((
        ("call", call.call_id),
        ("from", format_target(call.from_)),
        ("to", format_target(call.to)),
        ("domain", call.domain),
        ("status", call.status),
        ("result", call.result),
        ("reason", call.reason),
        ("time", format_moment(call.timestamp)),
        ("duration", format_count(call.duration, "second")),
        ("custom", call.custom),
        ("rate", format_money(call.user_rate)),
        ("cost", format_money(call.debit)),
    ))  # fmt: skip


def format_target(target: CallTarget) -> str:
    return f"{target.type} {target.endpoint}".strip()


def format_moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def format_money(money: Money) -> str:
    return f"{money.amount:g} {money.currency_id}" if money.currency_id else ""


def format_participants(participants: list[Participant]) -> str:
    if not participants:
        return "nobody is in the conference"
    return format_table(
        ("call", "caller", "seconds", "muted", "on hold"),
        (
            (one.call_id, one.cli, one.duration, format_flag(one.muted), format_flag(one.on_hold))
            for one in participants
        ),
    )


def format_flag(flag: bool) -> str:
    return "yes" if flag else "no"


def format_numbers(numbers: list[OwnNumber]) -> str:
    if not numbers:
        return "the account has no numbers"
    return format_table(
        ("number", "application", "capability"),
        ((one.number, one.application_key or "none", one.capability) for one in numbers),
    )


def format_number_info(number: NumberInfo) -> str:
    return format_fields((
        ("number", number.normalized_number),
        ("country", number.country_id),
        ("type", number.number_type),
        ("restricted", format_flag(number.restricted)),
        ("rate", f"{rate} a minute" if (rate := format_money(number.rate)) else ""),
    ))  # fmt: skip


def format_callback_urls(urls: CallbackUrls) -> str:
    return format_fields(
        (("primary", urls.primary or "none"), ("fallback", urls.fallback or "none"))
    )


def format_recordings(recordings: list[StoredRecording]) -> str:
    if not recordings:
        return "no recordings in this time"
    return format_table(
        ("key", "created", "expires"),
        ((one.key, one.created_on, one.expires_on) for one in recordings),
    )


def format_user_calls(calls: UserCalls) -> str:
    return format_fields((
        ("answered", format_count(calls.success, "call")),
        ("failed", format_count(calls.failed, "call")),
        ("duration", format_count(calls.duration, "second")),
        ("since", calls.start),
    ))  # fmt: skip


def format_counter(counter: Counter) -> str:
    return format_fields((("value", counter.value), ("counted", counter.modified)))
