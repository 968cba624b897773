import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.sinch.number_parser import parse_number


@pytest.mark.parametrize(
    "text",
    [
        "46708168731",
        "+46708168731",
        "0046708168731",
        "Anna <+46708168731>",
        "+46 (0)70-816 87 31",
        "tel:+46708168731",
        "sip:+46708168731@host",
        "<46708168731> ",
        "TEL:+46708168731",
        "tel:+46-70-816-87-31;verstat=TN-Validation-Passed",
        "tel:+46708168731;npdi;rn=+46123456789",
        "<sip:+46708168731;cpc=ordinary@host;user=phone>",
    ],
)
def test_spellings_of_a_number_are_parsed_alike(text):
    assert parse_number(text) == ("+46708168731", False)


@pytest.mark.parametrize(
    "text",
    [
        "private",
        "Private",
        "anonymous",
        "",
        "sip:anonymous@anonymous.invalid",
        "Anonymous <anonymous>",
    ],
)
def test_withheld_number_is_recognised(text):
    assert parse_number(text) == ("", True)


@pytest.mark.parametrize(
    "text",
    [
        "anna",
        "112",
        "0708168731",
        "+0708168731",
        "1" * 17,
        "team-room",
        "٤٦٧٠٨١٦٨٧٣١",
        "tel:123456;phone-context=+46812",
    ],
)
def test_address_that_is_no_phone_number_is_none(text):
    assert parse_number(text) == ("", False)


@given(st.text())
def test_parsed_number_is_dialable_and_parses_to_itself(text):
    number = parse_number(text).e164
    assert number == "" or (
        number[0] == "+"
        and number[1:].isascii()
        and number[1:].isdigit()
        and 6 <= len(number) - 1 <= 16
    )
    assert number == "" or parse_number(number).e164 == number
