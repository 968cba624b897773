"""The call journal: what came, what was answered and why, kept for people to read and for other
releases to be tried on.
"""

from flowengine.journal.figures import Figures, Part, figures, parts
from flowengine.journal.reader import Reader, Recorded, Wanted
from flowengine.journal.seal import Sealer
from flowengine.journal.writer import Writer

__all__ = [
    "Figures",
    "Part",
    "Reader",
    "Recorded",
    "Sealer",
    "Wanted",
    "Writer",
    "figures",
    "parts",
]
