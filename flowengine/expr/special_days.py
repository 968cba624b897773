"""Special days of a calendar, as authors write them: dates, ranges of dates, and holidays that move."""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec

from flowengine.problems import find_nearest, quote_value

MAX_RANGE_DAYS: Final = 366  # a longer range of dates is a slip in a year
ORDINALS: Final = ("first", "second", "third", "fourth", "last")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
EASTER_DAYS: Final = {
    "good friday": -2,
    "easter": 0,
    "easter sunday": 0,
    "easter monday": 1,
    "ascension day": 39,
    "whit sunday": 49,
    "whit monday": 50,
}
FORMS_HINT: Final = (
    "write 2026-12-24, 12-24 for every year, 12-24 to 12-26, fourth thursday of november, "
    "friday after 06-18, easter monday, or 1 day after one of these"
)
_DATE: Final = re.compile(r"(?:([0-9]{4})-)?([0-9]{2})-([0-9]{2})")
_SHIFTED: Final = re.compile(r"([0-9]{1,3}) days? (before|after) (.+)")
_NTH: Final = re.compile(rf"({'|'.join(ORDINALS)}) ([a-z]+) (?:of|in) ([a-z]+)")
_NEAR: Final = re.compile(r"([a-z]+) (before|after) ([0-9]{2})-([0-9]{2})")
_DAY_FIRST: Final = re.compile(r"([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4})?")
_SLASHED_DATE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})(?:/([0-9]{4}))?")
_NAMED_MONTH: Final = re.compile(
    r"(?:(?P<before>[0-9]{1,2})(?:st|nd|rd|th)?(?: of)? )?(?P<month>[a-z]{3,9})\.?"
    r"(?: (?P<after>[0-9]{1,2})(?:st|nd|rd|th)?)?(?:,? (?P<year>[0-9]{4}))?"
)
_DASHED_RANGE: Final = re.compile(
    rf"({_DATE.pattern})\s*(?:[-\u2013]|until|through|\.\.)\s*({_DATE.pattern})"
)
# holidays that many calendars name, and that are the same day everywhere
_NAMED_DAYS: Final = {
    "christmas": "12-25",
    "christmas day": "12-25",
    "christmas eve": "12-24",
    "boxing day": "12-26",
    "new year": "01-01",
    "new year's day": "01-01",
    "new year's eve": "12-31",
    "thanksgiving": "fourth thursday of november",
    "labor day": "first monday of september",
    "memorial day": "last monday of may",
    "whitsun": "whit sunday",
    "pentecost": "whit sunday",
    "ascension": "ascension day",
}
_LEAP_YEAR: Final = 2000  # has every day of a year
_DAYS_OF_YEAR: Final = tuple(
    (day.month, day.day)
    for day in (date(_LEAP_YEAR, 1, 1) + timedelta(days=ahead) for ahead in range(366))
)


class DatedDays(msgspec.Struct, frozen=True):
    """Days of one year each, from the first to the last."""

    first: date
    last: date

    @property
    def days(self) -> Sequence[date]:
        count = (self.last - self.first).days + 1
        return [self.first + timedelta(days=ahead) for ahead in range(count)]


class YearlyDays(msgspec.Struct, frozen=True):
    """Days of every year by month and day, from the first to the last, over the turn of the year
    where the last is earlier.
    """

    first: tuple[int, int]
    last: tuple[int, int]

    @property
    def days(self) -> Sequence[tuple[int, int]]:
        begin, end = _DAYS_OF_YEAR.index(self.first), _DAYS_OF_YEAR.index(self.last)
        if begin <= end:
            return _DAYS_OF_YEAR[begin : end + 1]
        return _DAYS_OF_YEAR[begin:] + _DAYS_OF_YEAR[: end + 1]


class NthWeekday(msgspec.Struct, frozen=True):
    """Such as the fourth thursday of november; `nth` is -1 for the last."""

    nth: int
    weekday: int
    month: int

    def find_date(self, year: int) -> date:
        first, length = monthrange(year, self.month)
        day = 1 + (self.weekday - first) % 7 + 7 * max(self.nth, 0)
        if self.nth < 0:
            day += (length - day) // 7 * 7
        return date(year, self.month, day)


class NearestWeekday(msgspec.Struct, frozen=True):
    """Such as the first friday after June 18, or with `step` -1 the last before it."""

    weekday: int
    step: int
    month: int
    day: int

    def find_date(self, year: int) -> date:
        day = date(year, self.month, self.day)
        distance = (self.step * (self.weekday - day.weekday()) - 1) % 7 + 1
        return day + timedelta(days=self.step * distance)


class EasterDay(msgspec.Struct, frozen=True):
    """So many days after easter sunday of the western churches."""

    days: int

    def find_date(self, year: int) -> date:
        # imported when needed, as it takes as long as compiling two flows
        from dateutil.easter import easter  # noqa: PLC0415

        return easter(year) + timedelta(days=self.days)


class ShiftedDay(msgspec.Struct, frozen=True):
    """So many days after another holiday that moves."""

    day: "MovableDay"
    shift: int

    def find_date(self, year: int) -> date:
        return self.day.find_date(year) + timedelta(days=self.shift)


