"""How numbers, names and reasons are written where people may read them: in the log and in the
journal.
"""

import re
from functools import lru_cache

from flowengine.runtime.step_outcome import TraceEntry
from flowengine.sinch import parse_number
from flowengine.sinch.digit_mask import DIGIT_MASK, mask_digits

REASON_MARK = ": "
REASON_PATTERN = re.compile(r"(\bstatus \d{3}\b)|\d")
ADDRESS_PREFIX_PATTERN = re.compile(
    r"^(.*<)?\s*(sips?:|tel:)?", re.IGNORECASE | re.DOTALL
)  # what stands in front of a user


@lru_cache(maxsize=4096)  # as with the numbers themselves: the same come with call after call
def mask_address(text: str) -> str:
    """Of a number, in whatever spelling it came, the last digits; of a name the first letter, and
    the host behind it.
    """
    number = parse_number(text)
    if number.e164:
        return mask_digits(number.e164)
    if number.private:
        return ""
    user, at, host = ADDRESS_PREFIX_PATTERN.sub("", text).rstrip("> ").partition("@")
    return f"{user[:1].translate(DIGIT_MASK)}***{at}{host}"


def mask_reason(what: str) -> str:
    """Exits are the author's words and stay; behind a colon stands what went wrong, which may quote
    what a caller pressed.
    """
    head, colon, reason = what.partition(REASON_MARK)
    return (
        head + colon + REASON_PATTERN.sub(lambda found: found[1] or "*", reason) if colon else what
    )


def format_trace_entry(entry: TraceEntry) -> str:
    what = entry.what
    return f"{entry.flow}/{entry.state}: {mask_reason(what) if ':' in what else what}"
