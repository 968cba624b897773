"""Widgets that begin, decide, and keep values."""

import re
from typing import Any, Final

from flowengine.importers.flow_parts import DONE, TEXT_LENGTH
from flowengine.importers.source_json import get_list, get_text
from flowengine.importers.studio.liquid_text import has_liquid, iterate_references
from flowengine.importers.studio.references import StudioReference
from flowengine.importers.studio.studio_flow import StudioCondition, StudioTransition
from flowengine.importers.studio.widget_import import GATHER_TYPE, WidgetImport
from flowengine.importers.templates import NUMBER, write_literal

_MOMENT: Final = re.compile(r"[0-9]{2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ORDER_SIGNS: Final = {
    "less_than": "<",
    "greater_than": ">",
    "is_before_time": "<",
    "is_after_time": ">",
    "is_before_date": "<",
    "is_after_date": ">",
}
_BLANK_TESTS: Final = {"is_blank": "==", "is_not_blank": "!="}
_TEXT_TESTS: Final = {
    "contains": "{0}.contains({1})",
    "does_not_contain": "!{0}.contains({1})",
    "starts_with": "{0}.startsWith({1})",
    "does_not_start_with": "!{0}.startsWith({1})",
}
# what the regular expressions of the language do not have
_ODD_PATTERN: Final = re.compile(r"\(\?(?!:|i\))|\\[1-9]|\\[kgGzZ]|[*+?}]\+")
_MAX_PATTERN: Final = 200
_UNHEARD_EVENTS: Final = ("incomingMessage", "incomingConversationMessage")


def import_trigger(widget: WidgetImport) -> None:
    """The start of the flow. The report tells what begins by messages, or by calls that are placed."""
    source, flow = widget.widget, widget.flow
    for event in _UNHEARD_EVENTS:
        if source.has_transition(event):
            widget.add_remark(f"nothing stands for what follows {event}: no messages come in")
    if source.has_transition("incomingParent") and not source.has_transition("incomingCall"):
        flow.draft.head.setdefault("outcomes", [DONE])
    if source.has_transition("incomingRequest") and "on" not in flow.draft.head:
        target = widget.get_target("incomingRequest")
        if not is_placing(widget):
            flow.draft.head["on"] = {"answered": target}
        widget.add_remark("a call that your system places begins when somebody answers")


def is_placing(widget: WidgetImport) -> bool:
    """Whether a request leads to a widget that places the call, which begins the flow then."""
    types = ("make-outgoing-call-v1", "make-outgoing-call-v2")
    return any(each.type in types for each in widget.flow.source.widgets.values())


def import_split(widget: WidgetImport) -> None:
    """split-based-on: a choose; conditions do not tell small and capital letters apart."""
    if "cases" in widget.widget.properties:
        widget.note_loss("Studio itself does not know the cases that stand here")
    ways: list[dict[str, str]] = []
    can_fail = False
    for way in widget.widget.ways:
        if way.event != "match":
            continue
        when = write_transition(widget, way)
        can_fail = can_fail or "decimal(" in when or "integer(" in when
        if when:
            ways.append({"when": when, "next": widget.flow.get_state_name(way.next)})
    last = widget.get_target("noMatch")
    body: dict[str, Any] = {"choose": [*ways, {"next": last}]} if ways else {"next": last}
    if can_fail and ways:
        body["error"] = last  # a value that is no number matches nothing
    widget.add_state(body)


def write_transition(widget: WidgetImport, way: StudioTransition) -> str:
    """All conditions of a way on; nothing where one of them has no counterpart."""
    found = [write_condition(widget, each) for each in way.conditions]
    if not found or not all(found):
        widget.note_change("a way on without a condition that is known is left out")
        return ""
    return found[0] if len(found) == 1 else " && ".join(f"({each})" for each in found)


def write_condition(widget: WidgetImport, condition: StudioCondition) -> str:
    """The condition as an expression; nothing where there is none for it."""
    subject = condition.subject or widget.read_text("input")
    if not has_liquid(subject):
        widget.note_change("it compares no value of the call, but a text that stands in the flow")
    value = bracket(widget.write_expression(subject))
    return write_test(widget, condition, value, subject)


