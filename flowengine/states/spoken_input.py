"""What a caller said or keyed in, as digits, as yes or no, and as the value of a variable."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal
from unicodedata import category, normalize

from flowengine.expr import Type
from flowengine.expr.digits import to_ascii_digits
from flowengine.expr.functions.dates import is_date, parse_date
from flowengine.limits import MAX_INTEGER_DIGITS
from flowengine.sinch import Pie
from flowengine.states.flow_context import Variable
from flowengine.states.spoken_words import (
    LANGUAGES_WITHOUT_SPACES,
    REPEAT_WORDS,
    YES_NO_WORDS,
    list_digit_words,
    list_languages,
)

YES: Final = "yes"
NO: Final = "no"
_TIME_DIGITS: Final = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9]")
_APOSTROPHES: Final = re.compile("['\u2019\u2018\u02bb\u02bc\u0307]")
# both are in one order in Unicode, 0x60 apart
_HIRAGANA_BY_KATAKANA: Final = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}
_FRACTION: Final = re.compile(r"[0-9][.,][0-9]")
# what speech recognition writes for "minus five", "three quarters", "half past ten"
_NO_PLAIN_NUMBER: Final = re.compile(
    r"^[-+\u2212\u2013]\s*[0-9]|[0-9]\s*[/:+*\u00d7\u00f7]\s*[0-9]"
)
_SPOKEN_AMOUNT: Final = re.compile(r"[0-9]+[.,][0-9]{1,2}")
_AMOUNT_KEYS: Final = re.compile(r"(?=.*[0-9])[0-9]*\*?[0-9]*")
POINT_KEY: Final = "*"  # of an amount
_GROUPED_NUMBER: Final = re.compile(r"[0-9]{1,3}([.,][0-9]{3})+")
# "12 50" may be 12.50 as well as 1250; digits one by one, and thousands as in "1 250", are plain
_SEVERAL_NUMBERS: Final = re.compile(r"[0-9]{2}\W+[0-9]|[0-9]\W+[0-9]{2}")
_SPACED_THOUSANDS: Final = re.compile(r"[0-9]{1,3}(\s[0-9]{3})+")


def is_spoken(event: Pie) -> bool:
    """Whether the caller may have said this: older callbacks do not distinguish words from keys."""
    return event.input_method != "dtmf"


def fold_words(text: str) -> str:
    """Words in small letters with single blanks, without punctuation. `*` and `#` stay; katakana is
    the same as hiragana.

    >>> fold_words("Yes, that's right.")
    'yes thats right'
    """
    # folding may take letters apart, hence NFC after it
    small = _APOSTROPHES.sub("", normalize("NFC", normalize("NFKC", text).casefold()))
    small = small.translate(_HIRAGANA_BY_KATAKANA)
    kept = (letter if letter in "*#" or category(letter)[0] in "LMN" else " " for letter in small)
    return " ".join("".join(kept).split())


def read_digits(text: str, locale: str) -> str:
    """The digits that a caller said, or "" where other words are among them.

    >>> read_digits("one two, double 3.", "en-US")
    '1233'
    """
    words = _fold_digit_words(locale)
    repeats = REPEAT_WORDS.get(list_languages(locale)[0], {})
    found: list[str] = []
    times = 1
    for word in _split_words(fold_words(to_ascii_digits(text)), words, locale):
        digits = word if word.isascii() and word.isdigit() else words.get(word, "")
        # "double" wants a single digit: "double twelve" is no number that two people would write
        # alike
        if times > 1 and len(digits) != 1:
            return ""
        if digits:
            found.append(digits * times)
            times = 1
        elif word in repeats and times == 1:
            times = repeats[word]
        else:
            return ""
    return "" if times > 1 else "".join(found)


def read_answer(
    text: str, locale: str, yes: frozenset[str], no: frozenset[str]
) -> Literal["yes", "no", ""]:
    """Whether a caller said yes or no; "" where both or something else was said. `yes` and `no` are
    the author's words, folded; without any those of the locale count.
    """
    meanings = dict(_fold_answer_words(locale))
    for word, own in ((YES, yes), (NO, no)):
        if own:
            # the author's words replace those of the language: "fine" may be a no
            meanings = {said: means for said, means in meanings.items() if means != word}
            meanings |= dict.fromkeys(own, word)
    said = {
        meanings.get(phrase) for phrase in _split_phrases(fold_words(text), tuple(meanings), locale)
    } - {""}
    if said == {YES}:
        return "yes"
    return "no" if said == {NO} else ""


def fold_phrases(words: Iterable[str]) -> frozenset[str]:
    """An author's words as they are compared with what a caller says."""
    return frozenset(filter(None, map(fold_words, words)))


