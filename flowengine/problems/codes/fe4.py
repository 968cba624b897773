"""FE4xx: the platform: what is legal where, and its limits."""

from typing import Final

from flowengine.problems.entry import Entry

ENTRIES: Final[tuple[Entry, ...]] = ()
