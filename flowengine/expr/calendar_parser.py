"""Calendars as authors write them."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfoNotFoundError

import msgspec

from flowengine.expr.calendar import Calendar
from flowengine.expr.calendar_cures import suggest_calendar_key, suggest_days, suggest_hours
from flowengine.expr.special_days import SpecialDayError, SpecialDays, parse_special_days
from flowengine.expr.special_hours import MinuteRange, SpecialHours
from flowengine.expr.zones import load_zone, suggest_zone
from flowengine.problems import join_with_or, quote_value, suggest_name

CALENDAR_KEYS: Final = {
    "zone": "The IANA time zone, with its summer time; by default that of the project.",
    "open": "Hours by day (mon), range (mon-fri), list (mon, wed), weekdays, weekend or daily.",
    "except": "Hours of special days; `closed` for none.",
    "closed": "Whether all is closed at once, for emergencies.",
}
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG_DAYS: Final = {
    f"{day}day" for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
}
_DAY_GROUPS: Final = {
    "daily": range(7),
    "every day": range(7),
    "weekdays": range(5),
    "weekend": range(5, 7),
    "weekends": range(5, 7),
}
_RANGE: Final = re.compile(r"\s*([0-9]{1,2}):([0-5][0-9])\s*[-–]\s*([0-9]{1,2}):([0-5][0-9])\s*")  # noqa: RUF001 - word processors write the long dash
_MIDNIGHT: Final = 1440
_Path = tuple[str | int, ...]
_T = TypeVar("_T")


class HoursTextError(Exception):
    """A mistake in a calendar; `path` leads to it within the calendar's data, to its key where
    `of_key`.
    """

    def __init__(self, message: str, path: _Path, hint: str = "", *, of_key: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint
        self.of_key = of_key


class CalendarError(Exception):
    """All mistakes of a calendar."""

    def __init__(self, mistakes: Sequence[HoursTextError]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = mistakes


def parse_calendar(data: Mapping[str, Any], zone: str = "") -> Calendar:
    """A calendar; its zone is the one given where it names none."""
    reader = _CalendarReader([])
    for key in data:
        if key not in CALENDAR_KEYS:
            hint = (
                suggest_calendar_key(key)
                or suggest_name(key, CALENDAR_KEYS)
                or f"it has {join_with_or(CALENDAR_KEYS)}"
            )
            reader.mistakes.append(
                HoursTextError(f"a calendar has no {quote_value(key)}", (key,), hint, of_key=True)
            )
    if not isinstance(data.get("closed", False), bool):
        reader.mistakes.append(HoursTextError("closed is true or false", ("closed",)))
    weekly, special = reader.read_weekly(data), reader.read_special(data)
    place = reader.try_read(partial(_parse_zone, data.get("zone") or zone))
    if reader.mistakes or place is None:
        raise CalendarError(reader.mistakes)
    return Calendar(place, weekly, special, data.get("closed", False))


class _CalendarReader(msgspec.Struct, frozen=True):
    """Reads part after part, so that a mistake in one does not hide those in others."""

    mistakes: list[HoursTextError]

    def try_read(self, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except HoursTextError as mistake:
            self.mistakes.append(mistake)
            return None

    def read_weekly(self, data: Mapping[str, Any]) -> dict[int, tuple[MinuteRange, ...]]:
        weekly: dict[int, tuple[MinuteRange, ...]] = {}
        for key, value in (self.try_read(partial(_get_mapping, data, "open")) or {}).items():
            ranges = self.try_read(partial(_parse_ranges, value, ("open", key))) or ()
            for day in self.try_read(partial(_parse_days, key)) or ():
                if day in weekly:
                    cure = "put all hours of a day into one list"
                    self.mistakes.append(
                        HoursTextError(
                            f"{_DAYS[day]} is there twice", ("open", key), cure, of_key=True
                        )
                    )
                weekly[day] = ranges
        return weekly

    def read_special(self, data: Mapping[str, Any]) -> SpecialHours:
        rules: dict[str, tuple[SpecialDays, tuple[MinuteRange, ...]]] = {}
        for key, value in (self.try_read(partial(_get_mapping, data, "except")) or {}).items():
            ranges = self.try_read(partial(_parse_ranges, value, ("except", key))) or ()
            days = self.try_read(partial(_parse_special, str(key)))
            if days is None:
                continue
            if days in (known for known, _ in rules.values()):
                self.mistakes.append(
                    HoursTextError(
                        f"{quote_value(key)} is there twice",
                        ("except", key),
                        "put all hours of a day into one list",
                        of_key=True,
                    )
                )
            rules[" ".join(str(key).lower().split())] = days, ranges
        return SpecialHours(rules)


def _get_mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key) or {}
    if not isinstance(found, Mapping):
        raise HoursTextError(
            f"{key} lists days and their hours",
            (key,),
            "for example mon-fri: 09:00-17:00"
            if key == "open"
            else "for example 2026-12-24: closed",
        )
    return found


def _parse_zone(name: Any) -> str:
    if not name:
        raise HoursTextError(
            "a calendar needs a zone",
            (),
            "for example zone: Europe/Stockholm, here or for all in project.yaml",
            of_key=True,
        )
    try:
        return str(load_zone(str(name)).key)
    except ZoneInfoNotFoundError:
        raise HoursTextError(
            f"there is no zone {quote_value(name)}",
            ("zone",),
            suggest_zone(str(name)),
        ) from None


def _parse_days(key: str) -> list[int]:
    found: list[int] = []
    for part in str(key).lower().split(","):
        name = part.strip()
        first, _, last = name.partition("-")
        start, end = _parse_day(first, key), _parse_day(last or first, key)
        found += _DAY_GROUPS.get(name) or [
            (start + step) % 7 for step in range((end - start) % 7 + 1)
        ]
    return found


def _parse_day(name: str, key: str) -> int:
    word = name.strip()
    if word in _DAY_GROUPS:
        return 0
    if word not in _DAYS and word not in _LONG_DAYS:
        hint = (
            suggest_days(key)
            or suggest_name(word, _DAYS)
            or f"days are {join_with_or(_DAYS)}, or mon-fri"
        )
        raise HoursTextError(
            f"{quote_value(word)} is no day of the week", ("open", key), hint, of_key=True
        )
    return _DAYS.index(word[:3])


def _parse_special(key: str) -> SpecialDays:
    try:
        return parse_special_days(key)
    except SpecialDayError as error:
        raise HoursTextError(error.message, ("except", key), error.hint, of_key=True) from None


def _parse_ranges(value: Any, path: _Path) -> tuple[MinuteRange, ...]:
    if value == "closed":
        return ()
    if value is None:
        cure = "write closed, or hours such as 09:00-17:00"
        raise HoursTextError("no hours stand here", path, cure, of_key=True)
    if not isinstance(value, list):
        return (_parse_range(value, path),)
    ranges = sorted(_parse_range(item, (*path, index)) for index, item in enumerate(value))
    _check_overlaps(ranges, path)
    return tuple(ranges)


def _check_overlaps(ranges: Sequence[MinuteRange], path: _Path) -> None:
    for (_, end), (start, _) in pairwise(ranges):
        if start < end:
            raise HoursTextError(
                "these hours overlap", path, "let each range begin after the one before it ends"
            )


def _parse_range(value: Any, path: _Path) -> MinuteRange:
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise HoursTextError(
            f"{quote_value(value)} are no hours",
            path,
            suggest_hours(value) or "write 09:00-17:00, a list of such ranges, or closed",
        )
    hours = [int(part) for part in found.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start >= _MIDNIGHT or end > _MIDNIGHT:
        raise HoursTextError(
            f"{quote_value(value)} is past midnight",
            path,
            "a day ends at 24:00; hours into the night are 22:00-02:00",
        )
    if start == end:
        raise HoursTextError(
            "these hours end when they begin", path, "open around the clock is 00:00-24:00"
        )
    return start, end if end > start else end + _MIDNIGHT
