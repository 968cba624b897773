"""Keys of services that an author wrote in plain: kept out of messages and excerpts."""

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
    return _CREDENTIAL.sub(lambda found: found[0] if _is_name(found) else f"{found[1]}…", text)


def blank_credentials(text: str) -> str:
    """The same with a star for each character, so that columns stay where they are.

    >>> blank_credentials("booking: sk_live_51H8xAbC # mine")
    'booking: sk_live_******** # mine'
    """
    return _CREDENTIAL.sub(
        lambda found: found[0] if _is_name(found) else found[1].ljust(len(found[0]), "*"), text
    )


def _is_name(found: re.Match[str]) -> bool:
    """Whether it is in small letters alone, such as sk_customer_name, and so is no key."""
    return found[1].endswith("_") and re.fullmatch(r"[a-z_]+", found[2]) is not None
