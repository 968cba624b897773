"""Comparisons of what was dialled with a phone number in another spelling."""

import re
from collections.abc import Iterator
from typing import Final

from flowengine.compile.checks.call_facts import FROM_APP, CallFacts
from flowengine.compile.checks.event_values import find_compared_words
from flowengine.problems import Problem, quote_value
from flowengine.sinch.number_parser import parse_number

_DIALLED_FACT: Final = "call.to"
_PHONE_NUMBER: Final = re.compile(r"[+0-9][-0-9 ().\u00a0/]{6,}")


def check(facts: CallFacts) -> Iterator[Problem]:
    document = facts.program.document
    if _DIALLED_FACT not in document.text:
        return
    for path, offset, word in find_compared_words(document, _DIALLED_FACT):
        number = parse_number(word).e164 if _PHONE_NUMBER.fullmatch(word) else ""
        # apps dial users and rooms, whose names may be digits
        may_be_name = not word.startswith("+") and facts.can_hold(str(path[1]), FROM_APP)
        if number not in ("", word) and not may_be_name:
            yield Problem(
                "FE462",
                document.find_inner_span(path, offset, len(word) + 2),
                f"{_DIALLED_FACT} is {quote_value(number)} where somebody dials this number",
                f"write {quote_value(number)}, with + and the country code",
            )
