"""Calendars as authors write them."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from flowengine.expr.calendar import Calendar, Range
from flowengine.problems import one_of, quoted, suggest

_KEYS: Final = ("zone", "open", "except", "closed")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG: Final = {f"{day}day" for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")}
_EVERY_DAY: Final = {"daily": range(7), "every day": range(7), "weekdays": range(5), "weekend": range(5, 7), "weekends": range(5, 7)}
_RANGE: Final = re.compile(r"\s*([0-9]{1,2}):([0-5][0-9])\s*[-–]\s*([0-9]{1,2}):([0-5][0-9])\s*")  # noqa: RUF001 - word processors write the long dash
_MIDNIGHT: Final = 1440
_Path = tuple[str | int, ...]


class CalendarError(Exception):
    """A mistake in a calendar; `path` leads to it within the calendar's data."""

    def __init__(self, message: str, path: _Path, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint


def parse_calendar(data: Mapping[str, Any]) -> Calendar:
    for key in data:
        if key not in _KEYS:
            raise CalendarError(f"a calendar has no {quoted(key)}", (key,), suggest(key, _KEYS) or f"it has {one_of(_KEYS)}")
    exceptions, yearly = _exceptions(_mapping(data, "except"))
    closed = data.get("closed", False)
    if not isinstance(closed, bool):
        raise CalendarError("closed is true or false", ("closed",))
    return Calendar(_zone(data.get("zone")), _weekly(_mapping(data, "open")), exceptions, yearly, closed)


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key) or {}
    if not isinstance(found, Mapping):
        raise CalendarError(
            f"{key} lists days and their hours",
            (key,),
            "for example mon-fri: 09:00-17:00" if key == "open" else "for example 2026-12-24: closed",
        )
    return found


def _zone(name: Any) -> str:
    if not name:
        raise CalendarError("a calendar needs a zone", (), "for example zone: Europe/Stockholm")
    try:
        return ZoneInfo(str(name)).key
    except (ValueError, OSError, KeyError):
        raise CalendarError(
            f"there is no zone {quoted(name)}", ("zone",), suggest(str(name), available_timezones()) or "for example Europe/Stockholm"
        ) from None


def _weekly(authored: Mapping[str, Any]) -> dict[int, tuple[Range, ...]]:
    weekly: dict[int, tuple[Range, ...]] = {}
    for key, value in authored.items():
        ranges = _ranges(value, ("open", key))
        for day in _days(key):
            if day in weekly:
                raise CalendarError(f"{_DAYS[day]} is there twice", ("open", key), "put all hours of a day into one list")
            weekly[day] = ranges
    return weekly


def _days(key: str) -> list[int]:
    found: list[int] = []
    for part in str(key).lower().split(","):
        name = part.strip()
        first, _, last = name.partition("-")
        start, end = _day(first, key), _day(last or first, key)
        found += _EVERY_DAY.get(name) or [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return found


def _day(name: str, key: str) -> int:
    word = name.strip()
    if word in _EVERY_DAY:
        return 0
    if word not in _DAYS and word not in _LONG:
        raise CalendarError(
            f"{quoted(word)} is no day of the week", ("open", key), suggest(word, _DAYS) or f"days are {one_of(_DAYS)}, or mon-fri"
        )
    return _DAYS.index(word[:3])


_Exceptions = tuple[dict[date, tuple[Range, ...]], dict[tuple[int, int], tuple[Range, ...]]]


def _exceptions(authored: Mapping[str, Any]) -> _Exceptions:
    dates: dict[date, tuple[Range, ...]] = {}
    yearly: dict[tuple[int, int], tuple[Range, ...]] = {}
    for key, value in authored.items():
        day, ranges = _date(str(key)), _ranges(value, ("except", key))
        if len(str(key)) == len("12-25"):
            yearly[day.month, day.day] = ranges
        else:
            dates[day] = ranges
    return dates, yearly


def _date(key: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", key):
            return date.fromisoformat(key)
        if re.fullmatch(r"[0-9]{2}-[0-9]{2}", key):
            return date.fromisoformat(f"2000-{key}")  # a leap year, so that 02-29 is a day
    except ValueError:
        raise CalendarError(f"there is no day {quoted(key)}", ("except", key)) from None
    raise CalendarError(f"{quoted(key)} is no date", ("except", key), "write 2026-12-24, or 12-24 for every year")


def _ranges(value: Any, path: _Path) -> tuple[Range, ...]:
    if value == "closed" or value is None:
        return ()
    if not isinstance(value, list):
        return (_range(value, path),)
    ranges = sorted(_range(item, (*path, index)) for index, item in enumerate(value))
    _apart(ranges, path)
    return tuple(ranges)


def _apart(ranges: Sequence[Range], path: _Path) -> None:
    for (_, end), (start, _) in pairwise(ranges):
        if start < end:
            raise CalendarError("these hours overlap", path, "let each range begin after the one before it ends")


def _range(value: Any, path: _Path) -> Range:
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise CalendarError(f"{quoted(value)} are no hours", path, "write 09:00-17:00, a list of such ranges, or closed")
    hours = [int(part) for part in found.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start >= _MIDNIGHT or end > _MIDNIGHT:
        raise CalendarError(f"{quoted(value)} is past midnight", path, "a day ends at 24:00; hours into the night are 22:00-02:00")
    if start == end:
        raise CalendarError("these hours end when they begin", path, "open around the clock is 00:00-24:00")
    return start, end if end > start else end + _MIDNIGHT
