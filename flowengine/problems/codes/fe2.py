"""FE2xx: names and graph."""

from typing import Final

from flowengine.problems.entry import Entry

ENTRIES: Final[tuple[Entry, ...]] = ()
