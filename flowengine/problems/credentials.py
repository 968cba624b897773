"""Keys of services that an author wrote in plain: kept out of messages."""

import re
from typing import Final

# the first characters say whose key it is, and are kept; what follows is the key
_CREDENTIAL: Final = re.compile(
    r"\b((?:[spr]k|whsec)_(?:live_|test_)?|sk-|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AKIA|AIza"
    r"|SG\.|eyJ|(?:Bearer|Basic)\s+)([\w.~+/=-]{8,})…?"
)


def mask_credentials(text: str) -> str:
    """The text with each credential that shows by its form cut behind its first characters.

    >>> mask_credentials("not sk_live_51H8xAbCdEfGh")
    'not sk_live_…'
    """
    return _CREDENTIAL.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    # a name in small letters alone, such as sk_customer_name, is no key
    is_word = found[1].endswith("_") and re.fullmatch(r"[a-z_]+", found[2])
    return found[0] if is_word else f"{found[1]}…"
