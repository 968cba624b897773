"""Phone numbers as people write them, by the rules of each country: it differs which zeros, sixes
and eights belong to a number and which only begin it.
"""

import re
from functools import cache, lru_cache
from typing import Any, Final

from flowengine.expr.digits import to_ascii_digits

_POSSIBLE_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_BLANKS_IN_NUMBERS: Final = re.compile(
    r"\s+"
)  # the library knows U+00A0 and U+3000, but not U+202F
_MARKS_IN_NUMBERS: Final = re.compile(
    r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)  # address books
_INTERNATIONAL: Final = re.compile(r"\s*(?:tel:)?\s*\(?\s*(?:\+|00)")


@cache
def _load_phonenumbers() -> Any:
    """Import the library at the first number: it takes 50 ms, which most commands can do without."""
    import phonenumbers  # noqa: PLC0415

    return phonenumbers


@lru_cache(maxsize=256)
def find_region(prefix: str) -> str:
    """The main country of a calling code, with its rules loaded; "" for a code of no country."""
    code = to_ascii_digits(prefix).strip().removeprefix("+").removeprefix("00")
    if not re.fullmatch("[0-9]{1,3}", code):
        return ""
    library = _load_phonenumbers()
    region = str(library.COUNTRY_CODE_TO_REGION_CODE.get(int(code), ("",))[0])
    if region:
        library.PhoneMetadata.metadata_for_region(region, None)
    return region


@lru_cache(maxsize=1024)  # numbers of a line come again and again, and take 50 µs to read
def to_e164(text: str, region: str) -> str:
    """`+` and digits, or "" for what is no possible number. A text without `+` belongs to the
    region, or is international where there is none.
    """
    number = _BLANKS_IN_NUMBERS.sub(" ", _MARKS_IN_NUMBERS.sub("", to_ascii_digits(text))).replace(
        "\uff0b", "+"
    )
    if international := _INTERNATIONAL.match(number):
        number = f"+{number[international.end() :]}"
    elif not region:
        number = f"+{number}"
    if any(character.isalpha() for character in number.removeprefix("tel:")):
        return ""
    library = _load_phonenumbers()
    try:
        found = library.parse(number, region or None)
    except library.NumberParseException:
        return ""
    if library.is_possible_number_with_reason(found) != library.ValidationResult.IS_POSSIBLE:
        return ""
    shown = str(library.format_number(found, library.PhoneNumberFormat.E164))
    return shown if _POSSIBLE_E164.fullmatch(shown) else ""


@lru_cache(maxsize=1024)
def find_zones(number: str) -> tuple[str, ...]:
    """The IANA time zones that a number with + may be in; none where nobody knows.

    >>> find_zones("+46701234567"), find_zones("+12125550143")
    (('Europe/Stockholm',), ('America/New_York',))
    """
    library = _load_phonenumbers()
    from phonenumbers import timezone  # noqa: PLC0415  # its table takes 70 ms

    try:
        found = timezone.time_zones_for_number(library.parse(number))
    except library.NumberParseException:
        return ()
    return tuple(name for name in found if name != timezone.UNKNOWN_TIMEZONE)
