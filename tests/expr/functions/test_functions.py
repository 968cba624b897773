"""Helper functions: every documented example, and the corners."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.expr import FUNCTIONS, EvalError, Scope, Type
from flowengine.expr.digits import to_ascii_digits

SCOPE = Scope(
    {"vars.t": Type.TEXT, "vars.u": Type.TEXT, "vars.x": Type.ANY, "vars.d": Type.DECIMAL}
)


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_documented_example_is_true(function):
    made = SCOPE.compile_expression(function.example)
    result = made.evaluate({})
    assert (result, type(result)) == (function.result, type(function.result))
    assert function.signature.endswith(f"-> {made.type}")
    assert function.example.startswith(f"{function.name}(")
    assert function.meaning.endswith(".")


def result(text, **values):
    return SCOPE.compile_expression(text).evaluate(
        {f"vars.{name}": value for name, value in values.items()}
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('luhn("79927398710")', False),
        ('luhn("")', False),
        ('luhn("٣")', False),
        ('mask("12")', "12"),
        ('mask("1234", 0)', "****"),
        ('mask("1234", -2)', "****"),
        ('e164("+46 70 123 45 67")', "+46701234567"),
        ('e164("0046701234567", "46")', "+46701234567"),
        ('e164("46701234567")', "+46701234567"),
        ('e164("(404) 500-9000", "1")', "+14045009000"),
        ('first("ab", 5) + last("ab", -1)', "ab"),
        ("round(-2.5)", -3.0),
        ("round(0.125, 2)", 0.13),
        ("in_range(2.5, 1, 3)", True),
        ("in_range(4, 1, 3)", False),
        ("integer(-2.9)", -2),
        ("text(null)", ""),
        (
            "text(true) + text(3) + text(0.1 + 0.2) + text(12345678901234567.0)",
            "true30.312345678901234568",
        ),
        ("list_words([])", ""),
        ('list_words([" one "])', "one"),
        ('list_words(["", "a", null, " ", 2.50])', "a and 2.5"),
        ('list_words(["{1}", "{0}", "b", true])', "{1}, {0}, b, and true"),
        ('list_words(["a", "b", "c"], "en-GB")', "a, b and c"),
        ('list_words(["a", "b", "c"], "sv-SE")', "a, b och c"),
        ('list_words(["a", "b"], "ti")', "aን bን"),
        ('list_words(["红色", "绿色", "蓝色"], "cmn-CN")', "红色、绿色和蓝色"),
        ('list_words("a,b".split(","))', "a and b"),
        ("slice([1, 2, 3], 1, 9)", [2, 3]),
        ("slice([1, 2, 3], -5, 1)", [1]),
        ("slice([1, 2, 3], 2, 1)", []),
        ("size(slice([1, 2, 3], 3, 4))", 0),
        ('plural(1, "day", "days") + plural(0, "day", "days")', "daydays"),
        ('money(1, "USD")', "1 dollar"),
        ('money(0.01, "GBP")', "1 penny"),
        ('money(-2.5, "USD")', "minus 2 dollars and 50 cents"),
        ('money(1999.995, "SEK")', "2000 Swedish kronor"),
        ('money(3, "XY" + "Z")', "3 XYZ"),
        ('money(3.6, "JPY")', "4 yen"),
        ('money(12.5, "EUR", "de-DE")', "12,50 Euro"),
        ('money(12.5, "SEK", "sv-SE")', "12,50 svenska kronor"),
        ('date_words("2026-03-05", "en-GB")', "5 March 2026"),
        ('date_words("2026-03-05", "de-DE")', "5. März 2026"),
        ('date_words("2026-03-05", "fr-FR")', "5 mars 2026"),
        ('date_words("2026-03-05", "sv-SE")', "5 mars 2026"),
        ('time_words("12:00")', "noon"),
        ('time_words("00:00")', "midnight"),
        ('time_words("00:05")', "12:05 AM"),
        ('time_words("21:00")', "9 PM"),
        ('time_words("21:00", "sv-SE")', "21:00"),
        ('is_date("2024-02-29")', True),
        ('is_date("2023-02-29")', False),
        ('is_date("24.12.26", "DD.MM.YY")', True),
        ('parse_date("240168", "DDMMYY")', "2068-01-24"),
        ('parse_date("240169", "DDMMYY")', "1969-01-24"),
        ('age("2000-02-29", "2018-02-28")', 17),
        ('age("2000-02-29", "2018-03-01")', 18),
        ('days_between("2026-01-02", "2026-01-01")', -1),
    ],
)
def test_function_of_corner_values_gives_the_expected_value(text, expected):
    found = result(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    "text",
    [
        "integer(vars.t)",
        "decimal(vars.t)",
        "time_words(vars.t)",
        "date_words(vars.t)",
        'age(vars.t, "2026-01-01")',
        'parse_date("2026", vars.t)',
        "text(vars.x)",
    ],
)
def test_function_of_an_impossible_value_is_an_eval_error(text):
    with pytest.raises(EvalError) as caught:
        result(text, t="25:00x", x=[1])
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("date_words(vars.d)", "24 December 2026"),
        ('date_words(vars.d, "en-US")', "December 24, 2026"),
        (
            (
                '"at (" + date_words( parse_date("24122026", "DDMMYYYY") ) + "), " + '
                'time_words("09:30")'
            ),
            "at (24 December 2026), 9:30 AM",
        ),
        ("[vars.d].map(day, date_words({'a': day, 'b': \")\"}.a))[0]", "24 December 2026"),
        ('money(12.5, "NOK")', "12 Norwegian kroner and 50 øre"),
    ],
)
def test_call_locale_is_spoken_where_none_is_given(text, expected):
    scope = Scope({"vars.d": Type.TEXT, "call.locale": Type.TEXT})
    assert (
        scope.compile_expression(text).evaluate({"vars.d": "2026-12-24", "call.locale": "en-GB"})
        == expected
    )


@pytest.mark.parametrize(
    "text", ['date_words("2026-12-24")', 'time_words("09:30")', 'money(12.5, "NOK")']
)
def test_functions_that_speak_follow_the_call_locale(text):
    said = Scope({"call.locale": Type.TEXT}).compile_expression(text)
    assert said.names == {"call.locale"}
    assert said.evaluate({"call.locale": "sv-SE"}) != said.evaluate({"call.locale": "en-US"})


@given(st.text(max_size=30))
def test_spell_keeps_digits_and_parts_everything(text):
    text = text.encode(errors="ignore").decode().replace("\0", "")
    spelled = result("spell(vars.t)", t=text)
    assert spelled.replace(" ", "") == "".join(
        character for character in to_ascii_digits(text) if character.isalnum()
    )
    assert all(len(part) == 1 for part in spelled.split(" ") if part)
    assert result("spell(spell(vars.t))", t=text) == spelled


@given(st.integers(0, 10**15))
def test_luhn_accepts_exactly_one_check_digit(number):
    assert sum(result("luhn(vars.t)", t=f"{number}{digit}") for digit in range(10)) == 1


@given(st.text(max_size=20), st.integers(-5, 30))
def test_mask_hides_all_but_the_end(text, keep):
    text = text.encode(errors="ignore").decode().replace("\0", "")
    masked = result(f"mask(vars.t, {keep})", t=text)
    shown = min(max(keep, 0), len(text))
    assert masked == "*" * (len(text) - shown) + text[len(text) - shown :]


@given(st.dates())
def test_dates_there_and_back(day):
    written = day.strftime("%d%m") + f"{day.year:04}"
    assert result('parse_date(vars.t, "DDMMYYYY")', t=written) == day.isoformat()
    assert result("days_between(vars.t, vars.t)", t=day.isoformat()) == 0


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_decimal_becomes_a_text_that_reads_as_a_number(number):
    assert float(result("text(vars.d)", d=number)) == pytest.approx(number, rel=1e-14)


@given(st.text(max_size=20), st.sampled_from(["en-US", "sv-SE", "", "x"]))
def test_money_never_breaks(currency, locale):
    currency = currency.encode(errors="ignore").decode().replace("\0", "")
    spoken = result(f'money(vars.d, vars.t, "{locale}")', d=1234.5, t=currency)
    assert spoken.startswith(("1234", "1235"))  # some currencies, as ALL and JPY, have no fractions


@pytest.mark.parametrize(
    ("currency", "spoken"),
    [("ALL", "1235 Albanian lekë"), ("JPY", "1235 yen"), ("XXQ", "1234.50 XXQ")],
)
def test_money_of_a_currency_without_fractions_is_rounded(currency, spoken):
    assert result('money(vars.d, vars.t, "en-US")', d=1234.5, t=currency) == spoken
