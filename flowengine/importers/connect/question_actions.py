"""Actions that ask: menus, stored input, and bots."""

from typing import Any, Final

from phonenumbers import country_code_for_region

from flowengine.importers.connect.action_import import ActionImport
from flowengine.importers.connect.prompts import build_question_prompt
from flowengine.importers.connect.references import (
    INTENT_NAME,
    STORED_INPUT,
    ConnectReference,
)
from flowengine.importers.flow_parts import INPUT_LENGTH
from flowengine.importers.source_json import get_mapping, get_number, get_text
from flowengine.importers.unique_names import to_name
from flowengine.states.connect_options import KEYS_OF_PHONES

_KEYS: Final = frozenset(KEYS_OF_PHONES)
_TIMEOUT_SECONDS: Final = 5
_STORED: Final = ConnectReference(STORED_INPUT)
_INTENT: Final = ConnectReference(INTENT_NAME)


def import_input(action: ActionImport) -> None:
    """GetParticipantInput: a collect where the input is stored, a bot, or a menu."""
    parameters = action.action.parameters
    if get_mapping(parameters, "LexV2Bot") or get_mapping(parameters, "LexBot"):
        import_bot(action)
    elif get_text(parameters, "StoreInput").lower() == "true":
        import_stored_input(action)
    else:
        import_menu(action)


def import_menu(action: ActionImport) -> None:
    options: dict[str | int, str] = {}
    for condition in action.action.conditions:
        for operand in condition.operands:
            if operand in _KEYS and len(operand) == 1:
                options.setdefault(to_key(operand), action.get_target(condition.target))
            else:
                action.note_change(f'the answer "{operand[:40]}" is no single key, and is left out')
    if not options:
        action.note_change("it compares no key: one key or word is taken as the stored input")
        import_stored_input(action)
        return
    body = {
        "prompt": build_question_prompt(action, action.action.parameters),
        "options": options,
        "attempts": 1,
        "timeout": get_timeout(action),
    }
    action.add_state(action.add_error({"menu": body | get_unanswered_targets(action)}))


def to_key(key: str) -> str | int:
    """A key as authors write it, digits without quotes."""
    return int(key) if key.isdecimal() else key


def get_timeout(action: ActionImport) -> str:
    name = "InputTimeLimitSeconds"
    return f"{get_number(action.action.parameters, name, _TIMEOUT_SECONDS, 1, 30)}s"


def get_unanswered_targets(action: ActionImport) -> dict[str, str]:
    """Where the call goes after silence and after a wrong key."""
    silence = action.get_failure("InputTimeLimitExceeded")
    wrong = action.get_failure("NoMatchingCondition")
    return ({"silent": silence} if silence != wrong else {}) | {"otherwise": wrong}


def import_stored_input(action: ActionImport) -> None:
    parameters = action.action.parameters
    validation = get_mapping(parameters, "InputValidation")
    phone = get_mapping(validation, "PhoneNumberValidation")
    custom = get_mapping(validation, "CustomValidation")
    length = get_number(custom, "MaximumLength", INPUT_LENGTH, 1, 60)
    report_unused_keys(action, get_mapping(parameters, "DTMFConfiguration"))
    variable = action.flow.get_variable(_STORED, max(length, INPUT_LENGTH))
    action.flow.written.add(_STORED)
    if get_mapping(parameters, "InputEncryption"):
        action.flow.draft.variables[variable]["secret"] = True
        action.note_change("the input is a secret here, and not encrypted with a key of yours")
    # Connect goes on after silence, and stores the word Timeout
    silence = action.action.get_error("InputTimeLimitExceeded")
    body: dict[str, Any] = {
        "collect": {
            "prompt": build_question_prompt(action, parameters),
            "into": variable,
            "digits": 1 if length == 1 else f"1-{length}",
            "attempts": 1,
            "timeout": get_timeout(action),
            "otherwise": action.get_target(silence)
            if silence
            else action.add_state(
                {"set": {variable: "Timeout"}, "next": action.get_next()}, "no_input"
            ),
        },
    }
    body["next"] = add_phone_check(action, phone, variable) if phone else action.get_next()
    action.add_state(action.add_error(body))


def report_unused_keys(action: ActionImport, settings: dict[str, Any]) -> None:
    """Only # ends an input on the platform, and no key cancels it."""
    terminator = get_text(settings, "InputTerminationSequence")
    if terminator not in ("", "#"):
        action.note_change(f'the input ends with # instead of "{terminator[:10]}"')
    if settings and get_text(settings, "DisableCancelKey").lower() != "true":
        action.add_remark("the key * does not clear what has been keyed in")


def add_phone_check(action: ActionImport, phone: dict[str, Any], variable: str) -> str:
    """A state that lets numbers pass which can be dialled, in the international form."""
    country = get_text(phone, "CountryCode").upper()
    prefix = country_code_for_region(country) if country else 0
    number = f'e164(vars.{variable}, "{prefix}")' if prefix else f'e164("+" + vars.{variable})'
    if not prefix:
        action.add_remark("callers key in the number with its country code, without +")
    refused = action.get_failure("InvalidPhoneNumber")
    ways = [{"when": f'{number} != ""', "next": action.get_next()}, {"next": refused}]
    return action.add_state({"choose": ways, "error": refused}, "check")


def import_bot(action: ActionImport) -> None:
    """ConnectParticipantWithLexBot: a menu by voice with the names of its intents, or free words."""
    action.note_change("no bot listens: callers say the name of an intent, or press its key")
    options: dict[str | int, Any] = {}
    keys = iter("1234567890")
    for condition in action.action.conditions:
        for operand in condition.operands:
            words = to_name(operand, " ")
            key = next(keys, "")
            if not words or not key:
                action.note_change(f'the intent "{operand[:60]}" is left out')
                continue
            target = action.get_target(condition.target)
            options[to_key(key)] = {
                "next": add_intent(action, operand, target, key),
                "hear": [words],
            }
    prompt = build_question_prompt(action, action.action.parameters)
    body: dict[str, Any] = {"prompt": prompt, "attempts": 1, **get_unanswered_targets(action)}
    if options:
        body["options"] = options
        action.add_state(action.add_error({"menu": body}))
        return
    action.flow.written.add(_INTENT)
    body |= {"into": action.flow.get_variable(_INTENT), "voice": True}
    action.add_state(action.add_next_and_error({"collect": body}))


def add_intent(action: ActionImport, intent: str, target: str, key: str) -> str:
    """A state that notes the intent, where the flow reads it."""
    if not action.flow.has_reference(_INTENT):
        return target
    variable, value = action.set_variable(_INTENT, intent)
    return action.add_state({"set": {variable: value}, "next": target}, f"key_{key}")
