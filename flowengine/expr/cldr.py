"""Dates, times, money and lists in the words of each locale, by CLDR.

Babel and the data of a locale load at first use, which takes some 70 ms: `preload_locale` does it
when flows are loaded, so that no caller waits for it.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from babel import Locale

_CLDR_LANGUAGES: Final = {"arb": "ar", "cmn": "zh", "no": "nb"}  # the platform's names, and CLDR's
_PATTERN_FIELD: Final = re.compile(r"'[^']*'|E+|c+|dd")
_INVISIBLE_MARKS: Final = str.maketrans(
    {**dict.fromkeys((0xA0, 0x2009, 0x202F), " "), **dict.fromkeys((0x61C, 0x200E, 0x200F))}
)
_CACHE_SIZE: Final = 1024  # of each kind: a month of days and clocks in some locales
# where people say the first of a month, and only that one, as an ordinal; CLDR has the number
_FIRST_DAYS: Final = {"fr": "1er", "it": "1º", "pt_BR": "1º"}
_LONE_ONE: Final = re.compile(r"\b1\b")  # the month is a word, and the year has four digits
_SAMPLE: Final = date(2026, 11, 30)


@cache
def preload_locale(locale: str) -> None:
    """Load the data that speaking this locale needs, which takes too long for a callback."""
    format_long_date(_SAMPLE, locale)
    format_short_time(time(12), locale)
    get_currency_precision("EUR")
    format_currency_amount(Decimal(1), "EUR", locale)
    join_list(("", "", ""), locale)
    format_minutes(2, locale)


@cache
def _load_babel() -> Any:
    import babel.dates  # noqa: PLC0415
    import babel.numbers  # noqa: PLC0415
    import babel.units  # noqa: PLC0415

    return babel


@lru_cache(maxsize=_CACHE_SIZE)
def find_locale(locale: str) -> "Locale":
    """CLDR's locale for one of the platform's: with its region where CLDR has that, else its
    language; English for a language that CLDR lacks.
    """
    library = _load_babel()
    language, *others = re.split("[-_]", locale.partition("/")[0])
    language = _CLDR_LANGUAGES.get(language.lower(), language.lower())
    region = next((other.upper() for other in others if re.fullmatch("[A-Za-z]{2}", other)), "")
    for name in (f"{language}_{region}", language, "en_US"):
        try:
            found: Locale = library.Locale.parse(name.strip("_"))
        except (library.UnknownLocaleError, ValueError):
            continue
        return found
    raise AssertionError("CLDR has English")


def find_language(locale: str) -> str:
    """The language of one of the platform's locales, by CLDR's name for it."""
    language = re.split("[-_/]", locale)[0].lower()
    return _CLDR_LANGUAGES.get(language, language)


def is_english(locale: str) -> bool:
    return re.split("[-_/]", locale)[0].lower() == "en"


@lru_cache(maxsize=_CACHE_SIZE)
def format_long_date(day: date, locale: str) -> str:
    """`4 mars 2026`: the month as a word, so that no voice takes it for the day."""
    return _format_date(day, _get_long_pattern(locale), locale)


@lru_cache(maxsize=_CACHE_SIZE)
def format_weekday(day: date, locale: str) -> str:
    return _format_date(day, "cccc", locale)


@lru_cache(maxsize=_CACHE_SIZE)
def format_weekday_and_date(day: date, locale: str, *, year: bool) -> str:
    """`onsdag 4 mars`, or with the year."""
    return _format_date(day, _get_weekday_pattern(locale, year=year), locale)


def iterate_day_names(language: str) -> Iterator[tuple[int, str]]:
    """The names of the days in small letters and without points, long and short; Monday is 0."""
    found = find_locale(language)
    for width in ("wide", "abbreviated", "short"):
        for day, name in found.days["format"].get(width, {}).items():
            yield day, str(name).lower().rstrip(".")


def join_date_and_time(day: str, clock: str, locale: str) -> str:
    pattern = str(find_locale(locale).datetime_formats["full"]).replace("'", "")
    return pattern.replace("{1}", day).replace("{0}", clock)


@lru_cache(maxsize=_CACHE_SIZE)
def format_short_time(clock: time, locale: str) -> str:
    shown = _load_babel().dates.format_time(clock, "short", locale=find_locale(locale))
    return str(shown).translate(_INVISIBLE_MARKS)


@lru_cache(maxsize=_CACHE_SIZE)
def format_minutes(minutes: int, locale: str) -> str:
    """`3 minuter`."""
    found = find_locale(locale)
    shown = _load_babel().units.format_unit(minutes, "duration-minute", "long", locale=found)
    return str(shown).translate(_INVISIBLE_MARKS)


@lru_cache(maxsize=_CACHE_SIZE)
def get_currency_precision(code: str) -> int:
    """How many digits the parts of a currency have: 2 of the euro, none of the yen, 3 of the
    Kuwaiti dinar.
    """
    return int(_load_babel().numbers.get_currency_precision(code))


def format_currency_amount(amount: Decimal, code: str, locale: str) -> str:
    """An amount with as many digits as it has and the name of its currency. Thousands are not set
    apart: some voices read `1,234` and `1 234` as two numbers. Digits are 0-9, which each voice
    reads in its language.
    """
    plural = find_locale(locale).plural_form(abs(amount))
    pattern = _get_unit_pattern(code, locale, plural, abs(amount))
    return pattern.replace("{0}", format_plain_number(amount, locale))


def format_plain_number(value: Decimal, locale: str) -> str:
    return f"{value:f}".replace(".", _get_decimal_point(locale))


@lru_cache(maxsize=_CACHE_SIZE)
def get_currency_name(code: str, amount: Decimal, locale: str = "en-US") -> str:
    return str(_load_babel().numbers.get_currency_name(code, amount, locale=find_locale(locale)))


@lru_cache(maxsize=_CACHE_SIZE)
def is_currency(code: str) -> bool:
    return bool(_load_babel().numbers.is_currency(code))


@lru_cache(maxsize=_CACHE_SIZE)
def _get_decimal_point(locale: str) -> str:
    symbols = _load_babel().numbers.get_decimal_symbol
    return str(symbols(find_locale(locale), numbering_system="latn"))


_unit_patterns: dict[tuple[str, str, str], str] = {}


def _get_unit_pattern(code: str, locale: str, plural: str, amount: Decimal) -> str:
    """`{0} euro`. Babel asks for an amount to find the plural form, which is what counts."""
    known = _unit_patterns.get((code, locale, plural))
    if known is None:
        numbers, found = _load_babel().numbers, find_locale(locale)
        name = str(numbers.get_currency_name(code, amount, locale=found))
        if name == code:  # CLDR has no word in this language; a code is a word in none
            name = get_currency_name(code, amount)
        pattern = str(numbers.get_currency_unit_pattern(code, amount, locale=found))
        known = pattern.replace("{1}", name).translate(_INVISIBLE_MARKS)
        # a dict, not lru_cache: the amount is no part of the key
        if len(_unit_patterns) < _CACHE_SIZE:
            _unit_patterns[code, locale, plural] = known
    return known


def join_list(items: Sequence[str], locale: str) -> str:
    """`a, b och c`. The time is linear in the length of the text, which Babel's own is not."""
    if len(items) < 2:
        return "".join(items)
    start, middle, (before, last, after) = (
        _split_list_pattern(locale, name)
        for name in ("start", "middle", "end" if len(items) > 2 else "2")
    )
    head = start[1].join((items[0], middle[1].join(items[1:-1]))) if len(items) > 2 else items[0]
    return f"{before}{head}{last}{items[-1]}{after}"


