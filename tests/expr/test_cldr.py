"""Money, dates and times in each of the platform's locales."""

import unicodedata
from datetime import date, time
from decimal import Decimal

import pytest
from babel.numbers import format_currency
from hypothesis import given
from hypothesis import strategies as st

from flowengine.expr import cldr
from flowengine.expr.speech_formats import (
    format_spoken_date,
    format_spoken_money,
    format_spoken_opening,
    format_spoken_time,
)
from flowengine.svaml import LOCALES

DAY = date(2026, 3, 4)
CURRENCIES = ("EUR", "USD", "GBP", "JPY", "KWD", "SEK", "CNY", "MXN", "CLF", "ISK")


def is_plain(text: str) -> bool:
    """Whether every blank is an ordinary one and every digit is 0-9."""
    return all(
        character == " " or unicodedata.category(character) not in {"Zs", "Zl", "Zp", "Cc", "Cf"}
        for character in text
    ) and all(digit in "0123456789" for digit in text if digit.isdecimal())


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "expected"),
    [
        (1234.5, "MXN", "es-MX", "1234.50 pesos mexicanos"),
        (1234.5, "USD", "es-US", "1234.50 dólares estadounidenses"),
        (12.5, "CNY", "cmn-CN", "12.50人民币"),
        (12.5, "MYR", "ms-MY", "12.50 Ringgit Malaysia"),
        (12.5, "GBP", "cy-GB", "12.50 punt Prydain"),
        (1.234, "KWD", "en-US", "1.234 Kuwaiti dinars"),
        (1.2, "KWD", "arb", "1.200 دينار كويتي"),
        (1999.6, "JPY", "ja-JP", "2000円"),
        (1, "EUR", "sv-SE", "1 euro"),
        (12500, "EUR", "fr-FR", "12500 euros"),
        (5, "CZK", "cs-CZ", "5 českých korun"),
        (3, "USD", "mt-MT", "3 US dollars"),
        (12.5, "USD", "en-US", "12 dollars and 50 cents"),
        (12.5, "USD", "en-AU", "12 US dollars and 50 cents"),
        (12.5, "AUD", "en-AU", "12 dollars and 50 cents"),
        (1, "INR", "en-IN", "1 rupee"),
        (1.5, "KWD", "en-ZA", "1.500 Kuwaiti dinars"),
        (12.5, "points", "sv-SE", "12,50 POINTS"),
    ],
)
def test_money_words_by_locale_and_currency_returns_name_and_minor_units(
    amount, currency, locale, expected
):
    assert format_spoken_money(amount, currency, locale) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("arb", "4 مارس 2026"),
        ("cmn-CN", "2026年3月4日"),
        ("en-US", "March 4, 2026"),
        ("en-GB-WLS", "4 March 2026"),
        ("en-ZA", "4 March 2026"),
        ("es-US", "4 de marzo de 2026"),
        ("fil-PH", "Marso 4, 2026"),
        ("nb-NO", "4. mars 2026"),
        ("sv-SE", "4 mars 2026"),
        ("hu-HU", "2026. március 4."),
        ("xx-XX", "March 4, 2026"),
    ],
)
def test_date_in_words_by_locale_returns_month_as_a_word(locale, expected):
    assert format_spoken_date(DAY, locale) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("sv-SE", "21:05"), ("da-DK", "21.05"), ("fr-CA", "21 h 05"), ("es-MX", "9:05 p.m."),
     ("ko-KR", "오후 9:05"), ("en-GB", "9:05 PM")],
)  # fmt: skip
def test_time_in_words_by_locale_returns_clock_of_the_region(locale, expected):
    assert format_spoken_time(21, 5, locale) == expected


@pytest.mark.parametrize("locale", LOCALES)
def test_words_of_every_platform_locale_have_plain_blanks_and_digits(locale):
    said = [
        *(
            format_spoken_money(amount, code, locale)
            for amount in (1, 2.5, -12345.678)
            for code in CURRENCIES
        ),
        format_spoken_date(DAY, locale),
        format_spoken_time(9, 5, locale),
        format_spoken_opening(DAY, 9, "x", locale),
    ]
    assert all(is_plain(text) for text in said), said


@pytest.mark.parametrize("locale", LOCALES)
def test_opening_in_words_far_ahead_names_the_day_and_then_the_year(locale):
    clock = format_spoken_time(9, 0, locale)
    week, year = (format_spoken_opening(DAY, days, clock, locale) for days in (8, 365))
    weekday = cldr.format_weekday(DAY, locale).casefold()
    assert clock in week
    assert str(DAY.day) in week
    assert "2026" not in week
    assert clock in year
    assert "2026" in year
    assert all(weekday in text.casefold() for text in (week, year))
    assert format_spoken_opening(DAY, 3, clock, locale) != week


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=2),
    st.sampled_from(CURRENCIES[:7]),
    st.sampled_from(["sv-SE", "fr-FR", "pl-PL", "arb", "cmn-CN", "ru-RU", "ka-GE", "my-MM"]),
)
def test_currency_amount_equals_babel_without_thousands_marks(amount, code, locale):
    expected = format_currency(
        amount,
        code,
        format="0.00",
        locale=cldr.find_locale(locale),
        currency_digits=False,
        format_type="name",
        group_separator=False,
    )
    marks = {0xA0: " ", 0x202F: " ", 0x200E: None, 0x200F: None, 0x61C: None}
    assert cldr.format_currency_amount(amount, code, locale) == expected.translate(marks)


def test_short_time_without_region_uses_the_language():
    assert (
        cldr.format_short_time(time(21, 5), "sv")
        == cldr.format_short_time(time(21, 5), "sv-XX")
        == "21:05"
    )
    assert cldr.format_currency_amount(Decimal(2), "SEK", "no-NO") == "2 svenske kroner"


@pytest.mark.parametrize(
    ("locale", "first", "eleventh"),
    [
        ("fr-FR", "1er mars 2026", "11 mars 2026"),
        ("it-IT", "1º marzo 2026", "11 marzo 2026"),
        ("pt-BR", "1º de março de 2026", "11 de março de 2026"),
        ("pt-PT", "1 de março de 2026", "11 de março de 2026"),
        ("de-DE", "1. März 2026", "11. März 2026"),
    ],
)
def test_first_of_a_month_is_an_ordinal_where_people_say_so(locale, first, eleventh):
    days = (date(2026, 3, 1), date(2026, 3, 11))
    assert [format_spoken_date(day, locale) for day in days] == [first, eleventh]
