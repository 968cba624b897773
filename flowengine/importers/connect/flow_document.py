"""The exported flow: its actions with their parameters and ways on, whatever else stands there."""

from typing import Any, Final

import msgspec

from flowengine.importers.source_json import (
    ImportSourceError,
    clean_value,
    get_list,
    get_mapping,
    get_text,
    read_json,
)
from flowengine.importers.unique_names import get_file_stem

MAX_CONNECT_ACTIONS: Final = 2_000
_OLD_FORM: Final = (
    'it is in the form that Connect wrote before 2020, with "modules": open the flow in Connect, '
    "save it, and export it again"
)


class ConnectCondition(msgspec.Struct, frozen=True):
    """A way on that is taken when the result compares so with these values."""

    operator: str
    operands: tuple[str, ...]
    target: str


class ConnectAction(msgspec.Struct, frozen=True):
    """One action. `labels` are the names that people gave to what its parameters point at."""

    identifier: str
    type: str
    path: str
    parameters: dict[str, Any]
    next: str
    conditions: tuple[ConnectCondition, ...]
    errors: dict[str, str]
    labels: dict[str, str]
    is_named: bool

    def get_error(self, *types: str) -> str:
        """The action after the first of these errors that has one; nothing without any."""
        return next((self.errors[each] for each in types if self.errors.get(each)), "")

    def list_targets(self) -> list[str]:
        """Each action that may be next."""
        targets = [self.next, *(each.target for each in self.conditions), *self.errors.values()]
        return [each for each in targets if each]


class ConnectFlow(msgspec.Struct, frozen=True):
    """A flow with its actions by identifier; `slips` are what had to be left out."""

    file: str
    title: str
    start: str
    actions: dict[str, ConnectAction]
    slips: list[tuple[str, str, str]] = msgspec.field(default_factory=list)

    @property
    def stem(self) -> str:
        """The name of the file without its folder and its ending."""
        return get_file_stem(self.file)

    @property
    def is_module(self) -> bool:
        """Whether other flows use it, and it goes back to them."""
        return any(each.type == "EndFlowModuleExecution" for each in self.actions.values())


def read_connect_flow(content: bytes, file: str) -> ConnectFlow:
    """The flow in a file. Raises ImportSourceError."""
    data = unwrap_content(read_json(content))
    if isinstance(data, dict) and isinstance(data.get("modules"), list):
        raise ImportSourceError(_OLD_FORM)
    actions = get_list(data, "Actions")
    if not actions:
        raise ImportSourceError('it is no flow of Connect: it has no list "Actions"')
    if len(actions) > MAX_CONNECT_ACTIONS:
        message = f"it has {len(actions):,} actions; at most {MAX_CONNECT_ACTIONS:,} are read"
        raise ImportSourceError(message)
    metadata = get_mapping(data, "Metadata")
    described = get_mapping(metadata, "ActionMetadata")
    flow = ConnectFlow(file, get_text(metadata, "name")[:120], get_text(data, "StartAction"), {})
    for index, raw in enumerate(actions):
        path = f"$.Actions[{index}]"
        identifier = get_text(raw, "Identifier")
        if not identifier:
            flow.slips.append((path, get_text(raw, "Type"), "it has no identifier"))
        elif identifier in flow.actions:
            reason = f'another action is called "{identifier[:50]}", too'
            flow.slips.append((path, get_text(raw, "Type"), reason))
        else:
            flow.actions[identifier] = read_action(raw, path, get_mapping(described, identifier))
    if flow.start not in flow.actions:
        raise ImportSourceError('"StartAction" names none of its actions')
    return flow


def unwrap_content(data: Any) -> Any:
    """The flow itself, where the file is the answer of an API that has it as a text."""
    outer = get_mapping(data, "ContactFlow") or get_mapping(data, "ContactFlowModule") or data
    content = outer.get("Content") if isinstance(outer, dict) else None
    if isinstance(content, str):
        return read_json(content.encode())
    return clean_value(content) if isinstance(content, dict) else data


def read_action(raw: dict[str, Any], path: str, metadata: dict[str, Any]) -> ConnectAction:
    transitions = get_mapping(raw, "Transitions")
    identifier = get_text(raw, "Identifier")
    return ConnectAction(
        identifier=identifier,
        type=get_text(raw, "Type")[:80] or "(no type)",
        path=path,
        parameters=get_mapping(raw, "Parameters"),
        next=get_text(transitions, "NextAction"),
        conditions=tuple(read_condition(each) for each in get_list(transitions, "Conditions")),
        errors={
            get_text(each, "ErrorType"): get_text(each, "NextAction")
            for each in get_list(transitions, "Errors")
        },
        labels=read_labels(metadata),
        is_named=not looks_generated(identifier),
    )


def read_condition(raw: Any) -> ConnectCondition:
    condition = get_mapping(raw, "Condition")
    operands = get_list(condition, "Operands")
    return ConnectCondition(
        get_text(condition, "Operator"),
        tuple(get_text({"": each}, "") for each in operands),
        get_text(raw, "NextAction"),
    )


def read_labels(metadata: dict[str, Any]) -> dict[str, str]:
    """The names by parameter, and under "" the first one that stands anywhere."""
    labels = {
        key: get_text(each, "displayName")
        for key, each in get_mapping(metadata, "parameters").items()
        if get_text(each, "displayName")
    }
    named = [get_text(each, "text") for each in metadata.values() if isinstance(each, dict)]
    first = next((each for each in [*named, *labels.values()] if each), "")
    return labels | ({"": first} if first else {})


def looks_generated(identifier: str) -> bool:
    """Whether a machine has made the identifier, such as 2965d0c9-ebe7-4f80-9911-baad0a6d5f9b."""
    parts = identifier.split("-")
    return len(parts) >= 5 and all(
        part and all(each in "0123456789abcdefABCDEF" for each in part) for part in parts
    )
