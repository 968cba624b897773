"""The exported flow: its widgets with their properties and ways on, whatever else stands there."""

from typing import Any, Final

import msgspec

from flowengine.importers.source_json import (
    ImportSourceError,
    get_list,
    get_mapping,
    get_text,
    read_json,
)
from flowengine.importers.unique_names import get_file_stem

MAX_STUDIO_WIDGETS: Final = 2_000


class StudioCondition(msgspec.Struct, frozen=True):
    """A comparison of a value with another one."""

    type: str
    subject: str
    value: str


class StudioTransition(msgspec.Struct, frozen=True):
    """A way on: the event that it follows, the conditions, and the next widget, if there is one."""

    event: str
    next: str
    conditions: tuple[StudioCondition, ...]


class StudioWidget(msgspec.Struct, frozen=True):
    """One widget."""

    name: str
    type: str
    path: str
    properties: dict[str, Any]
    ways: tuple[StudioTransition, ...]

    def has_transition(self, event: str) -> bool:
        """Whether something follows this event."""
        return bool(self.get_next(event))

    def get_next(self, *events: str) -> str:
        """The widget after the first of these events that has one; nothing without any."""
        found = (way.next for event in events for way in self.ways if way.event == event)
        return next((each for each in found if each), "")

    def list_targets(self) -> list[str]:
        """Each widget that may be next."""
        return [way.next for way in self.ways if way.next]


class StudioFlow(msgspec.Struct, frozen=True):
    """A flow with its widgets by name; `slips` are what had to be left out."""

    file: str
    title: str
    sid: str
    widgets: dict[str, StudioWidget]
    trigger: StudioWidget
    slips: list[tuple[str, str, str]] = msgspec.field(default_factory=list)

    @property
    def stem(self) -> str:
        """The name of the file without its folder and its ending."""
        return get_file_stem(self.file)


def read_studio_flow(content: bytes, file: str) -> StudioFlow:
    """The flow in a file. Raises ImportSourceError."""
    outer = read_json(content)
    data, root = unwrap_definition(outer)
    states = get_list(data, "states")
    if not states:
        raise ImportSourceError('it is no flow of Studio: it has no list "states"')
    if len(states) > MAX_STUDIO_WIDGETS:
        message = f"it has {len(states):,} widgets; at most {MAX_STUDIO_WIDGETS:,} are read"
        raise ImportSourceError(message)
    widgets: dict[str, StudioWidget] = {}
    slips: list[tuple[str, str, str]] = []
    for index, raw in enumerate(states):
        path = f"{root}.states[{index}]"
        name = get_text(raw, "name")
        if not name:
            slips.append((path, get_text(raw, "type")[:80], "it has no name"))
        elif name in widgets:
            reason = f'another widget is called "{name[:50]}", too'
            slips.append((path, get_text(raw, "type")[:80], reason))
        else:
            widgets[name] = read_widget(raw, path)
    trigger = find_trigger(widgets, get_text(data, "initial_state"))
    if trigger is None:
        raise ImportSourceError('it is no flow of Studio: it has no widget of the type "trigger"')
    for each in [each for each in widgets.values() if each.type == "trigger"]:
        if each is not trigger:
            slips.append((each.path, each.type, "the flow begins at another trigger"))
            del widgets[each.name]
    title = get_text(outer, "friendly_name") or get_text(outer, "friendlyName")
    return StudioFlow(file, title[:120], get_text(outer, "sid"), widgets, trigger, slips)


def unwrap_definition(data: Any) -> tuple[Any, str]:
    """The flow itself and its place, where the file is the answer of the API, which has more."""
    definition = data.get("definition") if isinstance(data, dict) else None
    if isinstance(definition, str):
        return read_json(definition.encode()), "$"
    return (definition, "$.definition") if isinstance(definition, dict) else (data, "$")


def find_trigger(widgets: dict[str, StudioWidget], initial: str) -> StudioWidget | None:
    named = widgets.get(initial)
    if named and named.type == "trigger":
        return named
    return next((each for each in widgets.values() if each.type == "trigger"), None)


def read_widget(raw: dict[str, Any], path: str) -> StudioWidget:
    return StudioWidget(
        name=get_text(raw, "name"),
        type=get_text(raw, "type")[:80] or "(no type)",
        path=path,
        properties=get_mapping(raw, "properties"),
        ways=tuple(read_transition(each) for each in get_list(raw, "transitions")),
    )


def read_transition(raw: Any) -> StudioTransition:
    conditions = tuple(read_condition(each) for each in get_list(raw, "conditions"))
    return StudioTransition(get_text(raw, "event"), get_text(raw, "next"), conditions)


def read_condition(raw: Any) -> StudioCondition:
    subjects = get_list(raw, "arguments")
    subject = get_text({"": subjects[0]}, "") if subjects else ""
    return StudioCondition(get_text(raw, "type"), subject, get_text(raw, "value"))
