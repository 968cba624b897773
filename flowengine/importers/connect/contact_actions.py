"""Actions that change what a call carries: attributes, voice, recording; and functions it asks."""

from typing import Any, Final

from flowengine.importers.connect.action_import import ActionImport
from flowengine.importers.connect.references import (
    CALLBACK_NUMBER,
    ConnectReference,
    parse_reference,
)
from flowengine.importers.flow_parts import ANSWER_SECONDS
from flowengine.importers.polly_voices import find_locale
from flowengine.importers.project_draft import ServiceDraft
from flowengine.importers.source_json import get_list, get_mapping, get_number, get_text
from flowengine.importers.templates import LANGUAGE

_CALLBACK: Final = ConnectReference(CALLBACK_NUMBER)


def import_attributes(action: ActionImport) -> None:
    parameters = action.action.parameters
    values: dict[str, str] = {}
    for key, value in get_mapping(parameters, "Attributes").items():
        name, template = action.set_variable(
            ConnectReference(("Attributes", *key.split("."))), get_text({"": value}, "")
        )
        values[name] = template
    for key, value in get_mapping(parameters, "FlowAttributes").items():
        name, template = action.set_variable(
            ConnectReference(("FlowAttributes", *key.split("."))), get_text(value, "Value")
        )
        values[name] = template
    if get_text(parameters, "TargetContact") not in ("", "Current"):
        action.note_change("the values go to this call, and to no related contact")
    action.add_state(action.add_next_and_error({"set": values} if values else {}))


def import_contact_data(action: ActionImport) -> None:
    """UpdateContactData: the language is the locale; the rest is of Connect alone."""
    parameters = action.action.parameters
    body: dict[str, Any] = {}
    for key in parameters:
        if key != "LanguageCode":
            action.note_loss(f"nothing stands for {key[:60]}")
    if language := get_text(parameters, "LanguageCode"):
        body = build_locale(action, language)
    action.add_state(action.add_next_and_error(body))


def build_locale(action: ActionImport, language: str) -> dict[str, Any]:
    """The locale of a state, where the text is one."""
    parts = language.split("-")
    if LANGUAGE.fullmatch(language):
        return {"locale": f"{parts[0].lower()}-{parts[1].upper()}"}
    action.note_change("the language is a value: choose the locale in states of your own")
    return {}


def import_voice(action: ActionImport) -> None:
    """The voice is that of the flow, and its language the locale from here on."""
    parameters = action.action.parameters
    name = get_text(parameters, "TextToSpeechVoice") or get_text(parameters, "VoiceId")
    locale = find_locale(name)
    if not locale:
        action.note_change(f'the voice "{name[:60]}" is not known: the voice of the flow goes on')
        action.add_state(action.add_next_and_error({}))
        return
    head = action.flow.draft.head
    if head.setdefault("voice", name) != name:
        action.note_change(
            f"the voice of the flow stays {head['voice']}: give this one at its prompts"
        )
    if action.flow.count_actions(action.action.type) == 1:
        head["locale"] = locale
        action.add_state(action.add_next_and_error({}))
    else:
        action.add_state(action.add_next_and_error({"locale": locale}))


def import_logging(action: ActionImport) -> None:
    action.add_remark("the journal records every call; see journal: in project.yaml")
    action.add_state(action.add_next_and_error({}))


def import_recording(action: ActionImport) -> None:
    """The call is recorded from here on, or no longer."""
    behavior = get_mapping(action.action.parameters, "RecordingBehavior")
    if get_mapping(action.action.parameters, "AnalyticsBehavior"):
        action.add_remark("nothing analyses the recording")
    if get_list(behavior, "RecordedParticipants"):
        action.note_change(
            "the whole call is recorded from here on, not only the talk with an agent"
        )
        action.flow.project.draft.records = True
        action.add_state(action.add_next_and_error({"record": {"notify": True}}))
    else:
        action.add_state(action.add_next_and_error({"record": "stop"}))


def import_callback_number(action: ActionImport) -> None:
    """The number is taken where it can be dialled."""
    text = get_text(action.action.parameters, "CallbackNumber")
    reference = parse_reference(text)
    value = action.write_operand(text)
    variable = action.flow.get_variable(_CALLBACK)
    action.flow.written.add(_CALLBACK)
    if reference is None:
        action.add_remark("the number stands in the flow")
    refused = action.get_failure("InvalidCallbackNumber", "CallbackNumberNotDialable")
    ways = [{"when": f'vars.{variable} != ""', "next": action.get_next()}, {"next": refused}]
    number = f"${{e164({value})}}"
    action.add_state({"set": {variable: number}, "choose": ways, "error": refused})


def import_function(action: ActionImport) -> None:
    """InvokeLambdaFunction: a request to a service that stands for the function."""
    parameters = action.action.parameters
    source = get_text(parameters, "LambdaFunctionARN")
    project = action.flow.project
    label = action.action.labels.get("LambdaFunctionARN", "") or get_function_name(source)
    service = project.service_names.get_name(source or action.state, label, "function")
    description = f"the function {source[:160] or '(not named)'}"
    project.draft.services.setdefault(service, ServiceDraft(description))
    seconds = get_number(parameters, "InvocationTimeLimitSeconds", 3, 1, 60)
    if seconds > ANSWER_SECONDS:
        action.add_remark(f"it waits {ANSWER_SECONDS} s at most, not {seconds} s")
    if get_text(parameters, "InvocationType").upper() == "ASYNCHRONOUS":
        action.note_change("the call waits for the answer of the function")
    action.add_remark(f"fill in the address of services.{service}")
    answers = action.flow.list_answers_read_after(action.action.identifier)
    action.flow.written.update(answers)
    if answers:
        named = ", ".join(".".join(each.parts[1:]) for each in answers)
        action.add_remark(f"it answers with a JSON object that has {named}"[:200])
    body: dict[str, Any] = {
        "service": service,
        "post": "/",
        "body": {
            key: build_value(action, value)
            for key, value in get_mapping(parameters, "LambdaInvocationAttributes").items()
        },
        "into": {action.flow.get_variable(each): each.to_body_expression() for each in answers},
        "timeout": f"{min(seconds, ANSWER_SECONDS)}s",
        "failed": action.get_failure(),
    }
    kept = {key: value for key, value in body.items() if value != {}}
    action.add_state({"fetch": kept, "next": action.get_next()})


def get_function_name(source: str) -> str:
    """The name in an address such as arn:aws:lambda:eu-west-1:1:function:name:alias."""
    parts = source.split(":")
    place = parts.index("function") + 1 if "function" in parts else len(parts) - 1
    return parts[min(place, len(parts) - 1)]


def build_value(action: ActionImport, value: Any) -> Any:
    """A value of a body, with templates in its texts."""
    if isinstance(value, str):
        return action.write_template(value)
    if isinstance(value, dict):
        return {key: build_value(action, each) for key, each in value.items()}
    if isinstance(value, list):
        return [build_value(action, each) for each in value]
    return value
