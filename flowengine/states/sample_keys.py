"""Inputs that may make a difference to a state that asks for digits."""

from collections.abc import Iterable, Iterator

TRIAL_DIGITS = "1234567890123456"
FUTURE_DATE, PAST_DATE = ("2026", "12", "24"), ("2026", "01", "15")


def list_sample_inputs(
    kind: str, form: str, least: int, most: int, words: Iterable[str]
) -> Iterator[str]:
    """What might be keyed in for a variable of this kind, by the lengths that are taken; `words`
    are what callers of this project may know.
    """
    longest = min(most, len(TRIAL_DIGITS))
    if form or kind == "date":
        yield from (format_sample_date(form, date) for date in (FUTURE_DATE, PAST_DATE))
    yield from ("1430",) if kind == "time" else ()
    yield from ("12*50", "1**") if kind == "decimal" else ()
    yield from (word for word in words if word.isdigit() and least <= len(word) <= longest)
    for length in dict.fromkeys((least, min(10, longest), longest)):
        if least <= length <= longest:
            yield from (
                add_luhn_digit(TRIAL_DIGITS[: length - 1]),
                TRIAL_DIGITS[:length],
                "9" * length,
            )
            yield from (
                format_sample_date(date_form, FUTURE_DATE)
                for date_form in ("MMDDYYYY", "YYYYMMDD")
                if length == len(date_form)
            )
    yield from ("1", "5", "0", "9" * longest)


def format_sample_date(form: str, date: tuple[str, str, str]) -> str:
    year, month, day = date
    return (
        form.replace("YYYY", year).replace("YY", year[2:]).replace("MM", month).replace("DD", day)
    )


def add_luhn_digit(digits: str) -> str:
    """Digits with the check digit that makes them valid.

    >>> add_luhn_digit("1234567")
    '12345674'
    """
    # from the right, as the check digit will be appended
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-sum(divmod(value, 10)[0] + value % 10 for value in doubled) % 10}"
