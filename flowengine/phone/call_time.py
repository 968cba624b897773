"""When a call takes place, as a person says it: a time, a day of the week, a date, or now."""

import re
from datetime import date, datetime, timedelta

from flowengine.expr import load_zone
from flowengine.scenarios.call_setup import DEFAULT_TIME
from flowengine.scenarios.scenario_checks import is_time

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
USUAL_DATE = DEFAULT_TIME.split()[0]  # a Monday
_HOURS_PATTERN = re.compile(r"\d{1,2}:\d\d(:\d\d)?")


class CallTimeError(ValueError):
    """A text is no time."""


def parse_call_time(text: str, zone: str) -> str:
    """A time as scenarios have it. Hours alone are those of an ordinary Monday, and days of the week
    are those of its week.

    >>> parse_call_time("9:30", "UTC"), parse_call_time("Sunday 23:00", "UTC")
    ('2026-03-02 09:30', '2026-03-08 23:00')
    >>> parse_call_time("2026-12-24T18:00", "UTC")
    '2026-12-24 18:00'
    """
    if text == "now":
        return datetime.now(load_zone(zone)).strftime("%Y-%m-%d %H:%M:%S")
    plain = text.upper().replace("T", " ") if "-" in text else text
    *days, hours = plain.split() or [""]
    if _HOURS_PATTERN.fullmatch(hours) and (day := find_day(days)):
        whole = f"{day} {hours.zfill(5)}"
        if is_time(whole):
            return whole
    raise CallTimeError(
        f"{text} is no time: write for example 23:00, sunday 23:00, {DEFAULT_TIME} or now"
    )


def find_day(words: list[str]) -> str:
    """The date of a day; nothing where the words are no day."""
    if not words:
        return USUAL_DATE
    word = words[0].casefold()
    if len(words) > 1:
        return ""
    if word in DAYS:
        return str(date.fromisoformat(USUAL_DATE) + timedelta(days=DAYS.index(word)))
    return word
