"""What the names of expressions can hold, for the checks of expressions."""

from collections.abc import Mapping
from typing import Final

from flowengine.expr import Calendar
from flowengine.expr.value_domains import Domain
from flowengine.sinch import vocabulary
from flowengine.states import Variable

_INTEGERS: Final = (0, 1, 2, 3, 5, 7, 10, 12, 24, 30, 60, 100, 365, 1000, 2026, -1, -5)
_DATES: Final = ("2026-12-24", "2026-03-02", "2028-02-29")
_TIMES: Final = ("09:30", "00:00", "23:59")
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DOMAIN_VALUES: Final[Mapping[str, tuple[object, ...]]] = {
    "integer": _INTEGERS,
    "decimal": tuple(map(float, _INTEGERS)),
    "boolean": (False, True),
    "date": (*_DATES, ""),
    "time": (*_TIMES, ""),
}


def build_word_domain(words: tuple[str, ...]) -> Domain:
    """A name that holds one of these words, or nothing where there is none."""
    return Domain((*words, ""), words)


EVENT_DOMAINS: Final[Mapping[str, Domain]] = {
    "call.origin": build_word_domain(vocabulary.CALL_ORIGINS),
    "event.input": build_word_domain(vocabulary.INPUT_METHODS),
    "event.type": build_word_domain((*vocabulary.MENU_TYPES, *vocabulary.NOTICE_TYPES)),
    "event.result": build_word_domain(vocabulary.RESULTS),
    "event.reason": build_word_domain(vocabulary.REASONS),
    "event.amd": build_word_domain(vocabulary.AMD_STATUSES),
    "event.amd_reason": build_word_domain(vocabulary.AMD_REASONS),
    "event.duration": Domain(_INTEGERS),
    "now.date": Domain(_DATES),
    "now.time": Domain(_TIMES),
    "now.weekday": Domain(_WEEKDAYS, _WEEKDAYS),
}


def build_domains(
    variables: Mapping[str, Variable], calendars: Mapping[str, Calendar]
) -> dict[str, Domain]:
    """What each name of a flow can hold, where that is known: a text or digits can hold anything."""
    own = {
        f"vars.{name}": build_word_domain(variable.choices)
        if variable.choices
        else Domain(_DOMAIN_VALUES[variable.kind])
        for name, variable in variables.items()
        if variable.choices or variable.kind in _DOMAIN_VALUES
    }
    opened = {f"hours.{name}.open": Domain((False, True)) for name in calendars}
    return {**own, **EVENT_DOMAINS, **opened}
