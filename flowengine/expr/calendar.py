"""Opening hours: by the clock of a place, through changes of daylight saving time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain
from typing import Final

from flowengine.expr.functions.trace_remarks import add_remark
from flowengine.expr.special_hours import MinuteRange, SpecialHours
from flowengine.expr.speech_formats import (
    format_spoken_opening,
    format_spoken_time,
    format_unknown_opening,
)
from flowengine.expr.zones import load_zone

_HORIZON_DAYS: Final = 400  # days: any holiday of a year is passed in between
_DAY: Final = timedelta(days=1)


class Calendar:
    """Weekly hours by weekday (Monday is 0), and those of special days, which replace the ranges
    that *start* on such a day. Every `now` carries a zone.
    """

    def __init__(
        self,
        zone: str,
        weekly: Mapping[int, Sequence[MinuteRange]],
        special: SpecialHours,
        closed: bool = False,
    ) -> None:
        self.zone = load_zone(zone)
        self.weekly = {day: tuple(ranges) for day, ranges in weekly.items()}
        self.special = special
        self.closed = closed
        self._get_intervals = lru_cache(maxsize=16)(self._compute_intervals)
        self._last_answer: tuple[float, datetime | None] | None = None

    def is_open(self, now: datetime) -> bool:
        if self.closed:
            return False
        today, moment = now.astimezone(self.zone).date(), now.timestamp()
        return any(
            start <= moment < end
            # yesterday's hours may go on after midnight
            for day in (today - _DAY, today)
            for start, end in self._get_intervals(day)
        )

    def find_next_opening(self, now: datetime) -> datetime | None:
        """The next moment after now at which this opens, in the calendar's zone: hours that go on
        from others, as at midnight around the clock, open nothing.

        An answer holds until its moment; hours that never begin again are looked for over a year.
        """
        if self.closed:
            return None
        moment, last = now.timestamp(), self._last_answer
        if last and last[0] <= moment and (last[1] is None or moment < last[1].timestamp()):
            return last[1]
        found = self._find_opening(now.astimezone(self.zone).date(), moment)
        # kept, since a search may go over a year, and each call may ask
        self._last_answer = moment, found
        return found

    def _find_opening(self, today: date, moment: float) -> datetime | None:
        # from yesterday, whose hours may begin again after midnight
        near = (today + timedelta(days=ahead) for ahead in range(-1, _HORIZON_DAYS))
        for day in chain(near, self._iterate_far_days(today + timedelta(days=_HORIZON_DAYS))):
            later = [start for start, end in self._get_intervals(day) if moment < start < end]
            around = (*self._get_intervals(day - _DAY), *self._get_intervals(day)) if later else ()
            opens = [
                start for start in later if not any(first < start <= last for first, last in around)
            ]
            if opens:
                return datetime.fromtimestamp(min(opens), self.zone)
        return None

    def format_next_opening(self, now: datetime, locale: str) -> str:
        """When this opens next, by the clock and the days of its own zone."""
        opening = self.find_next_opening(now)
        if opening is None:
            is_open = self.is_open(now)
            add_remark(f"next_open: these hours never {'end' if is_open else 'begin again'}")
            return format_unknown_opening(locale, is_open=is_open)
        days = (opening.date() - now.astimezone(self.zone).date()).days
        clock = format_spoken_time(opening.hour, opening.minute, locale)
        return format_spoken_opening(opening.date(), days, clock, locale)

    def _iterate_far_days(self, start: date) -> Iterator[date]:
        """Days beyond the horizon that may be open. Weekly hours are not repeated for years: what
        they open was open before.
        """
        rare = self.special.list_rare_days(start)
        # after a day that is closed
        yield from sorted(rare | {day + _DAY for day in rare if day < date.max})

    def _get_minute_ranges(self, day: date) -> Sequence[MinuteRange]:
        hours = self.special.find_hours(day)
        return self.weekly.get(day.weekday(), ()) if hours is None else hours

    def _compute_intervals(self, day: date) -> tuple[tuple[float, float], ...]:
        return tuple(
            (self._to_timestamp(day, start, 0), self._to_timestamp(day, end, 1))
            for start, end in self._get_minute_ranges(day)
        )

    def _to_timestamp(self, day: date, minute: int, fold: int) -> float:
        """A clock reading that comes twice opens at the first and closes at the second; one that is
        skipped is the moment of the skip.
        """
        wall = datetime.combine(day, time(0)) + timedelta(minutes=minute)
        found = wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
        if found.astimezone(self.zone).replace(tzinfo=None) == wall:
            return found.timestamp()
        return self._find_clock_change(wall)

    def _find_clock_change(self, wall: datetime) -> float:
        before, after = (
            wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (1, 0)
        )
        offset = before.astimezone(self.zone).utcoffset()
        moments: Iterator[datetime] = (
            before + timedelta(minutes=more)
            for more in range(int((after - before).total_seconds()) // 60 + 1)
        )
        return next(
            moment.timestamp()
            for moment in moments
            if moment.astimezone(self.zone).utcoffset() != offset
        )
