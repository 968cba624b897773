"""What the names of expressions can hold, for the checks of expressions."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from flowengine.expr import Calendar
from flowengine.expr.functions.dates import is_date
from flowengine.expr.text_forms import TextForm
from flowengine.expr.value_domains import Domain
from flowengine.model import Flow
from flowengine.sinch import vocabulary
from flowengine.sinch.number_parser import parse_number
from flowengine.states import Variable
from flowengine.states.field_types import LOCALE_PATTERN
from flowengine.states.value_forms import VALUE_FORMATS

_INTEGERS: Final = (0, 1, 2, 3, 5, 7, 10, 12, 24, 30, 60, 100, 365, 1000, 2026, -1, -5)
_DATES: Final = ("2026-12-24", "2026-03-02", "2028-02-29")
_TIMES: Final = ("09:30", "00:00", "23:59")
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DOMAIN_VALUES: Final[Mapping[str, tuple[object, ...]]] = {
    "integer": _INTEGERS,
    "decimal": tuple(map(float, _INTEGERS)),
    "boolean": (False, True),
}
_VARIABLE_LOCALE: Final = re.compile(r"\$\{\s*vars\.(\w+)\s*\}")
_LOCALE: Final = re.compile(LOCALE_PATTERN)


def repair_date(text: str) -> str:
    """A date that an author wrote in another form, where it is plain which one is meant."""
    numbers = re.findall("[0-9]+", text)
    if len(numbers) != 3 or len(numbers[0]) != 4:
        return ""
    year, month, day = numbers
    found = f"{year}-{month:0>2}-{day:0>2}"
    return found if is_date(found) else ""


def repair_time(text: str) -> str:
    """A time of day that an author wrote in another form, where it is plain which one is meant."""
    hour, minute = [*re.findall("[0-9]+", text), "", ""][:2]
    found = f"{hour:0>2}:{minute:0>2}"
    is_plain = re.fullmatch(r"[0-9]{1,2}[:.][0-9]{2}(:[0-9]{2})?", text)
    return found if is_plain and is_time(found) else ""


def is_time(text: str) -> bool:
    return VALUE_FORMATS["time"][0](text)


def repair_digits(text: str) -> str:
    return "".join(re.findall("[0-9]", text))


class PhoneNumberForm(msgspec.Struct, frozen=True):
    """Numbers as `call.from` has them: "+" and digits; short and national ones as they come."""

    def can_compare(self, function: str, text: str) -> bool:
        return function not in ("_==_", "_!=_", "@in") or parse_number(text).e164 in ("", text)

    def suggest(self, text: str) -> str:
        return f'write "{parse_number(text).e164}"'


_CALLER_DOMAIN: Final = Domain((), form=PhoneNumberForm())
_DATE_DOMAIN: Final = Domain(
    (*_DATES, ""), form=TextForm("0000-00-00", "2026-12-24", is_date, repair_date)
)
_TIME_DOMAIN: Final = Domain((*_TIMES, ""), form=TextForm("00:00", "09:30", is_time, repair_time))


def build_word_domain(words: tuple[str, ...]) -> Domain:
    """A name that holds one of these words, or nothing where there is none."""
    return Domain((*words, ""), words)


_FAILURES: Final = ("timeout", "connection", "refused", "answer", "error", "status 503", "too big",
    "not allowed", "cannot be sent", "too many redirects")  # fmt: skip
_STATUS_FAILURES: Final = tuple(f"status {code}" for code in range(100, 600) if code != 503)
EVENT_DOMAINS: Final[Mapping[str, Domain]] = {
    "call.from": _CALLER_DOMAIN,
    "call.redirected_from": _CALLER_DOMAIN,
    "call.failure": Domain((*_FAILURES, ""), (*_FAILURES, *_STATUS_FAILURES)),
    "call.origin": build_word_domain(vocabulary.CALL_ORIGINS),
    "event.input": build_word_domain(vocabulary.INPUT_METHODS),
    "event.type": build_word_domain((*vocabulary.MENU_TYPES, *vocabulary.NOTICE_TYPES)),
    "event.result": build_word_domain(vocabulary.RESULTS),
    "event.reason": build_word_domain(vocabulary.REASONS),
    "event.amd": build_word_domain(vocabulary.AMD_STATUSES),
    "event.amd_reason": build_word_domain(vocabulary.AMD_REASONS),
    "event.duration": Domain(_INTEGERS),
    "now.date": replace(_DATE_DOMAIN, samples=_DATES),
    "now.time": replace(_TIME_DOMAIN, samples=_TIMES),
    "now.weekday": Domain(_WEEKDAYS, _WEEKDAYS),
}


def build_variable_domain(variable: Variable) -> Domain | None:
    """What a variable can hold; None where that is anything."""
    if variable.choices:
        return build_word_domain(variable.choices)
    if variable.kind == "date":
        return _DATE_DOMAIN
    if variable.kind == "time":
        return _TIME_DOMAIN
    if variable.kind == "digits":
        form = TextForm("0" * variable.size, "1234", str.isdigit, repair_digits, True)
        return Domain((), form=form)
    values = _DOMAIN_VALUES.get(variable.kind)
    return Domain(values) if values else None


def list_flow_locales(flow: Flow, variables: Mapping[str, Variable]) -> tuple[str, ...] | None:
    """The locales that a flow may speak besides that of the project; None where only a call tells."""
    found = [flow.locale] if flow.locale else []
    for state in flow.states.values():
        if not state.locale:
            continue
        if chosen := _VARIABLE_LOCALE.fullmatch(state.locale.strip()):
            variable = variables.get(chosen[1])
            if variable is None or not variable.choices:
                return None
            found += variable.choices
        elif "${" in state.locale:
            return None
        else:
            found.append(state.locale)
    return tuple(locale for locale in found if _LOCALE.fullmatch(locale))


def build_domains(
    variables: Mapping[str, Variable], calendars: Mapping[str, Calendar], locales: tuple[str, ...]
) -> dict[str, Domain]:
    """What each name of a flow can hold, where that is known: a text can hold anything. `locales`
    are those of the project, none where only a call tells.
    """
    own = {
        f"vars.{name}": domain
        for name, variable in variables.items()
        if (domain := build_variable_domain(variable))
    }
    opened = {f"hours.{name}.open": Domain((False, True)) for name in calendars}
    spoken = {"call.locale": Domain(locales, locales)} if locales else {}
    return {**own, **EVENT_DOMAINS, **opened, **spoken}
