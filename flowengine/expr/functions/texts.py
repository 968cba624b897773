"""Helper functions for texts and phone numbers."""

import re
from typing import Any

from flowengine.expr.digits import to_ascii_digits
from flowengine.expr.functions.function_registry import declare_function
from flowengine.expr.functions.trace_remarks import add_remark
from flowengine.expr.phone_numbers import find_region, to_e164
from flowengine.expr.value_format import format_value

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)  # the sum of the digits of twice a digit


@declare_function(
    "Whether a card or account number has the right check digit (Luhn).",
    'luhn("79927398713")',
    result=True,
)
def luhn(text: str) -> bool:
    number = to_ascii_digits(text)
    if not (number.isascii() and number.isdigit()):
        return False
    backwards = [ord(digit) - 48 for digit in reversed(number)]
    return (sum(backwards[::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0


@declare_function(
    "Letters and digits one by one, so that a voice reads each; everything else is left out.",
    'spell("AB-12")',
    "A B 1 2",
)
def spell(text: str) -> str:
    return " ".join(character for character in to_ascii_digits(text) if character.isalnum())


@declare_function(
    "A text with stars in place of all but its last characters.", 'mask("12345678")', "****5678"
)
def mask(text: str, keep: int = 4) -> str:
    hidden = max(0, len(text) - max(0, keep))
    return "*" * hidden + text[hidden:]


@declare_function(
    "Only the digits of a text, as 0-9 whatever their script.", 'digits("+46 (0)8-123")', "4608123"
)
def digits(text: str) -> str:
    return "".join(character for character in to_ascii_digits(text) if "0" <= character <= "9")


@declare_function(
    "A phone number in the international form, by the rules of its country; a national number needs "
    "the prefix of the country. Nothing for what is no possible number; the trace says so.",
    'e164("070-123 45 67", "46")',
    "+46701234567",
)
def e164(text: str, country_prefix: str = "") -> str:
    region = find_region(country_prefix) if country_prefix else ""
    if country_prefix and not region:
        add_remark("e164: no country has this prefix")
    number = to_e164(text, region)
    if text and not number:
        add_remark("e164: this is no possible phone number")
    return number


@declare_function(
    "The text with a capital letter at the start of each word.",
    'title("jane o\'neill")',
    "Jane O'neill",
)
def title(text: str) -> str:
    return re.sub(r"\S+", lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


@declare_function("The text in capital letters.", 'upper("gold")', "GOLD")
def upper(text: str) -> str:
    return text.upper()


@declare_function("The text in small letters.", 'lower("Gold")', "gold")
def lower(text: str) -> str:
    return text.lower()


@declare_function("The text without blanks at its ends.", 'trim("  a b ")', "a b")
def trim(text: str) -> str:
    return text.strip()


@declare_function(
    "The first characters of a text; all of it when it is shorter.", 'first("12345678", 3)', "123"
)
def first(text: str, count: int) -> str:
    return text[: max(0, count)]


@declare_function(
    "The last characters of a text; all of it when it is shorter.", 'last("12345678", 4)', "5678"
)
def last(text: str, count: int) -> str:
    return text[max(0, len(text) - max(0, count)) :]


@declare_function(
    "Any value as text: whole decimals without a point, `true` and `false`, nothing as the empty "
    "text.",
    "text(2.50)",
    "2.5",
    name="text",
)
def to_text(value: Any) -> str:
    return format_value(value)
