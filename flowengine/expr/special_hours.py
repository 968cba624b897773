"""The hours of special days: which exception of a calendar counts on a day."""

from calendar import isleap
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, TypeVar

from flowengine.expr.special_days import DatedDays, SpecialDays, YearlyDays

MinuteRange = tuple[int, int]  # minutes from midnight; an end beyond 1440 lies on the next day
_Hours = tuple[MinuteRange, ...]
_DayT = TypeVar("_DayT")
_LEAP_SEARCH_YEARS: Final = 9  # from 2096 to 2104


class SpecialHours:
    """Hours by special days, each by its author's words in `rules`. Where several name one day,
    this order decides: a date with its year, a range of such dates, a day of every year, a holiday
    that moves, a range of days of every year; of equals the first.
    """

    def __init__(self, rules: Mapping[str, tuple[SpecialDays, _Hours]]) -> None:
        self.rules = dict(rules)
        dated = [(days.days, hours) for days, hours in rules.values() if type(days) is DatedDays]
        yearly = [(days.days, hours) for days, hours in rules.values() if type(days) is YearlyDays]
        self._dated = {
            day: hours for days, hours in reversed(sort_by_length(dated)) for day in days
        }
        every_year = sort_by_length(yearly)
        self._yearly = {days[0]: hours for days, hours in reversed(every_year) if len(days) == 1}
        self._seasons = {
            day: hours for days, hours in reversed(every_year) if len(days) > 1 for day in days
        }
        self._movable = [
            (days, hours)
            for days, hours in rules.values()
            if type(days) is not DatedDays and type(days) is not YearlyDays
        ]
        self._find_holidays = lru_cache(maxsize=4)(self._compute_holidays)

    def find_hours(self, day: date) -> _Hours | None:
        """The hours of a day; None where no exception names it."""
        found = self._dated.get(day)
        if found is None:
            found = self._yearly.get((day.month, day.day))
        if found is None and self._movable:
            found = self._find_holidays(day.year).get(day)
        return self._seasons.get((day.month, day.day)) if found is None else found

    def list_rare_days(self, start: date) -> set[date]:
        """The days from a date on that are not as they were the year before: those of one year, and
        those that only leap years have.
        """
        leaps = {
            date(year, 2, 29)
            for year in range(start.year, min(start.year + _LEAP_SEARCH_YEARS, date.max.year))
            if isleap(year) and ((2, 29) in self._yearly or (2, 29) in self._seasons)
        }
        return {day for day in leaps.union(self._dated) if day >= start}

    def _compute_holidays(self, year: int) -> dict[date, _Hours]:
        """The holidays that move, in a year; a shift may bring one over from a neighbour."""
        found: dict[date, _Hours] = {}
        for near in range(max(year - 1, date.min.year + 1), min(year + 1, date.max.year - 1) + 1):
            for days, hours in self._movable:
                assert not isinstance(days, DatedDays | YearlyDays)  # noqa: S101  # sorted out before
                found.setdefault(days.find_date(near), hours)
        return found


def sort_by_length(
    found: Iterable[tuple[Sequence[_DayT], _Hours]],
) -> list[tuple[Sequence[_DayT], _Hours]]:
    """Single days first, then ranges, each in their author's order."""
    return sorted(found, key=lambda item: len(item[0]) > 1)
