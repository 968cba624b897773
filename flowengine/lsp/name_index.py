"""The names in a file: what each is the name of, where it stands, and whether it is defined there."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect
from msgspec.structs import replace

from flowengine.compile.checks.failed_states import find_compared_states
from flowengine.lsp.file_model import (
    Form,
    find_kind,
    list_key_forms,
    load_forms,
    step_into,
)
from flowengine.source import Document, KeyPath
from flowengine.source.value_offsets import map_offsets
from flowengine.states.field_types import SPECIAL_TARGETS

# the inside of `${…}` as it stands in the file, with one level of braces in it
INTERPOLATION = re.compile(r"(?<!\$)\$\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
NAME_IN_EXPRESSION = re.compile(
    r"(?<![\w.])(vars|hours|tables|secrets)\s*\.\s*([a-z][a-z0-9_]*)(?!\w)"
)
KINDS_BY_PREFIX = {"vars": "variable", "hours": "calendar", "tables": "table", "secrets": "secret"}
KINDS_OF_FLOW = frozenset({"state", "variable", "outcome"})
KINDS_OF_FILE_NAME = {"calendar": "calendar", "table": "table", "group": "group"}


class Symbol(msgspec.Struct, frozen=True):
    """Something with a name; `flow` is the one that it belongs to, empty for what all share."""

    kind: str
    name: str
    flow: str = ""


class NameUse(msgspec.Struct, frozen=True):
    """A name at a place: the offsets of its characters, and the path of the value or key. The name
    of a file has no characters in it, so its offsets are 0.
    """

    symbol: Symbol
    start: int
    end: int
    path: KeyPath
    is_definition: bool

    @property
    def is_file_name(self) -> bool:
        return self.end == 0


class NameScope(msgspec.Struct, frozen=True):
    """The flow that names at some place belong to, and the subflow that is used there."""

    flow: str
    subflow: str = ""


def list_names(document: Document) -> list[NameUse]:
    """All names in a file, in the order of its values; behind them the texts that are compared with
    the name of the failed state, where the flow has such a state.
    """
    kind = find_kind(document.file)
    flow = document.data.get("flow") if isinstance(document.data, dict) else None
    scope = NameScope(flow if isinstance(flow, str) and kind in ("flow", "scenario") else "")
    found = list(_NameReader(document).read(load_forms(kind), (), scope))
    if kind == "flow" and scope.flow:
        states = document.data.get("states")
        own_states = states if isinstance(states, dict) else {}
        found += [use for use in list_compared_states(document) if use.symbol.name in own_states]
    if kind in KINDS_OF_FILE_NAME:
        own = document.file.rpartition("/")[2].rsplit(".", 1)[0]
        found.append(NameUse(Symbol(KINDS_OF_FILE_NAME[kind], own), 0, 0, (), is_definition=True))
    return list(dict.fromkeys(found))


def list_compared_states(document: Document) -> Iterator[NameUse]:
    """The texts of a flow that are names of states, by what they are compared with: its own states,
    or those of a flow that is linked with it.
    """
    for path, offset, word in find_compared_states(document):
        start, end = document.values[path]
        value = document.get_value(path)
        if place := map_offsets(document.text[start:end], value, offset + 1, len(word)):
            symbol = Symbol("state", word, document.data["flow"])
            yield NameUse(symbol, start + place[0], start + place[1], path, is_definition=False)


def list_names_as_in_flow(document: Document, flow: str) -> Iterator[NameUse]:
    """All names in a file that flows share, its variables being those of one flow."""
    forms = load_forms(find_kind(document.file))
    return _NameReader(document).read(forms, (), NameScope(flow))


class _NameReader(msgspec.Struct, frozen=True):
    document: Document

    def read(self, forms: tuple[Form, ...], path: KeyPath, scope: NameScope) -> Iterator[NameUse]:
        value = self.document.get_value(path)
        if isinstance(value, dict):
            yield from self._read_mapping(value, forms, path, scope)
        elif isinstance(value, list):
            for index in range(len(value)):
                step = step_into(forms, index)
                yield from self.read(step, (*path, index), scope)
        elif isinstance(value, str):
            yield from self._read_text(value, forms, path, scope)

    def _read_mapping(
        self, value: dict[str, Any], forms: tuple[Form, ...], path: KeyPath, scope: NameScope
    ) -> Iterator[NameUse]:
        scope = replace(scope, subflow=_find_subflow(value, forms) or scope.subflow)
        key_forms = [form for each in forms for form in list_key_forms(each)]
        for key in value:
            inner = (*path, key)
            if inner in self.document.keys:
                start, end = self._trim_quotes(*self.document.keys[inner])
                for form in key_forms:
                    yield from _name_form(form, key, start, end, inner, scope)
            yield from self.read(step_into(forms, key), inner, scope)

    def _read_text(
        self, value: str, forms: tuple[Form, ...], path: KeyPath, scope: NameScope
    ) -> Iterator[NameUse]:
        if path not in self.document.values:
            return
        start, end = self._trim_quotes(*self.document.values[path])
        kinds = {form.names for form in forms}
        if "expression" in kinds:
            yield from self._read_expression(start, end, path, scope)
            return
        for found in INTERPOLATION.finditer(self.document.text, start, end):
            yield from self._read_expression(found.start(1), found.end(1), path, scope)
        if "${" not in value:
            for form in forms:
                yield from _name_form(form, value, start, end, path, scope)

    def _read_expression(
        self, start: int, end: int, path: KeyPath, scope: NameScope
    ) -> Iterator[NameUse]:
        for found in NAME_IN_EXPRESSION.finditer(self.document.text, start, end):
            kind = KINDS_BY_PREFIX[found[1]]
            if kind in KINDS_OF_FLOW and not scope.flow:
                continue
            owner = scope.flow if kind in KINDS_OF_FLOW else ""
            yield NameUse(Symbol(kind, found[2], owner), *found.span(2), path, is_definition=False)

    def _trim_quotes(self, start: int, end: int) -> tuple[int, int]:
        text = self.document.text
        quoted = end - start >= 2 and text[start] in "\"'" and text[end - 1] == text[start]
        return (start + 1, end - 1) if quoted else (start, end)


def _find_subflow(value: dict[str, Any], forms: tuple[Form, ...]) -> str:
    """The flow that a mapping leads to, where one of its keys names one."""
    for form in forms:
        if isinstance(form.type, inspect.StructType):
            for one in step_into((form,), "flow"):
                named = value.get("flow")
                if one.names == "flow" and not one.is_definition and isinstance(named, str):
                    return named
    return ""


def _name_form(
    form: Form, text: str, start: int, end: int, path: KeyPath, scope: NameScope
) -> Iterator[NameUse]:
    """The use of a name, where this form says that the text is one."""
    kind, flow = form.names, ""
    if kind in ("", "expression", "locale") or text in SPECIAL_TARGETS:
        return
    if kind == "state of a flow":
        kind, flow = "state", scope.flow
        if "." in text:
            flow, _, text = text.partition(".")
            yield NameUse(Symbol("flow", flow), start, start + len(flow), path, False)
            start = end - len(text)
    elif kind.endswith(" of the subflow"):
        kind, flow = kind.removesuffix(" of the subflow"), scope.subflow
    elif kind in KINDS_OF_FLOW:
        flow = scope.flow
    if kind in KINDS_OF_FLOW and not flow:
        return  # perhaps in each flow
    yield NameUse(Symbol(kind, text, flow), start, end, path, form.is_definition)