def write_test(widget: WidgetImport, condition: StudioCondition, value: str, subject: str) -> str:
    type_, operand = condition.type, condition.value
    if type_ in _BLANK_TESTS:
        return f'{value} {_BLANK_TESTS[type_]} ""'
    if type_ in _ORDER_SIGNS:
        return write_comparison(widget, value, type_, operand.strip())
    if type_ == "regex":
        return write_pattern(widget, value, operand)
    if type_ in ("equal_to", "not_equal_to"):
        sign = "==" if type_ == "equal_to" else "!="
        return write_equality(widget, value, operand, sign, subject)
    if type_ in ("matches_any_of", "does_not_match_any_of"):
        options = [each for each in operand.split(",") if each.strip()]
        tests = [write_equality(widget, value, each, "==", subject) for each in options]
        joined = " || ".join(tests)
        return f"!({joined})" if joined and type_ == "does_not_match_any_of" else joined
    return write_text_test(widget, value, type_, operand)


def write_text_test(widget: WidgetImport, value: str, type_: str, operand: str) -> str:
    if type_ in _TEXT_TESTS:
        return _TEXT_TESTS[type_].format(f"lower({value})", write_operand(widget, operand))
    widget.note_change(f'a condition "{type_[:40]}" is left out')
    return ""


def bracket(expression: str) -> str:
    """The expression as one operand."""
    is_operand = re.fullmatch(r"[\w.]+(\([^()\"]*\))?|\"[^\"]*\"", expression)
    return expression if is_operand else f"({expression})"


def write_operand(widget: WidgetImport, text: str) -> str:
    """A value to compare with, in small letters."""
    if has_liquid(text):
        return f"lower({widget.write_expression(text.strip())})"
    return write_literal(text.strip().lower())


def write_equality(widget: WidgetImport, value: str, operand: str, sign: str, subject: str) -> str:
    text = operand.strip()
    if has_liquid(text):
        return f"lower(trim({value})) {sign} {write_operand(widget, text)}"
    if text.lower() != text.upper():
        value = f"lower({value})"
    if not is_keyed(widget, subject):
        value = f"trim({value})"
    elif text == "#":
        widget.note_change(
            "the key # ends an input and is no part of it: its condition never holds"
        )
    return f"{value} {sign} {write_literal(text.lower())}"


def is_keyed(widget: WidgetImport, subject: str) -> bool:
    """Whether a value is what callers have keyed in, around which no blanks stand."""
    widgets = widget.flow.source.widgets
    found = [widgets.get(each.widget) for each in iterate_references(subject)]
    return len(found) == 1 and found[0] is not None and found[0].type == GATHER_TYPE


def write_comparison(widget: WidgetImport, value: str, type_: str, operand: str) -> str:
    sign = _ORDER_SIGNS[type_]
    if type_ in ("less_than", "greater_than"):
        if NUMBER.fullmatch(operand):
            return f"decimal({value}) {sign} {operand if '.' in operand else f'{operand}.0'}"
        if has_liquid(operand):
            return f"decimal({value}) {sign} decimal({widget.write_expression(operand)})"
        widget.note_change("a comparison with what is no number is left out")
        return ""
    if _MOMENT.fullmatch(operand):
        return f"{value} {sign} {write_literal(operand)}"
    widget.note_change(f'the moment "{operand[:30]}" is not understood: its condition is left out')
    return ""


def write_pattern(widget: WidgetImport, value: str, pattern: str) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        pattern = ""
    if not pattern or _ODD_PATTERN.search(pattern) or len(pattern) > _MAX_PATTERN:
        widget.note_change("the regular expression is not understood: its condition is left out")
        return ""
    return f"{value}.matches({write_literal(pattern)})"


def import_variables(widget: WidgetImport) -> None:
    """set-variables: texts of the flow."""
    values: dict[str, str] = {}
    raw = widget.widget.properties.get("variables")
    if isinstance(raw, dict):
        pairs = [(key, get_text({"": value}, "")) for key, value in raw.items()]
    else:
        found = get_list(widget.widget.properties, "variables")
        pairs = [(get_text(each, "key"), get_text(each, "value")) for each in found]
    for key, value in pairs:
        if not key:
            continue
        template = widget.write_template(value)
        reference = StudioReference(("flow", "variables", *key.split(".")))
        length = TEXT_LENGTH if has_liquid(value) else len(value)
        name = widget.flow.get_variable(reference, length)
        if name in values:
            widget.note_change(f"{name} is set twice at once: the last value counts")
        values[name] = template
    widget.add_state(({"set": values} if values else {}) | {"next": widget.get_target("next")})