@lru_cache(maxsize=_CACHE_SIZE)
def _split_list_pattern(locale: str, name: str) -> tuple[str, str, str]:
    """What stands before, between and after the two parts of a pattern such as `{0} and {1}`."""
    pattern = find_locale(locale).list_patterns["standard"][name].translate(_INVISIBLE_MARKS)
    before, between, after = re.split(r"\{[01]\}", pattern)
    return before, between, after


def _format_date(day: date, pattern: str, locale: str) -> str:
    found = find_locale(locale)
    shown = str(_load_babel().dates.format_date(day, pattern, locale=found))
    if day.day == 1:
        first = _FIRST_DAYS.get(str(found), _FIRST_DAYS.get(found.language, "1"))
        shown = _LONE_ONE.sub(first, shown, count=1)
    return shown.translate(_INVISIBLE_MARKS)


@lru_cache(maxsize=_CACHE_SIZE)
def _get_long_pattern(locale: str) -> str:
    return _rewrite_pattern(find_locale(locale).date_formats["long"].pattern, lambda part: part)


@lru_cache(maxsize=_CACHE_SIZE)
def _get_weekday_pattern(locale: str, *, year: bool) -> str:
    found = find_locale(locale)
    full = found.date_formats["full"].pattern
    short = found.datetime_skeletons.get("MMMMEEEEd") or found.datetime_skeletons.get("MMMMEd")
    chosen = full if year or short is None else short.pattern
    return _rewrite_pattern(chosen, lambda part: part[0] * 4 if part[0] in "Ec" else part)


def _rewrite_pattern(pattern: str, change: Callable[[str], str]) -> str:
    """A pattern without leading zeros, which voices read; quoted words stay as they are."""
    return _PATTERN_FIELD.sub(lambda part: "d" if part[0] == "dd" else change(part[0]), pattern)
