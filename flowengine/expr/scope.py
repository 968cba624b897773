"""What an expression may name, and the way from text to something that runs."""

import re
from collections.abc import Mapping
from functools import cached_property
from math import isfinite
from typing import Any, Final

from flowengine.expr.bounds import MAX_EXPRESSION, MAX_LOOPS, MAX_REPLACES
from flowengine.expr.cel import Compiled, Environment, Refused
from flowengine.expr.domains import Domains, check_domains, needs_tree
from flowengine.expr.headers import HEADERS, default_missing_headers, fold_header_names
from flowengine.expr.literals import check_literals
from flowengine.expr.localised import LOCALE, localised
from flowengine.expr.ordered import order_maps
from flowengine.expr.tables import overloads
from flowengine.expr.template import Mode, Template, template
from flowengine.expr.types import (
    PYTHON,
    EvalError,
    Evaluate,
    ExprError,
    Expression,
    Table,
    Type,
    Values,
)
from flowengine.expr.wording import type_words, worded
from flowengine.problems import abbreviate, in_cure

_STRANGE: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]"
)  # CEL ends a text at a NUL, and takes no halves of characters
_LOOP: Final = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(")
_REPLACE: Final = re.compile(r"\.\s*(?:replace|join|format)\s*\(")
_PATTERN: Final = re.compile(
    r"""matches\s*\(\s*(?:[^()"',]*,\s*)?([rR]?"(?:\\.|[^"\\])*"|[rR]?'(?:\\.|[^'\\])*')\s*\)"""
)


class Scope:
    """Declared names (`vars.account`) with their types, and tables."""

    def __init__(
        self,
        names: Mapping[str, Type],
        tables: Mapping[str, Table] | None = None,
        wider: "Scope | None" = None,
        domains: Domains | None = None,
    ) -> None:
        self.names = dict(names)
        self.tables = dict(tables or {})
        self.wider = wider
        self.domains = domains or {}

    def extended(self, extra: Mapping[str, Type]) -> "Scope":
        return (self.wider or self).narrowed({**self.names, **extra}, self.domains)

    def narrowed(self, names: Mapping[str, Type], domains: Domains | None = None) -> "Scope":
        """These names only, with the same tables, and what they can hold. What is meant alike here
        and in the wider scope is compiled there.

        An environment of CEL takes twenty times as long to build as an expression to compile.
        """
        return Scope(names, self.tables, self, domains)

    def condition(self, text: str) -> Expression:
        """An expression that is true or false."""
        made = self.expression(text)
        if made.type not in {Type.BOOLEAN, Type.ANY}:
            raise ExprError(
                f"this is {type_words(made.type)}, not a condition",
                _first(text),
                _condition_hint(made),
                "FE303",
            )
        return _narrowed(made, Type.BOOLEAN)

    def expression(self, text: str, expects: Type | None = None) -> Expression:
        """An expression of the type asked for, or any. An integer is welcome as a decimal; a value
        of type ANY is checked in the call.
        """
        made = self._bare_name(text) or self._compiled(text)
        if expects in {None, Type.ANY, made.type}:
            return made
        if made.type is Type.ANY or (made.type, expects) == (Type.INTEGER, Type.DECIMAL):
            return _narrowed(made, Type(expects or made.type))
        raise ExprError(
            f"this is {type_words(made.type)}; {type_words(str(expects))} is needed",
            _first(text),
            _conversion(text, expects),
            "FE302",
        )

    def template(self, text: str, mode: Mode = Mode.PLAIN) -> Template:
        return template(text, mode, self.expression)

    @cached_property
    def environment(self) -> Environment:
        return Environment(self.names, self.functions)

    @cached_property
    def functions(self) -> tuple[Any, ...]:
        return self.wider.functions if self.wider else tuple(overloads(self.tables))

    def _bare_name(self, text: str) -> Expression | None:
        """Most expressions in prompts are one name. CEL would convert its value twice, for two
        microseconds.
        """
        name = text.strip()
        kind = self.names.get(name)
        if kind is None or not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            return None
        return Expression(text, kind, frozenset({name}), _reader(name, kind))

    def _compiled(self, text: str) -> Expression:
        _bounded(text)
        try:
            compiled = self._alike(text) or self.environment.compile(text)
        except Refused as refused:
            raise worded(
                refused, text, self.names, {overload.name for overload in self.functions}
            ) from None
        if compiled.type is None:
            raise ExprError(
                f"{type_words(compiled.result)} is not something a flow can hold",
                _first(text),
                "write string(…) around it",
                "FE302",
            )
        self._tried(text, compiled)
        check_literals(text)
        meant = text
        if HEADERS in compiled.names:
            meant = default_missing_headers(fold_header_names(text, compiled.tree()))
        if LOCALE in self.names:
            meant = localised(meant)
        meant = order_maps(meant)
        if meant != text:
            said = self._alike(meant) or self.environment.compile(meant)
            return Expression(text, compiled.type, said.names, said.run)
        return Expression(text, compiled.type, compiled.names, compiled.run)

    def _alike(self, text: str) -> Compiled | None:
        """The expression as the wider scope compiles it, if every name in it is the same here."""
        if self.wider is None:
            return None
        try:
            compiled = self.wider.environment.compile(text)
        except Refused:
            return None  # the words for what is wrong are those of this scope
        return (
            compiled
            if all(self.names.get(name) == self.wider.names[name] for name in compiled.names)
            else None
        )

    def _tried(self, text: str, compiled: Compiled) -> None:
        """What can only fail is a mistake now, not in a call: an expression without names, a
        pattern that is none.
        """
        if not compiled.names:
            _tried(compiled, _first(text))
        elif needs_tree(text, compiled.names, self.domains):
            check_domains(compiled.tree(), self.domains, self._failure)
        for found in _PATTERN.finditer(text):
            _tried(
                (self.wider or self).environment.compile(f"''.matches({found[1]})"), found.start(1)
            )

    def _failure(self, text: str, values: Values) -> str | None:
        try:
            return (self._alike(text) or self.environment.compile(text)).failure(values)
        except Refused:
            return None  # nothing is known of it


def _tried(compiled: Compiled, offset: int) -> None:
    try:
        compiled.run({})
    except EvalError as error:
        raise ExprError(f"this always fails: {error.message}", offset, "", "FE310") from None


def _bounded(text: str) -> None:
    if strange := _STRANGE.search(text):
        raise ExprError(
            "an invisible character stands here",
            strange.start(),
            "delete it and write the expression anew",
        )
    if len(text) > MAX_EXPRESSION:
        raise ExprError(
            f"an expression of {len(text)} characters; {MAX_EXPRESSION} is the limit",
            0,
            "use a table, or several states",
            "FE308",
        )
    if len(_LOOP.findall(text)) > MAX_LOOPS:
        raise ExprError(
            f"more than {MAX_LOOPS} of map, filter, all and exists in one expression",
            0,
            "work the list out in several steps",
            "FE308",
        )
    if len(_REPLACE.findall(text)) > MAX_REPLACES:
        raise ExprError(
            f"more than {MAX_REPLACES} of replace, join and format in one expression",
            0,
            "digits(…) or spell(…) may do what you mean",
            "FE308",
        )
    if not text.strip():
        raise ExprError("the expression is empty", 0, "write a name, such as vars.name")


def _reader(name: str, kind: Type) -> Evaluate:
    expected = PYTHON.get(kind)

    def read(values: Values) -> Any:
        try:
            value = values[name]
        except KeyError:
            raise EvalError(f"{name} has no value here") from None
        return (
            value if expected is None or value.__class__ is expected else _fitted(value, kind, name)
        )

    return read


def _narrowed(made: Expression, kind: Type) -> Expression:
    if made.type is kind:
        return made
    evaluate, expected = made.evaluate, PYTHON[kind]

    def narrowed(values: Values) -> Any:
        value = evaluate(values)
        return value if value.__class__ is expected else _fitted(value, kind, made.text)

    return Expression(made.text, kind, made.names, narrowed)


def _fitted(value: Any, kind: Type, what: str) -> Any:
    """JSON does not tell 3 from 3.0; nothing else is guessed."""
    if kind is Type.DECIMAL and value.__class__ is int:
        return float(value)
    if kind is Type.INTEGER and value.__class__ is float and isfinite(value) and value.is_integer():
        return int(value)
    raise EvalError(f"{what} is not {type_words(kind)}: {abbreviate(str(value), 40)!r}")


def _first(text: str) -> int:
    return len(text) - len(text.lstrip())


def _condition_hint(made: Expression) -> str:
    example = {Type.TEXT: ' == "…"', Type.INTEGER: " > 0", Type.DECIMAL: " > 0.0"}.get(
        made.type, ""
    )
    return f"compare it, for example {in_cure(made.text.strip())}{example}"


def _conversion(text: str, expects: Type | None) -> str:
    converter = {Type.TEXT: "text", Type.INTEGER: "integer", Type.DECIMAL: "decimal"}.get(
        Type(expects or Type.ANY)
    )
    return (
        f"write {converter}({in_cure(text.strip())})"
        if converter
        else 'compare it with something, such as == "yes"'
    )