MovableDay = NthWeekday | NearestWeekday | EasterDay | ShiftedDay
SpecialDays = DatedDays | YearlyDays | MovableDay


class SpecialDayError(Exception):
    """These are no days; `hint` is how to write some."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def parse_special_days(text: str) -> SpecialDays:
    """The days that a key of `except:` names.

    >>> parse_special_days("fourth thursday of november").find_date(2026)
    datetime.date(2026, 11, 26)
    >>> parse_special_days("1 day after fourth thursday of november").find_date(2026)
    datetime.date(2026, 11, 27)
    >>> parse_special_days("friday after 06-18").find_date(2027)  # Midsummer Eve in Sweden
    datetime.date(2027, 6, 25)
    >>> parse_special_days("easter monday").find_date(2026)
    datetime.date(2026, 4, 6)
    >>> len(parse_special_days("12-24 to 01-02").days)
    10
    """
    words = " ".join(text.lower().split())
    first, is_range, last = words.partition(" to ")
    if _DATE.fullmatch(first):
        return _parse_range(text, first, last if is_range else first)
    found = _parse_movable(text, words)
    if found is None:
        raise SpecialDayError(f"{quote_value(text)} is no date", _suggest_day(words) or FORMS_HINT)
    return found


def _suggest_day(words: str) -> str:
    """How a day that is written otherwise is written here, where it is plain which one is meant."""
    if found := _DAY_FIRST.fullmatch(words):
        day, month, year = found.groups()
        before = f"{year}-" if year else ""
        return f"write {before}{int(month):02}-{int(day):02}" if int(month) <= len(MONTHS) else ""
    if day := _read_plain_date(words):
        return f"write {day}"
    if found := _DASHED_RANGE.fullmatch(words):
        return f"write {found[1]} to {found[5]}"
    if words in _NAMED_DAYS:
        return f"write {_NAMED_DAYS[words]}"
    near = find_nearest(words, tuple(EASTER_DAYS))
    return f"did you mean {quote_value(near)}?" if near else ""


def _read_plain_date(words: str) -> str:
    """A date with the name of its month, or with numbers of which only one can be the month."""
    year = ""
    if found := _NAMED_MONTH.fullmatch(words):
        day = int(found["before"] or found["after"] or 0)
        month = next(
            (number for number, name in enumerate(MONTHS, 1) if name.startswith(found["month"])), 0
        )
        year = found["year"] or ""
    elif found := _SLASHED_DATE.fullmatch(words):
        day, month = sorted((int(found[1]), int(found[2])), reverse=True)
        year = found[3] or ""
        if day <= len(MONTHS) and day != month:
            return ""
    else:
        return ""
    is_day = (month, day) in _DAYS_OF_YEAR
    return f"{f'{year}-' if year else ''}{month:02}-{day:02}" if is_day else ""


def _parse_range(text: str, first: str, last: str) -> SpecialDays:
    begin, end = _parse_date(text, first), _parse_date(text, last)
    if isinstance(begin, tuple) and isinstance(end, tuple):
        return YearlyDays(begin, end)
    if isinstance(begin, tuple) or isinstance(end, tuple):
        raise SpecialDayError(
            f"one end of {quote_value(text)} has a year and the other has none",
            "write both with a year, or both without one",
        )
    if end < begin:
        raise SpecialDayError(
            f"{quote_value(text)} ends before it begins", "write the earlier date first"
        )
    if (end - begin).days >= MAX_RANGE_DAYS:
        raise SpecialDayError(f"{quote_value(text)} is longer than a year", "is a year mistyped?")
    return DatedDays(begin, end)


def _parse_date(text: str, part: str) -> date | tuple[int, int]:
    found = _DATE.fullmatch(part)
    if found is None:
        raise SpecialDayError(f"{quote_value(text)} is no range of dates", FORMS_HINT)
    year, month, day = found.groups()
    try:
        whole = date(int(year or _LEAP_YEAR), int(month), int(day))
    except ValueError:
        hint = "write a day that the month has, and the month before the day: 12-24"
        raise SpecialDayError(f"there is no day {quote_value(part)}", hint) from None
    return whole if year else (whole.month, whole.day)


def _parse_movable(text: str, words: str) -> MovableDay | None:
    if words in EASTER_DAYS:
        return EasterDay(EASTER_DAYS[words])
    if (found := _SHIFTED.fullmatch(words)) and (day := _parse_movable(text, found[3])):
        shift = int(found[1])
        return ShiftedDay(day, -shift if found[2] == "before" else shift)
    if (found := _NTH.fullmatch(words)) and found[2] in WEEKDAYS and found[3] in MONTHS:
        nth = ORDINALS.index(found[1])
        return NthWeekday(
            -1 if found[1] == "last" else nth, WEEKDAYS.index(found[2]), MONTHS.index(found[3]) + 1
        )
    if (found := _NEAR.fullmatch(words)) and found[1] in WEEKDAYS:
        near = _parse_date(text, f"{found[3]}-{found[4]}")
        assert isinstance(near, tuple)  # noqa: S101  # it has no year
        if near == (2, 29):
            raise SpecialDayError("most years have no 02-29", "write 02-28 or 03-01")
        step = 1 if found[2] == "after" else -1
        return NearestWeekday(WEEKDAYS.index(found[1]), step, *near)
    return None
