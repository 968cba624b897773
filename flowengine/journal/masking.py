"""How numbers, names and reasons are written where people may read them: in the log and in the
journal.
"""

import re

REASON_MARK = ": "
REASON_PATTERN = re.compile(r"(\bstatus \d{3}\b)|\d")


def mask_reason(what: str) -> str:
    """Exits are the author's words and stay; behind a colon stands what went wrong, which may quote
    what a caller pressed.
    """
    head, colon, reason = what.partition(REASON_MARK)
    return (
        head + colon + REASON_PATTERN.sub(lambda found: found[1] or "*", reason) if colon else what
    )
