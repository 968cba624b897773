"""FE5xx: project, routes, services, calendars, tables, secrets."""

from typing import Final

from flowengine.problems.entry import Entry

ENTRIES: Final[tuple[Entry, ...]] = ()
