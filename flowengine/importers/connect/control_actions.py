"""Actions that decide and count, and those that say something or end."""

from typing import Any, Final

from flowengine.importers.connect.action_import import ActionImport
from flowengine.importers.connect.flow_document import ConnectCondition
from flowengine.importers.connect.prompts import build_prompt
from flowengine.importers.connect.references import parse_reference
from flowengine.importers.flow_parts import DONE
from flowengine.importers.source_json import get_list, get_mapping, get_number, get_text
from flowengine.importers.templates import NUMBER, write_literal
from flowengine.limits import MAX_PAUSE_MILLIS

_TEXT_OPERATORS: Final = {
    "TextStartsWith": "startsWith",
    "TextEndsWith": "endsWith",
    "TextContains": "contains",
    "StartsWith": "startsWith",
    "Contains": "contains",
}
_NUMBER_OPERATORS: Final = {
    "NumberGreaterThan": ">",
    "NumberGreaterOrEqualTo": ">=",
    "NumberLessThan": "<",
    "NumberLessOrEqualTo": "<=",
}
_MAX_PAUSE_SECONDS: Final = MAX_PAUSE_MILLIS // 1_000
_MAX_WAIT_SECONDS: Final = 60


def import_message(action: ActionImport) -> None:
    prompt = build_prompt(action, action.action.parameters)
    body: dict[str, Any] = {} if prompt is None else {"say": prompt}
    action.add_state(action.add_next_and_error(body))


def import_compare(action: ActionImport) -> None:
    text = get_text(action.action.parameters, "ComparisonValue")
    reference = parse_reference(text)
    value = action.get_expression(reference) if reference else write_literal(text)
    if reference and not reference.system_name and not reference.is_set_by_flows:
        action.note_loss("the condition never holds")
    if not reference:
        action.note_change("it compares no value of the call, but a text that stands in the flow")
    add_choices(action, value, "NoMatchingCondition")


def add_choices(action: ActionImport, value: str, otherwise: str) -> None:
    """A choose with the conditions of this action, of a text."""
    ways: list[dict[str, str]] = []
    is_failing = False
    for condition in action.action.conditions:
        when = write_condition(action, value, condition)
        is_failing = is_failing or "decimal(" in when
        if when:
            ways.append({"when": when, "next": action.get_target(condition.target)})
    last = action.get_failure(otherwise)
    body: dict[str, Any] = {"choose": [*ways, {"next": last}]} if ways else {"next": last}
    if is_failing:
        body["error"] = last  # a value that is no number matches nothing
    action.add_state(body)


def write_condition(action: ActionImport, value: str, condition: ConnectCondition) -> str:
    """The condition as an expression; nothing where there is none for it."""
    operator = condition.operator
    if operator in _NUMBER_OPERATORS:
        numbers = [each for each in condition.operands if NUMBER.fullmatch(each.strip())]
        if len(numbers) == len(condition.operands) == 1:
            number = numbers[0].strip()
            decimal = number if "." in number else f"{number}.0"
            return f"decimal({value}) {_NUMBER_OPERATORS[operator]} {decimal}"
        action.note_change("a comparison with what is no number is left out")
        return ""
    operands = [action.write_operand(each) for each in condition.operands]
    if not operands:
        action.note_change("a condition without a value is left out")
        return ""
    if operator in _TEXT_OPERATORS:
        return " || ".join(f"{value}.{_TEXT_OPERATORS[operator]}({each})" for each in operands)
    if operator != "Equals":
        action.note_change(f'a condition "{operator[:40]}" is left out')
        return ""
    return " || ".join(f"{value} == {each}" for each in operands)


def import_loop(action: ActionImport) -> None:
    """Count the rounds, and begin at 0 again when they are done."""
    text = get_text(action.action.parameters, "LoopCount")
    reference = parse_reference(text)
    if reference:
        limit = f"integer({action.get_expression(reference)})"
    else:
        limit = str(get_number(action.action.parameters, "LoopCount", 1, 0, 100))
    count = action.flow.declare_number(f"rounds_of_{action.state}")
    ways = {operand: each.target for each in action.action.conditions for operand in each.operands}
    done = action.get_target(ways.get("DoneLooping") or action.action.next)
    ended = action.add_state({"set": {count: 0}, "next": done}, "done")
    again = action.get_target(ways.get("ContinueLooping") or action.action.next)
    choices = [{"when": f"vars.{count} <= {limit}", "next": again}, {"next": ended}]
    body = {"set": {count: f"${{vars.{count} + 1}}"}, "choose": choices}
    action.add_state(body | ({"error": done} if reference else {}))


def import_wait(action: ActionImport) -> None:
    """A wait is silence, as long as a caller stands it."""
    ways = {operand: each.target for each in action.action.conditions for operand in each.operands}
    seconds = get_number(action.action.parameters, "TimeLimitSeconds", 0, 0, 1_000_000)
    if not seconds or seconds > _MAX_WAIT_SECONDS:
        action.note_change(f"the wait lasts {min(seconds, _MAX_WAIT_SECONDS)} s here")
    if "CustomerReturned" in ways:
        action.add_remark("a caller who is on the phone cannot return")
    left, pauses = min(seconds, _MAX_WAIT_SECONDS), []
    while left > 0:
        pauses.append({"pause": f"{min(left, _MAX_PAUSE_SECONDS)}s"})
        left -= _MAX_PAUSE_SECONDS
    target = action.get_target(ways.get("WaitCompleted") or action.action.next)
    action.add_state(({"say": pauses} if pauses else {}) | {"next": target})


def import_shares(action: ActionImport) -> None:
    """DistributeByPercentage: its conditions are limits that grow up to 100."""
    shares: list[dict[str, str]] = []
    before = 0
    for condition in action.action.conditions:
        limit = get_number({"": "".join(condition.operands[:1])}, "", 0, 0, 100)
        if limit > before:
            target = action.get_target(condition.target)
            shares.append({"share": f"{limit - before}%", "next": target})
        before = max(before, limit)
    last = action.get_failure("NoMatchingCondition")
    if shares and before < 100:
        shares.append({"next": last})
    elif shares:
        shares[-1].pop("share")
    if len(shares) < 2:
        action.note_change("it has no shares that can be told apart")
        action.add_state({"next": shares[0]["next"] if shares else last})
        return
    action.add_state({"split": shares})


def import_disconnect(action: ActionImport) -> None:
    action.add_state({"hangup": None})


def import_flow_end(action: ActionImport) -> None:
    action.add_remark("the call ends here, as nothing follows")
    action.add_state({"hangup": None})


def import_module_end(action: ActionImport) -> None:
    action.add_state({"return": DONE})


def import_repeated_messages(action: ActionImport) -> None:
    """Messages for those who wait: a call that is parked hears them over and over."""
    prompts = []
    for each in get_list(action.action.parameters, "Messages"):
        prompt = build_prompt(action, get_mapping({"": each}, ""))
        prompts += prompt if isinstance(prompt, list) else [prompt] if prompt is not None else []
    action.note_change("callers hear it in a parked call; words for a queue belong under its wait:")
    if action.action.next:
        action.note_change("nothing interrupts it: what follows there is not reached from here")
    action.add_state({"park": {"hold": prompts} if prompts else {}})
