"""States that only lead on to another one, which are folded into that one."""

from typing import Any

from flowengine.importers.import_report import Conversion
from flowengine.importers.project_draft import StateDraft
from flowengine.importers.voicexml.document_import import DocumentImport, StateName


def fold_aliases(document: DocumentImport) -> None:
    """Have what leads to a state without content lead to the state behind it. Its elements are told
    there. A state that has lost something stays, as its comment says where.
    """
    states = document.draft.states
    behind = {name: resolve_alias(states, name) for name in states}
    renamed = choose_names(states, behind)
    names = {name: renamed.get(found, found) for name, found in behind.items()}
    folded: dict[str, StateDraft] = {}
    for name, state in states.items():
        if behind[name] == name:
            state.body = replace_names(state.body, names)
            folded[str(names[name])] = state
    for name, state in states.items():
        if behind[name] != name:
            others = [*([state.entry] if state.entry else []), *state.others]
            folded[str(names[name])].others += others
    states.clear()
    states |= folded
    document.draft.head = replace_names(document.draft.head, names)
    document.draft.start = str(names.get(document.draft.start, document.draft.start))
    known = {old: names.get(new, new) for old, new in document.renamed.items()}
    document.renamed = known | {old: new for old, new in names.items() if old != new}


def resolve_alias(states: dict[str, StateDraft], name: str) -> str:
    """The state with content that a state leads to; itself where it is no alias."""
    seen: set[str] = set()
    found = name
    while is_alias(states, found):
        if found in seen:  # states that lead to each other for ever
            return name
        seen.add(found)
        found = states[found].body["next"]
    return found


def is_alias(states: dict[str, StateDraft], name: str) -> bool:
    state = states[name]
    is_whole = state.entry is None or state.entry.conversion is Conversion.CONVERTED
    return is_whole and state.body.keys() == {"next"} and state.body["next"] in states


def choose_names(states: dict[str, StateDraft], behind: dict[str, str]) -> dict[str, str]:
    """The states whose name was made up, and the name of their source that leads to them; of
    several, the nearest.
    """
    renamed: dict[str, str] = {}
    for name in sorted(behind, key=lambda each: states[each].body.get("next") != behind[each]):
        found = behind[name]
        if name == found or not is_named(states[name]) or is_named(states[found]):
            continue
        if isinstance(found, StateName):
            renamed.setdefault(found, name)
    return renamed


def is_named(state: StateDraft) -> bool:
    """Whether the source has a name for what a state comes from."""
    return bool(state.entry and state.entry.identifier)


def replace_names(value: Any, names: dict[str, str]) -> Any:
    """The value with other names of states; texts that look like one stay."""
    if isinstance(value, StateName):
        return str(names.get(value, value))
    if isinstance(value, dict):
        return {key: replace_names(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [replace_names(each, names) for each in value]
    return value
