"""Keys of services that an author wrote in plain: kept out of messages and excerpts."""

import re
from typing import Final

# the first characters say whose key it is, and are kept; what follows is the key
_CREDENTIAL: Final = re.compile(
    r"\b((?:[spr]k|whsec)_(?:live_|test_)?|sk-|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AKIA|AIza"
    r"|SG\.|eyJ|(?:Bearer|Basic)\s+)((?:[\w.~+/=-]|:(?=\w)){8,})…?"
)
# each text that `_CREDENTIAL` finds has one of these, and few others do: looking for all of them takes
# a microsecond in a file
_MARKERS: Final = (
    *("sk_", "pk_", "rk_", "whsec_", "sk-", "ghp_", "gho_", "ghu_", "ghr_", "ghs_", "github_pat_"),
    *("glpat-", "xox", "AKIA", "AIza", "SG.", "eyJ", "Bearer", "Basic"),
)
# what stands behind such a key is one, whatever its form, unless it is a variable or a reference
_NAMED: Final = re.compile(
    r"(\b(?:credentials|password|[\w-]*api[_-]?key|authorization|secret)[\"']?\s*:\s*[\"']?)"
    r"(?![$\[{]|(?-i:[A-Z][A-Z0-9_]*)[\"'\s,}])([^\s\"',{}]{8,})",
    re.IGNORECASE,
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
    shown = _CREDENTIAL.sub(
        lambda found: found[0] if _is_name(found) else found[1].ljust(len(found[0]), "*"), text
    )
    return _NAMED.sub(lambda found: found[1].ljust(len(found[0]), "*"), shown)


def may_hold_credential(text: str) -> bool:
    """Whether `is_credential` may be true of a part of a text; False is certain.

    >>> may_hold_credential("say: Good morning."), may_hold_credential("Basic dXNlcjpwYXNz")
    (False, True)
    """
    return any(marker in text for marker in _MARKERS)


def is_credential(text: str) -> bool:
    """Whether a text holds a credential that shows by its form.

    >>> is_credential("Bearer sk_live_51H8xAbCdEfGh")
    True
    """
    return any(not _is_name(found) for found in _CREDENTIAL.finditer(text))


def _is_name(found: re.Match[str]) -> bool:
    """Whether it is in small letters alone, such as sk_customer_name, and so is no key."""
    return found[1].endswith("_") and re.fullmatch(r"[a-z_]+", found[2]) is not None
