"""Money, dates and times as a voice should say them.

Other languages are by CLDR. English has words of its own where they are clearly better for the ear:
`12 euros and 50 cents` for `12.50 euros`, `9 AM` for `09:00`, `noon`.
"""

from collections.abc import Mapping
from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite
from typing import Final

from flowengine.expr import cldr

# a hundredth and many of them, in English; CLDR has no names for them in any language
_MINOR_UNITS: Final[Mapping[str, tuple[str, str]]] = {
    **dict.fromkeys(("AUD", "CAD", "EUR", "NZD", "USD", "ZAR"), ("cent", "cents")),
    "CHF": ("centime", "centimes"),
    "GBP": ("penny", "pence"),
    "INR": ("paisa", "paise"),
    "PLN": ("grosz", "groszy"),
    **dict.fromkeys(("DKK", "NOK"), ("øre", "øre")),
    "SEK": ("öre", "öre"),
}
# what people say of their own money; elsewhere it has the name of its country
_HOME_CURRENCIES: Final[Mapping[str, tuple[str, str, str]]] = {
    "AU": ("AUD", "dollar", "dollars"),
    "CA": ("CAD", "dollar", "dollars"),
    "GB": ("GBP", "pound", "pounds"),
    "IN": ("INR", "rupee", "rupees"),
    "NZ": ("NZD", "dollar", "dollars"),
    "US": ("USD", "dollar", "dollars"),
    "ZA": ("ZAR", "rand", "rand"),
}
_UNAMBIGUOUS_UNITS: Final[Mapping[str, tuple[str, str]]] = {
    "GBP": ("pound", "pounds"),
    "INR": ("rupee", "rupees"),
    "JPY": ("yen", "yen"),
    "PLN": ("zloty", "zlotys"),
}
# of a calendar that is open for ever, and of one of which nobody knows when it opens
_UNKNOWN_OPENINGS: Final[Mapping[str, tuple[str, str]]] = {
    "da": ("nu", "på et senere tidspunkt"),
    "de": ("jetzt", "zu einem späteren Zeitpunkt"),
    "en": ("now", "at a later time"),
    "es": ("ahora", "más adelante"),
    "fi": ("nyt", "myöhemmin"),
    "fr": ("maintenant", "ultérieurement"),
    "it": ("adesso", "in un secondo momento"),
    "nb": ("nå", "på et senere tidspunkt"),
    "nl": ("nu", "op een later tijdstip"),
    "pl": ("teraz", "w późniejszym terminie"),
    "pt": ("agora", "mais tarde"),
    "sv": ("nu", "vid ett senare tillfälle"),
}
_HOUR_NAMES: Final = {0: "midnight", 12: "noon"}


def format_spoken_money(amount: float, currency: str, locale: str) -> str:
    """An amount with the digits that its currency has; what is no currency is spoken as it is."""
    if not isfinite(amount) or abs(amount) >= 1e15:
        raise ValueError("no amount of money is that big")
    code = currency.strip().upper()[:10]
    if not cldr.is_currency(code):
        return f"{cldr.format_plain_number(_round_half_up(amount, 2), locale)} {code}".rstrip()
    value = _round_half_up(amount, cldr.get_currency_precision(code))
    if cldr.is_english(locale) and (code in _MINOR_UNITS or value == value.to_integral_value()):
        return _format_english_money(value, code, locale)
    # South Africa writes 1,5; English voices take a comma for the mark of a thousand
    return cldr.format_currency_amount(value, code, "en-US" if cldr.is_english(locale) else locale)


def format_spoken_date(day: date, locale: str) -> str:
    return cldr.format_long_date(day, locale)


def format_spoken_time(hour: int, minute: int, locale: str) -> str:
    if not cldr.is_english(locale):
        return cldr.format_short_time(time(hour, minute), locale)
    if minute == 0 and hour in _HOUR_NAMES:
        return _HOUR_NAMES[hour]
    shown = f"{(hour - 1) % 12 + 1}" + (f":{minute:02}" if minute else "")
    return f"{shown} {'AM' if hour < 12 else 'PM'}"


def format_spoken_opening(opening: date, days: int, clock: str, locale: str) -> str:
    """The time at which something opens, unmistakably: within a week the day of the week, within a
    year the date, later the year too.
    """
    if days == 0:
        return f"today at {clock}" if cldr.is_english(locale) else clock
    if days < 7:
        day = cldr.format_weekday(opening, locale)
        if cldr.is_english(locale):
            return f"{'tomorrow' if days == 1 else day} at {clock}"
        return cldr.join_date_and_time(day, clock, locale)
    day = cldr.format_weekday_and_date(opening, locale, year=days >= 365)
    if cldr.is_english(locale):
        return f"{day}, at {clock}"
    return cldr.join_date_and_time(day, clock, locale)


def format_unknown_opening(locale: str, *, is_open: bool) -> str:
    """When hours open that never close, or never begin again; nothing in a language without words
    for it.
    """
    language = cldr.find_language(locale)
    return _UNKNOWN_OPENINGS.get(language, ("", ""))[0 if is_open else 1]


def _round_half_up(amount: float, digits: int) -> Decimal:
    value = Decimal(repr(amount)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return value.to_integral_value() if value == value.to_integral_value() else value


def _format_english_money(value: Decimal, code: str, locale: str) -> str:
    whole, rest = divmod(abs(int(value.scaleb(2))), 100)
    sign = "minus " if value < 0 else ""
    big = f"{whole} {_get_english_unit(whole, code, locale)}"
    if not rest:
        return sign + big
    small = f"{rest} {_MINOR_UNITS[code][rest != 1]}"
    return sign + (f"{big} and {small}" if whole else small)


def _get_english_unit(count: int, code: str, locale: str) -> str:
    region = cldr.find_locale(locale).territory or "US"
    home, *own = _HOME_CURRENCIES.get(region, ("", "", ""))
    names = own if home == code else _UNAMBIGUOUS_UNITS.get(code)
    if names:
        return names[count != 1]
    return cldr.get_currency_name(code, Decimal(count), locale)
