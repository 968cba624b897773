"""Calendars as authors write them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfoNotFoundError

from flowengine.expr.calendar import Calendar, Range
from flowengine.expr.zones import load_zone, zone_names
from flowengine.problems import one_of, quoted, suggest

_KEYS: Final = ("zone", "open", "except", "closed")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONG: Final = {f"{day}day" for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")}
_EVERY_DAY: Final = {
    "daily": range(7),
    "every day": range(7),
    "weekdays": range(5),
    "weekend": range(5, 7),
    "weekends": range(5, 7),
}
_RANGE: Final = re.compile(r"\s*([0-9]{1,2}):([0-5][0-9])\s*[-–]\s*([0-9]{1,2}):([0-5][0-9])\s*")  # noqa: RUF001 - word processors write the long dash
_MIDNIGHT: Final = 1440
_Path = tuple[str | int, ...]
_Exceptions = tuple[dict[date, tuple[Range, ...]], dict[tuple[int, int], tuple[Range, ...]]]
_T = TypeVar("_T")


class Mistake(Exception):  # noqa: N818 - nobody else catches it
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

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("; ".join(mistake.message for mistake in mistakes))
        self.mistakes = mistakes


def parse_calendar(data: Mapping[str, Any], zone: str = "") -> Calendar:
    """A calendar; its zone is the one given where it names none."""
    reader = _Reader([])
    for key in data:
        if key not in _KEYS:
            hint = suggest(key, _KEYS) or f"it has {one_of(_KEYS)}"
            reader.mistakes.append(
                Mistake(f"a calendar has no {quoted(key)}", (key,), hint, of_key=True)
            )
    if not isinstance(data.get("closed", False), bool):
        reader.mistakes.append(Mistake("closed is true or false", ("closed",)))
    weekly, (exceptions, yearly) = reader.weekly(data), reader.exceptions(data)
    place = reader.tried(partial(_zone, data.get("zone") or zone))
    if reader.mistakes or place is None:
        raise CalendarError(reader.mistakes)
    return Calendar(place, weekly, exceptions, yearly, data.get("closed", False))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads part after part; a mistake in one does not hide those in the others."""

    mistakes: list[Mistake]

    def tried(self, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        except Mistake as mistake:
            self.mistakes.append(mistake)
            return None

    def weekly(self, data: Mapping[str, Any]) -> dict[int, tuple[Range, ...]]:
        weekly: dict[int, tuple[Range, ...]] = {}
        for key, value in (self.tried(partial(_mapping, data, "open")) or {}).items():
            ranges = self.tried(partial(_ranges, value, ("open", key))) or ()
            for day in self.tried(partial(_days, key)) or ():
                if day in weekly:
                    cure = "put all hours of a day into one list"
                    self.mistakes.append(
                        Mistake(f"{_DAYS[day]} is there twice", ("open", key), cure, of_key=True)
                    )
                weekly[day] = ranges
        return weekly

    def exceptions(self, data: Mapping[str, Any]) -> _Exceptions:
        dates: dict[date, tuple[Range, ...]] = {}
        yearly: dict[tuple[int, int], tuple[Range, ...]] = {}
        for key, value in (self.tried(partial(_mapping, data, "except")) or {}).items():
            ranges = self.tried(partial(_ranges, value, ("except", key))) or ()
            day = self.tried(partial(_date, str(key)))
            if day is not None and len(str(key)) == len("12-25"):
                yearly[day.month, day.day] = ranges
            elif day is not None:
                dates[day] = ranges
        return dates, yearly


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key) or {}
    if not isinstance(found, Mapping):
        raise Mistake(
            f"{key} lists days and their hours",
            (key,),
            "for example mon-fri: 09:00-17:00"
            if key == "open"
            else "for example 2026-12-24: closed",
        )
    return found


def _zone(name: Any) -> str:
    if not name:
        raise Mistake(
            "a calendar needs a zone",
            (),
            "for example zone: Europe/Stockholm, here or for all in project.yaml",
            of_key=True,
        )
    try:
        return str(load_zone(str(name)).key)
    except ZoneInfoNotFoundError:
        raise Mistake(
            f"there is no zone {quoted(name)}",
            ("zone",),
            suggest(str(name), sorted(zone_names())) or "for example Europe/Stockholm",
        ) from None


def _days(key: str) -> list[int]:
    found: list[int] = []
    for part in str(key).lower().split(","):
        name = part.strip()
        first, _, last = name.partition("-")
        start, end = _day(first, key), _day(last or first, key)
        found += _EVERY_DAY.get(name) or [
            (start + step) % 7 for step in range((end - start) % 7 + 1)
        ]
    return found


def _day(name: str, key: str) -> int:
    word = name.strip()
    if word in _EVERY_DAY:
        return 0
    if word not in _DAYS and word not in _LONG:
        hint = suggest(word, _DAYS) or f"days are {one_of(_DAYS)}, or mon-fri"
        raise Mistake(f"{quoted(word)} is no day of the week", ("open", key), hint, of_key=True)
    return _DAYS.index(word[:3])


def _date(key: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", key):
            return date.fromisoformat(key)
        if re.fullmatch(r"[0-9]{2}-[0-9]{2}", key):
            return date.fromisoformat(f"2000-{key}")  # a leap year, so that 02-29 is a day
    except ValueError:
        raise Mistake(f"there is no day {quoted(key)}", ("except", key), of_key=True) from None
    raise Mistake(
        f"{quoted(key)} is no date",
        ("except", key),
        "write 2026-12-24, or 12-24 for every year",
        of_key=True,
    )


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
            raise Mistake(
                "these hours overlap", path, "let each range begin after the one before it ends"
            )


def _range(value: Any, path: _Path) -> Range:
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise Mistake(
            f"{quoted(value)} are no hours",
            path,
            "write 09:00-17:00, a list of such ranges, or closed",
        )
    hours = [int(part) for part in found.groups()]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start >= _MIDNIGHT or end > _MIDNIGHT:
        raise Mistake(
            f"{quoted(value)} is past midnight",
            path,
            "a day ends at 24:00; hours into the night are 22:00-02:00",
        )
    if start == end:
        raise Mistake(
            "these hours end when they begin", path, "open around the clock is 00:00-24:00"
        )
    return start, end if end > start else end + _MIDNIGHT
