"""Phone numbers by the rules of their country."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.expr import ExprError, Scope, Type
from flowengine.expr.functions.texts import e164
from flowengine.expr.functions.trace_remarks import collect_remarks
from tests.waiting import PATIENCE_SECONDS

SCOPE = Scope({"vars.t": Type.TEXT})


@pytest.mark.parametrize(
    ("text", "prefix", "expected"),
    [
        ("+46 (0)70-123 45 67", "", "+46701234567"),
        ("070-123 45 67", "46", "+46701234567"),
        ("1 404 500 9000", "1", "+14045009000"),
        ("(404) 500-9000", "+1", "+14045009000"),
        ("011 46 70 123 45 67", "1", "+46701234567"),
        ("02 1234 5678", "39", "+390212345678"),
        ("06 1 234 5678", "36", "+3612345678"),
        ("8 (912) 345-67-89", "7", "+79123456789"),
        ("0046701234567", "46", "+46701234567"),
        ("46701234567", "", "+46701234567"),
        ("46701234567", "46", "+46701234567"),
        ("٠٧٠١٢٣٤٥٦٧", "46", "+46701234567"),
        ("\uff0b\uff14\uff16701234567", "", "+46701234567"),  # fullwidth
        ("070\u202f123\u00a045\u200967", "46", "+46701234567"),
        ("\u202a+46 70 123 45 67\u202c", "", "+46701234567"),  # as address books copy it
        ("tel:+46-70-1234567", "", "+46701234567"),
    ],
)
def test_e164_with_a_possible_number_returns_it(text, prefix, expected):
    collect_remarks()
    assert e164(text, prefix) == expected
    assert collect_remarks() == ()


@pytest.mark.parametrize(
    ("text", "prefix"),
    [("abc", "46"), ("12", "46"), ("0701234567", ""), ("5009000", "1"), ("+46", ""),
     ("call me on 0701234567", "46"), ("070-1234567", "999"), ("+46701234567890123", "")],
)  # fmt: skip
def test_e164_without_a_possible_number_returns_nothing_and_remarks(text, prefix):
    collect_remarks()
    assert e164(text, prefix) == ""
    assert "e164: this is no possible phone number" in collect_remarks()


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("e164('070-12', '46')", 6),
        ('e164("call me")', 6),
        ("e164(vars.t, '999')", 14),
        ("size(e164(vars.t, '46') + e164( '12' , '46'))", 33),
    ],
)
def test_expression_with_an_impossible_number_is_a_mistake_at_its_place(text, offset):
    with pytest.raises(ExprError) as caught:
        SCOPE.compile_expression(text)
    assert (caught.value.code, caught.value.offset) == ("FE311", offset)


@given(st.text(max_size=30), st.sampled_from(["", "46", "1", "39", "999"]))
def test_e164_of_any_text_is_a_number_or_nothing(text, prefix):
    number = e164(text, prefix)
    assert number == "" or (number[0] == "+" and number[1:].isascii() and number[1:].isdigit())
    assert e164(number) == number
    collect_remarks()


def test_help_imports_neither_babel_nor_phonenumbers():
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "flowengine", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert "click" in ran.stderr
    assert "babel" not in ran.stderr
    assert "phonenumbers" not in ran.stderr
