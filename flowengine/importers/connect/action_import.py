"""One action on its way into states: names, variables, ways on, and what the report says of it."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from flowengine.importers.connect.flow_document import ConnectAction, ConnectFlow
from flowengine.importers.connect.references import (
    ANSWER_ROOT,
    REFERENCE,
    ConnectReference,
    iterate_references,
    parse_reference,
    to_reference,
)
from flowengine.importers.flow_parts import TEXT_LENGTH, ConstructImport, FlowParts
from flowengine.importers.project_draft import ProjectDraft
from flowengine.importers.templates import escape_template, write_literal
from flowengine.importers.unique_names import MAX_FLOW_NAME_LENGTH, UniqueNames, to_name

FUNCTION_TYPE: Final = "InvokeLambdaFunction"


@dataclass
class FlowLink:
    """A state that uses a module, or goes over to another flow, and the action that it comes from."""

    action: "ActionImport"
    target: str
    state: str
    is_module: bool


@dataclass
class ProjectImport:
    """The project that all flows of an import share."""

    draft: ProjectDraft
    flow_names: UniqueNames = field(default_factory=lambda: UniqueNames("-", MAX_FLOW_NAME_LENGTH))
    service_names: UniqueNames = field(default_factory=UniqueNames)
    group_names: UniqueNames = field(default_factory=UniqueNames)
    calendar_names: UniqueNames = field(default_factory=UniqueNames)
    flows: "list[FlowImport]" = field(default_factory=list)
    links: list[FlowLink] = field(default_factory=list)

    def find_flow(self, reference: str, label: str) -> "FlowImport | None":
        """The imported flow that a transfer means, by its title, its file or its id."""
        parts = [label, *re.split(r"[^A-Za-z0-9_ -]+", reference)]
        wanted = {to_name(each, "") for each in parts if each}
        for flow in self.flows:
            if wanted & {to_name(flow.source.title, ""), to_name(flow.source.stem, "")} - {""}:
                return flow
        return None


@dataclass(kw_only=True)
class FlowImport(FlowParts):
    """One flow on its way."""

    project: ProjectImport
    source: ConnectFlow
    read: set[ConnectReference] = field(default_factory=set)
    written: set[ConnectReference] = field(default_factory=set)
    groups: list[str] = field(default_factory=list)

    @cached_property
    def references(self) -> dict[str, set[ConnectReference]]:
        """What each action reads, by its identifier."""
        return {
            name: set(iterate_references(action.parameters))
            | {each for way in action.conditions for each in iterate_references([*way.operands])}
            for name, action in self.source.actions.items()
        }

    def has_reference(self, reference: ConnectReference) -> bool:
        """Whether any action reads this value."""
        return any(reference in found for found in self.references.values())

    def has_action(self, type_: str) -> bool:
        """Whether the flow has an action of this type."""
        return self.count_actions(type_) > 0

    def count_actions(self, type_: str) -> int:
        """How many actions of this type the flow has."""
        return sum(action.type == type_ for action in self.source.actions.values())

    def list_answers_read_after(self, identifier: str) -> list[ConnectReference]:
        """What is read of the answer of a function, until the next function answers."""
        found: set[ConnectReference] = set()
        seen: set[str] = set()
        waiting = self.source.actions[identifier].list_targets()
        while waiting:
            name = waiting.pop()
            action = self.source.actions.get(name)
            if action is None or name in seen:
                continue
            seen.add(name)
            found |= {
                each
                for each in self.references[name]
                if each.root == ANSWER_ROOT and len(each.parts) > 1
            }
            if action.type != FUNCTION_TYPE:
                waiting += action.list_targets()
        return sorted(found, key=lambda each: each.parts)

    def get_state_name(self, identifier: str) -> str:
        """The state in which an action begins; the end of the flow where there is no such one."""
        action = self.source.actions.get(identifier)
        if action is None:
            return self.get_end_state()
        wanted = identifier if action.is_named else action.type
        return self.state_names.get_name(identifier, wanted, "state")

    def get_variable(self, reference: ConnectReference, length: int = TEXT_LENGTH) -> str:
        """The variable of a reference, declared with room for so much text."""
        return self.declare_text(".".join(reference.parts), reference.wanted_name, length)


@dataclass(kw_only=True)
class ActionImport(ConstructImport):
    """One action on its way."""

    action: ConnectAction
    flow: FlowImport

    def get_target(self, identifier: str) -> str:
        """The state of another action."""
        return self.flow.get_state_name(identifier)

    def get_next(self) -> str:
        """Where the call goes when the action is done."""
        return self.get_target(self.action.next or self.action.get_error("NoMatchingError"))

    def get_failure(self, *types: str) -> str:
        """Where it goes after the first of these errors, and after any other one."""
        known = self.action.get_error(*types, "NoMatchingError", "NoMatchingCondition")
        return self.get_target(known or self.action.next)

    def add_next_and_error(self, body: dict[str, Any]) -> dict[str, Any]:
        """The body with `next`, and with `error` where that leads elsewhere."""
        body["next"] = self.get_next()
        return self.add_error(body)

    def add_error(self, body: dict[str, Any]) -> dict[str, Any]:
        failed = self.action.get_error("NoMatchingError")
        if failed and self.get_target(failed) != body.get("next"):
            body["error"] = self.get_target(failed)
        return body

    def get_expression(self, reference: ConnectReference, length: int = TEXT_LENGTH) -> str:
        """The name that has the value, in an expression."""
        if reference.system_name:
            return reference.system_name
        self.flow.read.add(reference)
        if not reference.is_set_by_flows:
            where = ".".join(reference.parts)[:80]
            self.note_change(f"nothing gives $.{where} a value here: its variable stays empty")
        return f"vars.{self.flow.get_variable(reference, length)}"

    def write_template(self, text: str, length: int = TEXT_LENGTH) -> str:
        """A text with `${…}` in place of references."""
        parts, end = [], 0
        for found in REFERENCE.finditer(text):
            parts.append(escape_template(text[end : found.start()]))
            parts.append(f"${{{self.get_expression(to_reference(found[0]), length)}}}")
            end = found.end()
        written = "".join([*parts, escape_template(text[end:])])
        if "{{" not in written:
            return written
        self.add_remark("fill in what stands in brackets: a deployment puts a value there")
        return written.replace("{{", "(").replace("}}", ")")

    def write_operand(self, text: str) -> str:
        """A value to compare with, in an expression."""
        reference = parse_reference(text)
        return self.get_expression(reference) if reference else write_literal(text)

    def set_variable(self, reference: ConnectReference, value: str) -> tuple[str, str]:
        """A variable and its new value, as `set` has them."""
        self.flow.written.add(reference)
        length = len(value) + TEXT_LENGTH * sum(1 for _ in iterate_references(value))
        length = TEXT_LENGTH if parse_reference(value) else length
        return self.flow.get_variable(reference, length), self.write_template(value)
