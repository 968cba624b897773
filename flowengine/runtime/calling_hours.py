"""The hours in which a plan lets people be called, by the calendars of a release."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

from flowengine.compile import Release
from flowengine.expr import Calendar, load_zone
from flowengine.expr.phone_numbers import find_zones
from flowengine.runtime.log_once import LogOnce
from flowengine.states.place_plan import CALLEE_ZONE, PlacementPlan

MISSING_CALENDAR: Final = (
    "calls are not placed, as the live release does not have their calendar: publish one that has "
    "calendars/%s.yaml"
)
MISSING_CALENDAR_SECONDS: Final = 60.0  # until a call looks again whether its calendar is there
MAX_OPENINGS: Final = 400  # openings that are looked at: some weeks of the hours of several zones
log = logging.getLogger(__name__)


class ReleaseHours:
    """Hours by the release that is live at the moment."""

    def __init__(self, get_release: Callable[[], Release]) -> None:
        self._get_release = get_release
        self._log_once = LogOnce(log)
        self._moved: dict[tuple[str, str], tuple[Calendar, Calendar]] = {}

    def find_start(self, plan: PlacementPlan, now: float) -> float:
        """When the plan may begin. Of several zones that a number may be in, the last counts."""
        start = now + plan.delay
        if not plan.at:
            return start
        at = datetime.fromisoformat(plan.at)
        moments = (at.replace(tzinfo=zone).timestamp() for zone in self._list_zones(plan))
        return max(start, *moments)

    def find_opening(self, plan: PlacementPlan, at: float) -> float | None:
        """The first moment from `at` on that is within the hours of all zones of the number. Where the
        release has no such calendar, the call waits for one that has: it may be renamed, or missed.
        """
        if not plan.within:
            return at
        calendars = self._list_calendars(plan)
        if not calendars:
            self._log_once.error(MISSING_CALENDAR, plan.within)
            return at + MISSING_CALENDAR_SECONDS
        for _ in range(MAX_OPENINGS):
            now = datetime.fromtimestamp(at, UTC)
            closed = [calendar for calendar in calendars if not calendar.is_open(now)]
            if not closed:
                return at
            openings = [calendar.find_next_opening(now) for calendar in closed]
            if None in openings:
                return None
            at = max(opening.timestamp() for opening in openings if opening)
        return None

    def _list_zones(self, plan: PlacementPlan) -> list[tzinfo]:
        release = self._get_release()
        if plan.zone == CALLEE_ZONE:
            found = find_zones(plan.to.address) if plan.to.kind == "number" else ()
            if found:
                return [load_zone(name) for name in found]
        elif plan.zone:
            return [load_zone(plan.zone)]
        calendar = release.calendars.get(plan.within)
        return [calendar.zone if calendar else release.zone]

    def _list_calendars(self, plan: PlacementPlan) -> list[Calendar]:
        """The calendar by each clock that counts; none where the release has none of this name."""
        calendar = self._get_release().calendars.get(plan.within)
        if calendar is None:
            return []
        zones = map(str, self._list_zones(plan))
        return [self._move_calendar(plan.within, calendar, zone) for zone in zones]

    def _move_calendar(self, name: str, calendar: Calendar, zone: str) -> Calendar:
        """The same hours by another clock."""
        if str(calendar.zone) == zone:
            return calendar
        key = (name, zone)
        known = self._moved.get(key)
        if known is None or known[0] is not calendar:
            moved = Calendar(zone, calendar.weekly, calendar.special, calendar.closed)
            known = self._moved[key] = calendar, moved
        return known[1]
