"""What may be written at a cursor."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from lsprotocol.types import CompletionItem, CompletionItemKind, Range, TextEdit
from msgspec import inspect

from flowengine.compile.expression_names import CALL_FACTS, CLOCK_NAMES, EVENT_NAMES
from flowengine.expr import Type
from flowengine.expr.functions import FUNCTIONS
from flowengine.lsp.cursor import TextCursor
from flowengine.lsp.describe import describe_variable, to_markdown
from flowengine.lsp.file_model import Form, find_forms, find_keys, list_key_forms
from flowengine.lsp.project_view import ProjectView
from flowengine.source import KeyPath
from flowengine.states.field_types import SPECIAL_TARGETS
from flowengine.states.queue_plan import POSITION_NAME, WAIT_NAME
from flowengine.svaml.locales import LOCALES

_EXPRESSION_WORD: Final = re.compile(r"[\w.]*$")
_FACTS: Final = {**CALL_FACTS, **EVENT_NAMES, **CLOCK_NAMES}
_FACTS_BY_WORDS: Final[Mapping[tuple[str, ...], Mapping[str, Type]]] = {
    ("queue", "wait", "say"): {POSITION_NAME: Type.INTEGER},
    ("queue", "wait", "estimate"): {POSITION_NAME: Type.INTEGER, WAIT_NAME: Type.TEXT},
}
_LOOKUP_NAMES: Final = ("body", "status")
_PREFIXES: Final = {"vars": "variable", "hours": "calendar", "tables": "table", "secrets": "secret"}
_CALENDAR_FIELDS: Final = {
    "open": "Whether it is open now.",
    "next_open": "When it opens next, in words.",
}
_KEYS_OF_STATE: Final = 3  # `states`, the name of a state, one of its keys


class Completer(msgspec.Struct, frozen=True):
    """Completes at one cursor. `text_range` is the word before it; `has_colon` says that a colon
    follows.
    """

    view: ProjectView
    cursor: TextCursor
    place: Range
    has_colon: bool = False

    def complete(self) -> list[CompletionItem]:
        """All that fits, in the order of the language."""
        forms = find_forms(self.view.kind, self.cursor.path)
        if self.cursor.expression is not None:
            return list(self._complete_expression(self.cursor.expression))
        if not self.cursor.is_key and any(form.names == "expression" for form in forms):
            return list(self._complete_expression(self.cursor.word.lstrip("\"'")))
        found = list(self._complete_fixed_keys()) if self.cursor.is_key else []
        for form in forms:
            if self.cursor.is_key:
                found += self._complete_named_keys(form)
            if not self.cursor.siblings or not self.cursor.is_key:
                found += self._complete_values(form)
        return list({item.label: item for item in reversed(found)}.values())[::-1]

    def _complete_fixed_keys(self) -> Iterator[CompletionItem]:
        for key in find_keys(self.view.kind, self.cursor.path):
            if key.name not in self.cursor.siblings:
                yield self._build_item(
                    key.name,
                    CompletionItemKind.Property,
                    detail="needed" if key.is_required else "",
                    documentation=key.description,
                    text=self._format_key(key.name),
                    order="0" if key.is_required else "1",
                )

    def _complete_named_keys(self, form: Form) -> Iterator[CompletionItem]:
        for names in {one.names for one in list_key_forms(form) if not one.is_definition}:
            for name, detail in self._list_named(names, self.cursor.path):
                if name not in self.cursor.siblings:
                    yield self._build_item(
                        name, CompletionItemKind.Variable, detail, text=self._format_key(name)
                    )

    def _format_key(self, name: str) -> str:
        return name if self.has_colon else f"{name}: "

    def _complete_values(self, form: Form) -> Iterator[CompletionItem]:
        if isinstance(form.type, inspect.LiteralType):
            for value in form.type.values:
                yield self._build_item(str(value), CompletionItemKind.EnumMember)
        if isinstance(form.type, inspect.BoolType):
            for word in ("true", "false"):
                yield self._build_item(word, CompletionItemKind.Value)
        if isinstance(form.type, inspect.StrType) and not form.is_definition:
            for name, detail in self._list_named(form.names, self.cursor.path[:-1]):
                yield self._build_item(name, CompletionItemKind.Reference, detail)

    def _list_named(self, names: str, around: KeyPath) -> Iterator[tuple[str, str]]:
        """The names of a kind that may stand here, each with what it is."""
        if names == "locale":
            used = self.view.get_own_data().get("locale")
            ordered = dict.fromkeys([*([used] if isinstance(used, str) else []), *LOCALES])
            yield from ((locale, "locale") for locale in ordered)
            return
        if not names or names == "expression":
            return
        flow = self.view.get_own_flow()
        if names.endswith(" of the subflow"):
            names, flow = names.removesuffix(" of the subflow"), self._find_subflow(around)
        kind = "state" if names == "state of a flow" else names
        for name, value in self.view.list_names(kind, flow).items():
            yield name, describe_variable(value) if kind == "variable" else kind
        if names == "state" and {"options", "keys"} & set(self.cursor.path):
            yield from ((name, "what a key can do") for name in SPECIAL_TARGETS)

    def _find_subflow(self, around: KeyPath) -> str:
        """The subflow that the state at a path uses."""
        value: Any = self.view.get_own_data()
        for step in around[:_KEYS_OF_STATE]:
            value = value.get(step) if isinstance(value, dict) else None
        flow = value.get("flow") if isinstance(value, dict) else None
        return flow if isinstance(flow, str) else ""

    def _complete_expression(self, text: str) -> Iterator[CompletionItem]:
        found = _EXPRESSION_WORD.search(text)
        *outer, _ = (found[0] if found else "").split(".")
        match outer:
            case []:
                yield from self._list_beginnings()
            case [prefix] if prefix in _PREFIXES:
                kind = _PREFIXES[prefix]
                for name, value in self.view.list_names(kind, self.view.get_own_flow()).items():
                    detail = describe_variable(value) if kind == "variable" else kind
                    yield self._build_item(name, CompletionItemKind.Variable, detail)
            case ["hours", _]:
                for name, meaning in _CALENDAR_FIELDS.items():
                    yield self._build_item(name, CompletionItemKind.Field, documentation=meaning)
            case ["tables", table]:
                yield from self._list_columns(table)
            case [prefix]:
                for fact, type_ in self._list_facts().items():
                    if fact.startswith(f"{prefix}."):
                        name = fact.removeprefix(f"{prefix}.")
                        yield self._build_item(name, CompletionItemKind.Field, str(type_))

    def _list_beginnings(self) -> Iterator[CompletionItem]:
        facts = self._list_facts()
        prefixes = dict.fromkeys([*_PREFIXES, *(fact.partition(".")[0] for fact in facts)])
        for prefix in prefixes:
            yield self._build_item(prefix, CompletionItemKind.Module, text=f"{prefix}.", order="0")
        if "into" in self.cursor.path:
            for name in _LOOKUP_NAMES:
                yield self._build_item(name, CompletionItemKind.Field, "of the answer", order="0")
        for function in FUNCTIONS.values():
            yield self._build_item(
                function.name,
                CompletionItemKind.Function,
                function.signature,
                f"{function.meaning}\n\n`{function.example}`",
                text=f"{function.name}(",
                order="1",
            )

    def _list_facts(self) -> Mapping[str, Type]:
        """What may be read here of calls, events and queues."""
        words = self.cursor.path[_KEYS_OF_STATE - 1 :]
        known = _FACTS_BY_WORDS.get(tuple(map(str, words[:3])), {})
        return {**known, **_FACTS}

    def _list_columns(self, table: str) -> Iterator[CompletionItem]:
        value = self.view.list_names("table", "").get(table)
        rows = value.get("rows") if isinstance(value, dict) else None
        first = next(iter(rows.values()), None) if isinstance(rows, dict) else None
        for column in first if isinstance(first, dict) else ():
            yield self._build_item(column, CompletionItemKind.Method, "column", text=f"{column}(")
        yield self._build_item(
            "has", CompletionItemKind.Method, "whether a row is there", text="has("
        )

    def _build_item(
        self,
        label: str,
        kind: CompletionItemKind,
        detail: str = "",
        documentation: str = "",
        text: str = "",
        order: str = "",
    ) -> CompletionItem:
        return CompletionItem(
            label,
            kind=kind,
            detail=detail or None,
            documentation=to_markdown(documentation) if documentation else None,
            text_edit=TextEdit(self.place, text or label),
            sort_text=f"{order}{label}" if order else None,
        )
