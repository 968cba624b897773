"""Digits, yes and no as callers say them, in the languages of the platform's voices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowengine.expr import Type
from flowengine.expr.digits import to_ascii_digits
from flowengine.sinch import Pie
from flowengine.sinch.callback_events import MenuResult
from flowengine.states.flow_context import Variable
from flowengine.states.spoken_input import (
    convert_input,
    fold_phrases,
    read_answer,
    read_digits,
    read_input,
)
from flowengine.states.spoken_words import list_digit_words
from flowengine.svaml.locales import LOCALES
from tests.states.conversation import Conversation, compiled

NOTHING: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("said", "locale", "digits"),
    [
        ("1 2 3 4", "sv-SE", "1234"),
        ("12 34", "en-US", "1234"),
        ("1234.", "en-US", "1234"),
        ("1-2-3-4", "de-DE", "1234"),
        ("one two", "en-GB", "12"),
        ("noll ett", "sv-SE", "01"),
        ("double five, oh", "en-GB-WLS", "550"),
        ("triple 7", "en-US", "777"),
        ("eins zwo drei", "de-AT", "123"),
        ("١٢٣", "arb", "123"),
        ("一二三四", "cmn-CN", "1234"),
        ("ゼロいち2", "ja-JP", "012"),
        ("イチニサンヨン", "ja-JP", "1234"),
        ("ｼﾁ ハチ キュウ ク", "ja-JP", "7899"),
        ("일이삼사", "ko-KR", "1234"),
        ("공일공 일곱여덟", "ko-KR", "01078"),
        ("이십삼", "ko-KR", ""),
        ("nought one naught two", "en-GB", "0102"),
        ("yks kaks kolme viis kuus", "fi-FI", "12356"),
        ("seittemän kaheksan yheksän", "fi-FI", "789"),
        ("หนึ่งสอง", "th-TH", "12"),
        ("शून्य एक", "hi-IN", "01"),
        ("İki üç", "tr-TR", "23"),
        ("п'ять", "uk-UA", "5"),
        ("", "en-US", ""),
        ("hello 1", "en-US", ""),
        ("one", "sv-SE", ""),
        ("double", "en-US", ""),
        ("double 55", "en-US", ""),
        ("double double 5", "en-US", ""),
        ("12*4", "en-US", ""),
        ("1 2", "uz-UZ", "12"),
    ],
)
def test_read_digits_of_spoken_words_gives_their_digits(
    said: str, locale: str, digits: str
) -> None:
    assert read_digits(said, locale) == digits


@given(st.sampled_from(LOCALES), st.text("0123456789", min_size=1, max_size=12), st.data())
def test_read_digits_in_words_or_digits_gives_them_back(
    locale: str, digits: str, data: st.DataObject
) -> None:
    words: dict[str, list[str]] = {}
    for word, digit in list_digit_words(locale).items():
        words.setdefault(digit, []).append(word)
    said = [data.draw(st.sampled_from([*words.get(digit, []), digit])) for digit in digits]
    assert read_digits(" ".join(said) + ".", locale) == digits


@given(st.text(max_size=20), st.sampled_from(LOCALES))
def test_read_digits_of_any_text_gives_ascii_digits_or_nothing(text: str, locale: str) -> None:
    found = read_digits(text, locale)
    assert found == "" or (found.isascii() and found.isdigit())


@pytest.mark.parametrize(
    ("said", "locale", "answer"),
    [
        ("Yes.", "en-US", "yes"),
        ("yes, please", "en-US", "yes"),
        ("That's right!", "en-GB", "yes"),
        ("no thank you", "en-US", "no"),
        ("not correct", "en-US", ""),
        ("yes no", "en-US", ""),
        ("please", "en-US", ""),
        ("ja", "sv-SE", "yes"),
        ("Ja tack.", "sv-SE", "yes"),
        ("Nej", "sv-SE", "no"),
        ("yes", "sv-SE", ""),
        ("ใช่ครับ", "th-TH", "yes"),
        ("ไม่ใช่", "th-TH", "no"),
        ("不是", "cmn-CN", "no"),
        ("是不是", "cmn-CN", ""),
        ("はい、そうです。", "ja-JP", "yes"),
        ("ハイ", "ja-JP", "yes"),
        ("네맞습니다", "ko-KR", "yes"),
        ("아뇨", "ko-KR", "no"),
        ("예약", "ko-KR", ""),
        ("yo‘q", "uz-UZ", "no"),
        ("HAYIR", "tr-TR", "no"),
    ],
)
def test_read_answer_of_spoken_words_gives_yes_no_or_nothing(
    said: str, locale: str, answer: str
) -> None:
    assert read_answer(said, locale, NOTHING, NOTHING) == answer


def test_read_answer_with_own_words_replaces_those_of_the_locale() -> None:
    own = fold_phrases(["Jawohl!", "so isses"])
    assert read_answer("So isses.", "sv-SE", own, NOTHING) == "yes"
    assert read_answer("ja", "sv-SE", own, NOTHING) == ""
    assert read_answer("nej", "sv-SE", own, NOTHING) == "no"


def test_to_ascii_digits_of_other_scripts_gives_ascii_digits() -> None:
    assert to_ascii_digits("a١٢٣۴५²") == "a12345²"


def test_voice_locales_have_words_for_digits_except_uzbek() -> None:
    assert [locale for locale in LOCALES if not list_digit_words(locale)] == ["uz-UZ"]


FLOW = {
    "locale": "sv-SE",
    "start": "ask",
    "keys": {"9": "agent"},
    "vars": {
        "code": {"type": "digits", "max": 6},
        "count": {"type": "integer"},
        "tier": {"type": "choice", "choices": ["Guld", "Silver"]},
    },
    "states": {
        "ask": {
            "collect": {
                "prompt": "Kod?", "into": "code", "digits": "4-6", "voice": True, "attempts": 9,
                "invalid": "Fel.", "confirm": "Du sa ${vars.code}?", "otherwise": "agent",
            },
            "next": "count",
        },
        "count": {
            "collect": {"prompt": "Antal?", "into": "count", "voice": True, "otherwise": "agent"},
            "next": "tier",
        },
        "tier": {
            "collect": {"prompt": "Guld?", "into": "tier", "voice": True, "otherwise": "agent"},
            "next": "menu",
        },
        "menu": {
            "menu": {
                "prompt": "Säg ett.", "otherwise": "agent",
                "options": {"1": {"next": "end", "hear": ["slut"]}, "2": "agent"},
            }
        },
        "end": {"say": "${vars.code} ${vars.count} ${vars.tier}", "hangup": {}},
        "agent": {"say": "Agent.", "hangup": {}},
    },
}  # fmt: skip


@pytest.mark.parametrize("said", ["-5", "3/4", "2+2", "10:30", "\u2212 7"])
def test_spoken_amount_that_is_no_integer_asks_again(said: str) -> None:
    count = Variable("count", "integer", Type.INTEGER, 0, secret=False, default=0)
    event = Pie(
        call_id="c", menu_result=MenuResult(type="return", value=said, input_method="voice")
    )
    assert convert_input(read_input(event, count, "en-US"), count, "") is None


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("$12.50", 12.5), ("12,50 €", 12.5), ("£1,250", 1250.0), ("1 250", 1250.0), ("1 2.", 12.0),
        ("12 50", None), ("5 50", None), ("12. 50", None), ("12-50", None), ("1 2 50", None),
        ("-5", None), ("\u2212 5", None), ("3/4", None), ("10:30", None), ("$", None),
    ],
)  # fmt: skip
def test_spoken_decimal_that_may_be_several_numbers_is_no_amount(
    said: str, amount: float | None
) -> None:
    price = Variable("price", "decimal", Type.DECIMAL, 0, secret=False, default=0.0)
    event = Pie(
        call_id="c", menu_result=MenuResult(type="return", value=said, input_method="voice")
    )
    assert convert_input(read_input(event, price, "en-US"), price, "") == amount


@pytest.mark.parametrize("code", ["1 2 3 4", "12 34", "1234.", "1-2-3-4", "ett två tre fyra"])
@pytest.mark.parametrize("answer", ["ja", "Ja tack.", "ett", "1."])
def test_call_by_voice_goes_on_with_what_was_said(code: str, answer: str) -> None:
    call = Conversation(compiled({"flow": FLOW}))
    call.turn({"ice": {}, "hears": ["Kod?"]})
    call.turn({"pie": {"say": "min kod"}, "hears": ["Fel.", "Kod?"]})
    call.turn({"pie": {"say": code}, "hears": ["Du sa 1234?"]})
    call.turn({"pie": {"say": "kanske"}, "hears": ["Du sa 1234?"]})
    call.turn({"pie": {"say": answer}, "hears": ["Antal?"]})
    call.turn({"pie": {"say": "3,5"}, "hears": ["Antal?"]})
    call.turn({"pie": {"say": "1.250"}, "hears": ["Guld?"]})
    call.turn({"pie": {"say": "guld."}, "hears": ["Säg ett."]})
    call.turn({"pie": {"say": "Ett."}, "hears": ["1234 1250 Guld"]})


def test_read_back_refused_by_voice_asks_again() -> None:
    call = Conversation(compiled({"flow": FLOW}))
    call.turn({"ice": {}, "hears": ["Kod?"]})
    call.turn({"pie": {"say": "1 2 3 4"}, "hears": ["Du sa 1234?"]})
    call.turn({"pie": {"say": "Nej tack"}, "hears": ["Kod?"]})


def test_keys_with_a_star_are_no_digits() -> None:
    call = Conversation(compiled({"flow": FLOW}))
    call.turn({"ice": {}, "hears": ["Kod?"]})
    call.turn({"pie": {"enter": "12*4"}, "hears": ["Fel.", "Kod?"]})
