"""One widget on its way into states: variables, texts, and ways on."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from flowengine.importers.flow_parts import TEXT_LENGTH, ConstructImport, FlowParts
from flowengine.importers.project_draft import ProjectDraft
from flowengine.importers.studio.liquid_text import LiquidText, iterate_references
from flowengine.importers.studio.liquid_values import LiquidReader
from flowengine.importers.studio.references import (
    ANSWER_FIELDS,
    INPUT_FIELDS,
    StudioReference,
)
from flowengine.importers.studio.studio_flow import StudioFlow, StudioWidget
from flowengine.importers.templates import SPOKEN_LENGTH
from flowengine.importers.unique_names import MAX_FLOW_NAME_LENGTH, UniqueNames

GATHER_TYPE: Final = "gather-input-on-call"
VARIABLES_TYPE: Final = "set-variables"
_TYPES_OF_RESULTS: Final = {
    "RecordingUrl": ("record-voicemail",),
    "DialCallStatus": ("connect-call-to",),
}
ADDRESS_LENGTH: Final = 256


@dataclass
class SubflowUse:
    """A state that uses another flow, and the widget that it comes from."""

    widget: "WidgetImport"
    target: str


@dataclass
class StudioProject:
    """The project that all flows of an import share."""

    draft: ProjectDraft
    flow_names: UniqueNames = field(default_factory=lambda: UniqueNames("-", MAX_FLOW_NAME_LENGTH))
    service_names: UniqueNames = field(default_factory=UniqueNames)
    group_names: UniqueNames = field(default_factory=UniqueNames)
    flows: "list[StudioFlowImport]" = field(default_factory=list)
    uses: list[SubflowUse] = field(default_factory=list)


@dataclass(kw_only=True)
class StudioFlowImport(FlowParts):
    """One flow on its way."""

    project: StudioProject
    source: StudioFlow
    locale: str = ""
    voice: str = ""
    has_languages: bool = False
    inputs: set[str] = field(default_factory=set)

    @cached_property
    def references(self) -> set[StudioReference]:
        """What any widget reads."""
        return {
            each
            for widget in self.source.widgets.values()
            for text in list_texts([widget.properties, widget.ways])
            for each in iterate_references(text)
        }

    def list_results_read(self, widget: str) -> list[StudioReference]:
        """What is read anywhere of the result of a widget."""
        found = (each for each in self.references if each.widget == widget)
        return sorted(found, key=lambda each: each.parts)

    def is_result_read(self, widget: str, name: str) -> bool:
        """Whether this field of the result of a widget is read anywhere."""
        return any(each.parts[2] == name for each in self.list_results_read(widget))

    def get_state_name(self, name: str) -> str:
        """The state in which a widget begins; the end of the flow where there is no such one."""
        widget = self.source.widgets.get(name)
        if widget is None:
            return self.get_end_state()
        if widget is self.source.trigger:
            return self.get_start_state()
        return self.state_names.get_name(name, name, "state")

    def get_start_state(self) -> str:
        """Where an incoming call begins."""
        trigger = self.source.trigger
        first = trigger.get_next("incomingCall", "incomingParent")
        return self.get_end_state() if first == trigger.name else self.get_state_name(first)

    def get_variable(self, reference: StudioReference, length: int = TEXT_LENGTH) -> str:
        """The variable of a reference, with room for so much text."""
        widget = self.source.widgets.get(reference.widget)
        if widget and widget.type == GATHER_TYPE and reference.parts[2] in INPUT_FIELDS:
            return self.get_input_variable(widget.name, length)
        if widget and widget.type == VARIABLES_TYPE:
            name = reference.parts[-1]
            reference = StudioReference(("flow", "variables", name))
        name = self.declare_text(".".join(reference.parts), reference.wanted_name, length)
        if reference.is_input and name not in self.inputs:
            self.inputs.add(name)
            self.draft.head.setdefault("inputs", []).append(name)
            self.draft.variables[name].setdefault("default", "")
        return name

    def swap_call_parties(self, name: str) -> str:
        """The name of the other side, where the system places all calls: it is the caller then."""
        trigger = self.source.trigger
        if trigger.has_transition("incomingCall") or not trigger.has_transition("incomingRequest"):
            return name
        return {"call.from": "call.to", "call.to": "call.from"}.get(name, name)

    def get_input_variable(self, widget: str, length: int = TEXT_LENGTH) -> str:
        """The variable for what callers key in or say to a widget."""
        return self.declare_text(f"widgets.{widget}.input", f"{widget}_input", length)

    def has_value(self, reference: StudioReference) -> bool:
        """Whether something that is imported gives it a value."""
        if reference.is_variable or reference.is_input:
            return True
        widget = self.source.widgets.get(reference.widget)
        if widget is None:
            return False
        first = reference.parts[2]
        if first in ANSWER_FIELDS:
            return widget.type in ("make-http-request", "run-function", "run-function-v2")
        if first in INPUT_FIELDS:
            return widget.type == GATHER_TYPE
        return widget.type in (VARIABLES_TYPE, *_TYPES_OF_RESULTS.get(first, ()))


def list_texts(value: Any) -> list[str]:
    """All texts in a value, at whatever depth; of tuples and lists alike."""
    found: list[str] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            found.append(each)
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
        elif isinstance(each, msgspec.Struct):
            waiting += astuple(each)
    return found


@dataclass(kw_only=True)
class WidgetImport(ConstructImport):
    """One widget on its way."""

    widget: StudioWidget
    flow: StudioFlowImport

    def get_target(self, *events: str) -> str:
        """The state after the first of these events that leads on; else the end of the flow."""
        return self.flow.get_state_name(self.widget.get_next(*events))

    def read_text(self, key: str) -> str:
        """The text under a key; a number or a truth value as text; else nothing."""
        value = self.widget.properties.get(key)
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, str | int | float) else ""

    def read_number(self, default: int, low: int, high: int, *keys: str) -> int:
        """The whole number under the first of these keys, within these bounds."""
        for key in keys:
            text = self.read_text(key).strip()
            if text:
                digits = text.split(".")[0]
                if digits.isdecimal() and len(digits) < 10:
                    return min(max(int(digits), low), high)
                self.note_change(f"{key} is no whole number: it is {default} here")
        return default

    def get_expression(self, reference: StudioReference, length: int = TEXT_LENGTH) -> str:
        """The name that has the value, in an expression for a text."""
        if reference.system_name:
            return self.flow.swap_call_parties(reference.system_name)
        if not self.flow.has_value(reference):
            where = ".".join(reference.parts)[:80]
            self.note_change(f"nothing gives {where} a value here: its variable stays empty")
        return f"vars.{self.flow.get_variable(reference, length)}"

    def write_template(self, text: str, length: int = TEXT_LENGTH) -> str:
        """A text with `${…}` in place of Liquid."""
        liquid = self._begin_liquid(length)
        written = liquid.to_template(text)
        for each in liquid.losses:
            self.note_change(each)
        return written

    def write_spoken(self, text: str) -> str:
        """The same for words on one line."""
        return self.write_template(" ".join(text.split()), SPOKEN_LENGTH)

    def write_expression(self, text: str) -> str:
        """A text with Liquid as an expression for a text."""
        liquid = self._begin_liquid(TEXT_LENGTH)
        written = liquid.to_expression(text)
        for each in liquid.losses:
            self.note_change(each)
        return written

    def build_value(self, value: Any) -> Any:
        """A value of a body, with templates in its texts."""
        if isinstance(value, str):
            return self.write_template(value)
        if isinstance(value, dict):
            return {key: self.build_value(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.build_value(each) for each in value]
        return value

    def _begin_liquid(self, length: int) -> LiquidText:
        return LiquidText(LiquidReader(lambda reference: self.get_expression(reference, length)))
