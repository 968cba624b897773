"""Helper functions for dates (`2026-12-24`) and times of day (`09:30`). None of them knows what day
it is: hand it in.
"""

import re
from datetime import date
from functools import lru_cache
from typing import Final

from flowengine.expr.digits import to_ascii_digits
from flowengine.expr.functions.function_registry import declare_function
from flowengine.expr.speech_formats import format_spoken_date, format_spoken_time

_FORMAT_FIELDS: Final = {
    "YYYY": r"(?P<Y>[0-9]{4})",
    "YY": r"(?P<y>[0-9]{2})",
    "MM": r"(?P<m>[0-9]{2})",
    "DD": r"(?P<d>[0-9]{2})",
}
_CENTURY_PIVOT: Final = 69  # as POSIX has it: 69 is 1969, 68 is 2068


@declare_function(
    "Whether a text is a date that exists, written in a format of `YYYY`, `YY`, `MM`, `DD` and "
    "other characters.",
    'is_date("31022026", "DDMMYYYY")',
    result=False,
)
def is_date(text: str, format: str = "YYYY-MM-DD") -> bool:  # noqa: A002 - authors see the name
    try:
        _parse_date(text, format)
    except ValueError:
        return False
    return True


@declare_function(
    "A date from a text in a format of `YYYY`, `YY`, `MM`, `DD` and other characters.",
    'parse_date("24122026", "DDMMYYYY")',
    "2026-12-24",
)
def parse_date(text: str, format: str) -> str:  # noqa: A002 - authors see the name
    return _parse_date(text, format).isoformat()


@declare_function(
    "Whole years from a day of birth to another day.", 'age("2000-03-01", "2026-02-28")', 25
)
def age(born: str, today: str) -> int:
    birth, now = _parse_iso_date(born), _parse_iso_date(today)
    return now.year - birth.year - ((now.month, now.day) < (birth.month, birth.day))


@declare_function(
    "Days from one date to another; negative when the other comes first.",
    'days_between("2026-12-24", "2027-01-01")',
    8,
)
def days_between(start: str, end: str) -> int:
    return (_parse_iso_date(end) - _parse_iso_date(start)).days


@declare_function(
    "A date as a voice should say it; nothing for an empty text.",
    'date_words("2026-12-24")',
    "December 24, 2026",
)
def date_words(date: str, locale: str = "en-US") -> str:
    return format_spoken_date(_parse_iso_date(date), locale) if date else ""


@declare_function(
    "A time of day as a voice should say it; nothing for an empty text.",
    'time_words("09:30")',
    "9:30 AM",
)
def time_words(time: str, locale: str = "en-US") -> str:
    if not time:
        return ""
    clock = to_ascii_digits(time)
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", clock)
    if not found:
        raise ValueError(f"{time[:30]!r} is no time of day, such as 09:30")
    return format_spoken_time(int(found[1]), int(found[2]), locale)


def _parse_iso_date(text: str) -> date:
    return _parse_date(text, "YYYY-MM-DD")


def _parse_date(text: str, form: str) -> date:
    found = _compile_date_format(form).fullmatch(to_ascii_digits(text))
    if not found:
        raise ValueError(f"{text[:30]!r} is no date of the form {form[:30]}")
    part = found.groupdict()
    year = (
        int(part["Y"])
        if "Y" in part
        else int(part["y"]) + (1900 if int(part["y"]) >= _CENTURY_PIVOT else 2000)
    )
    return date(year, int(part["m"]), int(part["d"]))


@lru_cache(maxsize=64)
def _compile_date_format(form: str) -> re.Pattern[str]:
    pieces = re.split("(YYYY|YY|MM|DD)", form[:40])
    if sorted(piece[0] for piece in pieces if piece in _FORMAT_FIELDS) != ["D", "M", "Y"]:
        raise ValueError(
            f"{form[:30]!r} needs a year (YYYY or YY), a month (MM) and a day (DD), once each"
        )
    return re.compile("".join(_FORMAT_FIELDS.get(piece) or re.escape(piece) for piece in pieces))
