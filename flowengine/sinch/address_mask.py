"""How an address is written where people may read it: in the log and in the journal."""

import re
from functools import lru_cache

from flowengine.sinch.digit_mask import DIGIT_MASK, mask_digits
from flowengine.sinch.number_parser import parse_number

ADDRESS_PREFIX_PATTERN = re.compile(
    r"^(.*<)?\s*(sips?:|tel:)?", re.IGNORECASE | re.DOTALL
)  # what stands in front of a user

STREAM_ADDRESS = re.compile(r"(wss?://)(?:[^/?#@]*@)?([^/?#@]+)", re.IGNORECASE)


@lru_cache(maxsize=4096)  # as with the numbers themselves: the same come with call after call
def mask_address(text: str) -> str:
    """Of a number, in whatever spelling it came, the last digits; of a name the first letter, and
    the host behind it; of the URL of a stream the host.
    """
    number = parse_number(text)
    if number.e164:
        return mask_digits(number.e164)
    if number.private:
        return ""
    if found := STREAM_ADDRESS.match(text):
        return f"{found[1]}{found[2]}/***"
    user, at, host = ADDRESS_PREFIX_PATTERN.sub("", text).rstrip("> ").partition("@")
    return f"{user[:1].translate(DIGIT_MASK)}***{at}{host}"
