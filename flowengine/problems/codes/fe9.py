"""FE9xx: lint."""

from typing import Final

from flowengine.problems.entry import Entry

ENTRIES: Final[tuple[Entry, ...]] = ()
