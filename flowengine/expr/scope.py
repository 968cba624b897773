"""The names that an expression may use, and the compiler from its text to something that runs."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from math import isfinite
from typing import Any, Final

from flowengine.expr.bounds import MAX_EXPRESSION, MAX_LOOPS, MAX_REPLACES
from flowengine.expr.call_locale import CALL_LOCALE, add_call_locale
from flowengine.expr.cel import CelCompileError, CelProgram, Environment
from flowengine.expr.cel_errors import translate_cel_error
from flowengine.expr.header_names import EVENT_HEADERS, default_missing_headers, fold_header_names
from flowengine.expr.literals import check_literals
from flowengine.expr.map_order import order_maps
from flowengine.expr.tables import build_table_overloads
from flowengine.expr.template import EscapeMode, Template, compile_template
from flowengine.expr.type_names import format_type
from flowengine.expr.types import (
    COLLECTIONS,
    PYTHON_TYPES,
    EvalError,
    Evaluator,
    ExprError,
    Expression,
    LookupTable,
    Type,
    Values,
)
from flowengine.expr.value_domains import (
    Domains,
    check_choices,
    check_domains,
    find_literal_results,
    needs_tree,
)
from flowengine.problems import abbreviate, in_cure

_FORBIDDEN_CHARACTER: Final = re.compile(
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
        tables: Mapping[str, LookupTable] | None = None,
        wider: "Scope | None" = None,
        domains: Domains | None = None,
    ) -> None:
        self.names = dict(names)
        self.tables = dict(tables or {})
        self.parent = wider
        self.domains = domains or {}
        self._expressions: dict[str, Expression] = {}
        self._templates: dict[tuple[str, EscapeMode], Template] = {}

    def extend(self, extra: Mapping[str, Type]) -> "Scope":
        # from the widest scope, so that environments are shared and not nested
        return (self.parent or self).narrow({**self.names, **extra}, self.domains)

    def narrow(self, names: Mapping[str, Type], domains: Domains | None = None) -> "Scope":
        """A scope of these names only, with the same tables and value domains. An expression whose
        names mean the same here and in the wider scope is compiled there, as an environment of CEL
        takes twenty times as long to build as an expression to compile.
        """
        return Scope(names, self.tables, self, domains)

    def compile_condition(self, text: str) -> Expression:
        """An expression that is true or false."""
        made = self.compile_expression(text)
        # ANY, as in `body.ok`, is checked in the call
        if made.type not in {Type.BOOLEAN, Type.ANY}:
            raise ExprError(
                f"this is {format_type(made.type)}, not a condition",
                _find_text_start(text),
                _suggest_condition(made),
                "FE303",
                len(text.strip()),
            )
        return _convert_result(made, Type.BOOLEAN)

    def compile_expression(self, text: str, expects: Type | None = None) -> Expression:
        """An expression of this type, or of any. An integer counts as a decimal; a value of type
        ANY is checked in the call.
        """
        made = self._expressions.get(text)
        if made is None:
            made = self._compile_bare_name(text) or self._compile_text(text)
            self._expressions[text] = made
        if expects in {None, Type.ANY, made.type}:
            return made
        if made.type is Type.ANY or (made.type, expects) == (Type.INTEGER, Type.DECIMAL):
            return _convert_result(made, Type(expects or made.type))
        raise ExprError(
            f"this is {format_type(made.type)}; {format_type(str(expects))} is needed",
            _find_text_start(text),
            _suggest_conversion(text, made.type, expects),
            "FE302",
            len(text.strip()),
        )

    def compile_single_value(self, text: str, expects: Type) -> Expression:
        """An expression of whatever type, whose value is later converted to the type that is
        needed: of a list or a group of values, nothing can be made.
        """
        made = self.compile_expression(text)
        return self.compile_expression(text, expects) if made.type in COLLECTIONS else made

    def check_results(self, text: str, name: str, choices: Sequence[str]) -> None:
        """Raises ExprError where this expression says of itself that it yields none of the choices
        of the variable `name`, which it is for.
        """
        compiled = self._compile_in_parent(text) or self.environment.compile(text)
        check_choices(compiled.to_tree(), name, choices, self.domains, self._list_results)

    def list_literal_results(self, text: str) -> list[tuple[str, int]]:
        """The texts, with their places, that stand in this expression and become its value."""
        compiled = self._compile_in_parent(text) or self.environment.compile(text)
        return list(find_literal_results(compiled.to_tree()))

    def compile_template(self, text: str, mode: EscapeMode = EscapeMode.PLAIN) -> Template:
        known = self._templates.get((text, mode))
        if known is None:
            known = self._templates[text, mode] = compile_template(
                text, mode, lambda piece: self.compile_single_value(piece, Type.TEXT)
            )
        return known

    @cached_property
    def environment(self) -> Environment:
        return Environment(self.names, self.functions)

    @cached_property
    def functions(self) -> tuple[Any, ...]:
        return self.parent.functions if self.parent else tuple(build_table_overloads(self.tables))

    def _compile_bare_name(self, text: str) -> Expression | None:
        """Compile an expression that is one name, as most in prompts are. CEL would convert its
        value twice, which takes two microseconds.
        """
        name = text.strip()
        kind = self.names.get(name)
        if kind is None or not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            return None
        return Expression(text, kind, frozenset({name}), _make_name_reader(name, kind))

    def _compile_text(self, text: str) -> Expression:
        # before CEL reads it, so that the messages are ours and no NUL ends the text unseen
        _check_limits(text)
        try:
            compiled = self._compile_in_parent(text) or self.environment.compile(text)
        except CelCompileError as refused:
            raise translate_cel_error(
                refused, text, self.names, {overload.name for overload in self.functions}
            ) from None
        if compiled.type is None:
            raise ExprError(
                f"{format_type(compiled.result)} is not something a flow can hold",
                _find_text_start(text),
                "write string(…) around it",
                "FE302",
                len(text.strip()),
            )
        self._check_certain_failures(text, compiled)
        # the author's own text: what comes below rewrites it
        check_literals(text)
        meant = text
        if EVENT_HEADERS in compiled.names:
            meant = default_missing_headers(fold_header_names(text, compiled.to_tree()))
        if CALL_LOCALE in self.names:
            meant = add_call_locale(meant)
        # last, as the other rewrites may put calls around a loop
        meant = order_maps(meant)
        if meant != text:
            said = self._compile_in_parent(meant) or self.environment.compile(meant)
            return Expression(text, compiled.type, said.names, said.run)
        return Expression(text, compiled.type, compiled.names, compiled.run)

    def _compile_in_parent(self, text: str) -> CelProgram | None:
        """The expression as the wider scope compiles it, if every name in it is the same there."""
        if self.parent is None:
            return None
        try:
            compiled = self.parent.environment.compile(text)
        except CelCompileError:
            return None  # the words for what is wrong are those of this scope
        return (
            compiled
            if all(self.names.get(name) == self.parent.names[name] for name in compiled.names)
            else None
        )

    def _check_certain_failures(self, text: str, compiled: CelProgram) -> None:
        """Raise ExprError for what fails in every call: an expression without names that has no
        value, an invalid pattern.
        """
        if not compiled.names:
            _check_runs(compiled, _find_text_start(text))
        elif needs_tree(text, compiled.names, self.domains):
            check_domains(compiled.to_tree(), self.domains, self._find_failure, self._list_results)
        for found in _PATTERN.finditer(text):
            _check_runs(
                (self.parent or self).environment.compile(f"''.matches({found[1]})"), found.start(1)
            )

    def _find_failure(self, text: str, values: Values) -> str | None:
        try:
            return (self._compile_in_parent(text) or self.environment.compile(text)).find_failure(
                values
            )
        except CelCompileError:
            return None  # nothing is known of it

    def _list_results(self, text: str, values: Iterable[Values]) -> list[Any]:
        """The results of a part of an expression, without those of failures."""
        try:
            compiled = self._compile_in_parent(text) or self.environment.compile(text)
        except CelCompileError:
            return []
        found = []
        for each in values:
            with suppress(EvalError):
                found.append(compiled.run(each))
        return found


def _check_runs(compiled: CelProgram, offset: int) -> None:
    try:
        compiled.run({})
    except EvalError as error:
        raise ExprError(f"this always fails: {error.message}", offset, "", "FE310") from None


def _check_limits(text: str) -> None:
    if strange := _FORBIDDEN_CHARACTER.search(text):
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


def _make_name_reader(name: str, kind: Type) -> Evaluator:
    expected = PYTHON_TYPES.get(kind)

    def read(values: Values) -> Any:
        try:
            value = values[name]
        except KeyError:
            raise EvalError(f"{name} has no value here") from None
        return (
            value
            if expected is None or value.__class__ is expected
            else _convert_value(value, kind, name)
        )

    return read


def _convert_result(made: Expression, kind: Type) -> Expression:
    if made.type is kind:
        return made
    evaluate, expected = made.evaluate, PYTHON_TYPES[kind]

    def evaluate_converted(values: Values) -> Any:
        value = evaluate(values)
        return value if value.__class__ is expected else _convert_value(value, kind, made.text)

    return Expression(made.text, kind, made.names, evaluate_converted)


def _convert_value(value: Any, kind: Type, what: str) -> Any:
    """The value in the type that is needed. JSON does not tell 3 from 3.0, so an integer may become
    a decimal; nothing else is converted.
    """
    if kind is Type.DECIMAL and value.__class__ is int:
        return float(value)
    if kind is Type.INTEGER and value.__class__ is float and isfinite(value) and value.is_integer():
        return int(value)
    raise EvalError(f"{what} is not {format_type(kind)}: {abbreviate(str(value), 40)!r}")


def _find_text_start(text: str) -> int:
    return len(text) - len(text.lstrip())


def _suggest_condition(made: Expression) -> str:
    if made.type is Type.LIST:
        return f"ask for its size, for example size({in_cure(made.text.strip())}) > 0"
    example = {Type.TEXT: ' == "…"', Type.INTEGER: " > 0", Type.DECIMAL: " > 0.0"}.get(
        made.type, ""
    )
    return f"compare it, for example {in_cure(made.text.strip())}{example}"


def _suggest_conversion(text: str, made: Type, expects: Type | None) -> str:
    if made in COLLECTIONS:
        return _suggest_single_value(in_cure(text.strip()), made, expects)
    converter = {Type.TEXT: "text", Type.INTEGER: "integer", Type.DECIMAL: "decimal"}.get(
        Type(expects or Type.ANY)
    )
    return (
        f"write {converter}({in_cure(text.strip())})"
        if converter
        else 'compare it with something, such as == "yes"'
    )


def _suggest_single_value(text: str, made: Type, expects: Type | None) -> str:
    if made is Type.MAP:
        return "name the part of it that you mean"
    if expects is Type.TEXT:
        return f"write list_words({text}) to say all of it, or ({text})[0] for its first item"
    if expects is Type.INTEGER:
        return f"write size({text}) to count it, or ({text})[0] for its first item"
    return f"write ({text})[0] for its first item"
