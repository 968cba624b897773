"""Digits of every script are digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.expr import Scope, Type, to_ascii_digits

SCOPE = Scope({"vars.t": Type.TEXT})
THAI, ARABIC, WIDE = "๑๒๓", "١٢٣", "\uff11\uff12\uff13"


@pytest.mark.parametrize("digits", [THAI, ARABIC, WIDE])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digits(vars.t)", "123"),
        ("spell(vars.t)", "1 2 3"),
        ("integer(vars.t)", 123),
        ("decimal(vars.t)", 123.0),
    ],
)
def test_function_that_reads_digits_takes_every_script(text, expected, digits):
    assert SCOPE.compile_expression(text).evaluate({"vars.t": digits}) == expected


def test_dates_times_and_check_digits_take_every_script():
    values = {"vars.t": "٢٤١٢٢٠٢٦"}
    assert (
        SCOPE.compile_expression('parse_date(vars.t, "DDMMYYYY")').evaluate(values) == "2026-12-24"
    )
    assert SCOPE.compile_expression('is_date(vars.t, "DDMMYYYY")').evaluate(values) is True
    assert SCOPE.compile_expression("time_words(vars.t)").evaluate({"vars.t": "٠٩:٣٠"}) == "9:30 AM"
    assert SCOPE.compile_expression("luhn(vars.t)").evaluate({"vars.t": "٧٩٩٢٧٣٩٨٧١٣"}) is True


@given(st.text())
def test_to_ascii_digits_changes_nothing_but_digits(text):
    found = to_ascii_digits(text)
    assert len(found) == len(text)
    for before, after in zip(text, found, strict=True):
        assert after == before or (before.isdecimal() and after == str(int(before)))