def read_input(event: Pie, variable: Variable, locale: str) -> str:
    """The input for this variable, keyed or said, as its keys would have entered it."""
    text = to_ascii_digits(event.value).strip()
    if not is_spoken(event):
        return text.removesuffix("#")
    if variable.kind in ("digits", "integer", "date", "time"):
        if variable.kind == "integer" and _NO_PLAIN_NUMBER.search(text):
            text = ""
        elif variable.kind == "integer" and _FRACTION.search(text):
            # 1,234 is one number, but 12.5 no integer, and must not become 125
            text = re.sub("[.,]", "", text) if _GROUPED_NUMBER.fullmatch(text.rstrip(".,")) else ""
        return read_digits(text, locale) or text.removesuffix("#")
    if variable.kind == "decimal":
        return read_amount(text, locale)
    if variable.choices:
        folded = {fold_words(choice): choice for choice in variable.choices}
        return folded.get(fold_words(text), text)
    return text.removesuffix("#")


def read_amount(text: str, locale: str) -> str:
    """The keys of an amount that a caller said, or "" where it is none, or may be several.

    >>> read_amount("$12.50", "en-US"), read_amount("1,250", "en-US"), read_amount("two five", "en-US")
    ('12*50', '1250', '25')
    >>> read_amount("12 50", "en-US"), read_amount("-5", "en-US")
    ('', '')
    """
    # recognition writes "twelve dollars fifty" with the sign of the currency
    said = "".join(letter for letter in text if category(letter) != "Sc").strip().rstrip(".,")
    if _NO_PLAIN_NUMBER.search(said):
        return ""
    if _GROUPED_NUMBER.fullmatch(said):
        return re.sub("[.,]", "", said)
    if _SPOKEN_AMOUNT.fullmatch(said):
        return re.sub("[.,]", POINT_KEY, said)
    if _FRACTION.search(said):
        return ""
    if _SEVERAL_NUMBERS.search(said) and not _SPACED_THOUSANDS.fullmatch(said):
        return ""
    return read_digits(said, locale)


def convert_input(text: str, variable: Variable, date_format: str) -> Any:
    """The input as a value of the variable, or None when it is none."""
    if variable.kind in ("digits", "integer") and not (text.isascii() and text.isdigit()):
        return None
    if variable.kind == "decimal":
        is_amount = _AMOUNT_KEYS.fullmatch(text) and len(text) <= MAX_INTEGER_DIGITS
        return float(text.replace(POINT_KEY, ".")) if is_amount else None
    if variable.kind == "date":
        return parse_date(text, date_format) if is_date(text, date_format) else None
    if variable.kind == "time":
        return f"{text[:2]}:{text[2:]}" if _TIME_DIGITS.fullmatch(text) else None
    if variable.type is Type.INTEGER:
        return int(text) if len(text) <= MAX_INTEGER_DIGITS else None
    return text if variable.type is Type.TEXT and _can_hold(variable, text) else None


def _can_hold(variable: Variable, text: str) -> bool:
    is_choice = not variable.choices or text in variable.choices
    return is_choice and len(text) <= variable.size


@lru_cache(maxsize=256)
def _fold_digit_words(locale: str) -> Mapping[str, str]:
    return {fold_words(word): digit for word, digit in list_digit_words(locale).items()}


@lru_cache(maxsize=256)
def _fold_answer_words(locale: str) -> Mapping[str, str]:
    """Words for yes and no, and polite words that mean neither, each with what it means."""
    found: dict[str, str] = {}
    for language in list_languages(locale):
        yes, no, neither = YES_NO_WORDS.get(language, ("", "", ""))
        for means, words in (("", neither), (YES, yes), (NO, no)):
            found |= dict.fromkeys(map(fold_words, filter(None, words.split("|"))), means)
    return found


def _split_words(text: str, known: Mapping[str, str], locale: str) -> list[str]:
    """The words of a text; digits stand alone, and so do words of languages without blanks."""
    words = re.sub("([0-9]+)", r" \1 ", text).split()
    if LANGUAGES_WITHOUT_SPACES.isdisjoint(list_languages(locale)):
        return words
    return [
        part
        for word in words
        for part in ([word] if word.isdigit() else _split_phrases(word, tuple(known), locale))
    ]


def _split_phrases(text: str, known: tuple[str, ...], locale: str) -> list[str]:
    """The text cut into known phrases, the longest first; what is not known stays whole."""
    spaced = LANGUAGES_WITHOUT_SPACES.isdisjoint(list_languages(locale))
    if not known:
        return [text]
    either = "|".join(re.escape(phrase) for phrase in sorted(known, key=len, reverse=True))
    edge = r"(?= |$)" if spaced else ""
    found, at = [], 0
    while at < len(text):
        match = re.compile(f"({either}){edge} ?").match(text, at)
        if match is None:
            return [text]
        found.append(match[1])
        at = match.end()
    return found
