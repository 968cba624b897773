"""Money, dates and times as a voice should say them: words in English, elsewhere the numbers that
voices of that language read well.
"""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Final

MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# one, many, one hundredth, many hundredths; none where there are no hundredths in use
_UNITS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "AUD": ("Australian dollar", "Australian dollars", "cent", "cents"),
    "CAD": ("Canadian dollar", "Canadian dollars", "cent", "cents"),
    "CHF": ("Swiss franc", "Swiss francs", "centime", "centimes"),
    "DKK": ("Danish krone", "Danish kroner", "øre", "øre"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "INR": ("rupee", "rupees", "paisa", "paise"),
    "JPY": ("yen", "yen", "", ""),
    "NOK": ("Norwegian krone", "Norwegian kroner", "øre", "øre"),
    "PLN": ("zloty", "zlotys", "grosz", "groszy"),
    "SEK": ("Swedish krona", "Swedish kronor", "öre", "öre"),
    "USD": ("dollar", "dollars", "cent", "cents"),
}
_SIGNS: Final = {"EUR": "€", "GBP": "£", "USD": "$", "SEK": "kr", "NOK": "kr", "DKK": "kr"}
_POINT: Final = {
    "en",
    "ja",
    "zh",
    "ko",
    "th",
    "he",
    "hi",
}  # languages that write 12.50; the others write 12,50
_YEAR_FIRST: Final = {"sv", "lt", "hu", "ja", "zh", "ko"}
_SLASHES: Final = {"fr", "es", "it", "pt", "el", "ca", "ar", "he", "hi", "th", "vi"}


def money_words(amount: float, currency: str, locale: str) -> str:
    if not isfinite(amount) or abs(amount) >= 1e15:
        raise ValueError("no amount of money is that big")
    code = currency.strip().upper()[:10]
    cents = int(Decimal(repr(amount)).scaleb(2).quantize(Decimal(1), ROUND_HALF_UP))
    whole, rest = divmod(abs(cents), 100)
    if _language(locale) == "en" and code in _UNITS:
        return ("minus " if cents < 0 else "") + _english(whole, rest, _UNITS[code])
    number = f"{whole}.{rest:02}" if rest else str(whole)
    number = number if _language(locale) in _POINT else number.replace(".", ",")
    return f"{'-' if cents < 0 else ''}{number} {_SIGNS.get(code, code)}".rstrip()


def date_in_words(day: date, locale: str) -> str:
    language = _language(locale)
    if language == "en":
        return f"{day_and_month(day, locale)}{',' if _american(locale) else ''} {day.year}"
    if language in _YEAR_FIRST:
        return day.isoformat()
    mark = "/" if language in _SLASHES else "-" if language == "nl" else "."
    return f"{day.day}{mark}{day.month}{mark}{day.year}"


def day_and_month(day: date, locale: str) -> str:
    """English only."""
    month = MONTHS[day.month - 1]
    return f"{month} {day.day}" if _american(locale) else f"{day.day} {month}"


def time_in_words(hour: int, minute: int, locale: str) -> str:
    if _language(locale) != "en":
        return f"{hour:02}:{minute:02}"
    if minute == 0 and hour in {0, 12}:
        return "noon" if hour else "midnight"
    shown = f"{(hour - 1) % 12 + 1}" + (f":{minute:02}" if minute else "")
    return f"{shown} {'AM' if hour < 12 else 'PM'}"


def is_english(locale: str) -> bool:
    return _language(locale) == "en"


def _english(whole: int, rest: int, unit: tuple[str, str, str, str]) -> str:
    one, many, cent, cents = unit
    if not cent:
        return f"{whole + (rest >= 50)} {one if whole == 1 else many}"
    big, small = f"{whole} {one if whole == 1 else many}", f"{rest} {cent if rest == 1 else cents}"
    return big if not rest else small if not whole else f"{big} and {small}"


def _language(locale: str) -> str:
    return locale.replace("_", "-").split("-")[0].lower()


def _american(locale: str) -> bool:
    return locale.replace("_", "-").upper() in {"EN", "EN-US"}
