"""Expressions of ECMAScript, as far as the language has the same."""

import json
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from flowengine.importers.templates import write_literal

_SCRIPT_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>[0-9]{1,15}(?:\.[0-9]{1,9})?(?![\w.]))"
    r"|(?P<text>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<name>[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)*)"
    r"|(?P<sign>===|!==|==|!=|<=|>=|&&|\|\||\+\+|--|[-+*/%<>!?:()]))"
)
_BINDING: Final = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, ">": 4, "<=": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6,
}  # fmt: skip
_TEXT_METHODS: Final = {"toLowerCase": "lower", "toUpperCase": "upper", "toString": "text"}
_MAX_SCRIPT: Final = 500
_MAX_BRACKETS: Final = 20
NUMBER_KIND: Final = "number"
TEXT_KIND: Final = "text"
TRUTH_KIND: Final = "truth"
_ESCAPE: Final = re.compile(r"\\(.)")


class ScriptError(Exception):
    """An expression that nothing stands for, and why."""


class ScriptValue(NamedTuple):
    """An expression of the language, and the kind of its value."""

    code: str
    kind: str

    def to_text(self) -> str:
        """The value as a text."""
        return self.code if self.kind == TEXT_KIND else f"text({self.code})"

    def to_number(self) -> str:
        """The value as a whole number; an empty text is 0."""
        if self.kind == NUMBER_KIND:
            return self.code
        if self.kind == TRUTH_KIND:
            return f"({self.code} ? 1 : 0)"
        return f'integer({self.code} == "" ? "0" : {self.code})'

    def to_decimal(self) -> str:
        """The value as a decimal, to compare with."""
        if self.kind == NUMBER_KIND and re.fullmatch(r"[0-9]+(\.[0-9]+)?", self.code):
            return self.code if "." in self.code else f"{self.code}.0"
        return f"decimal({self.code})"

    def to_condition(self) -> str:
        """Whether the value counts as true."""
        if self.kind == TRUTH_KIND:
            return self.code
        if self.kind == NUMBER_KIND:
            return f"{self.code} != 0"
        return f'!({self.code} in ["", "false"])'


class ScriptReader:
    """Reads one expression; `resolve` gives the value of a name."""

    def __init__(self, source: str, resolve: Callable[[str], ScriptValue]) -> None:
        self._tokens = read_script_tokens(source)
        self._place = 0
        self._brackets = 0
        self._resolve = resolve

    def read(self) -> ScriptValue:
        """The whole expression. Raises ScriptError."""
        value = self._read_choice()
        if self._peek():
            raise ScriptError(f'"{self._peek()[:20]}" is not understood there')
        return value

    def _peek(self) -> str:
        return self._tokens[self._place][1] if self._place < len(self._tokens) else ""

    def _is_sign(self, *signs: str) -> bool:
        if self._place >= len(self._tokens):
            return False
        kind, text = self._tokens[self._place]
        return kind == "sign" and text in signs

    def _expect(self, sign: str) -> None:
        if not self._is_sign(sign):
            raise ScriptError(f'there is no "{sign}"')
        self._place += 1

    def _read_choice(self) -> ScriptValue:
        self._brackets += 1
        if self._brackets > _MAX_BRACKETS:
            raise ScriptError("it is nested too deep")
        value = self._read_binary(1)
        if self._is_sign("?"):
            self._place += 1
            one = self._read_choice()
            self._expect(":")
            other = self._read_choice()
            if one.kind != other.kind:
                one = ScriptValue(one.to_text(), TEXT_KIND)
                other = ScriptValue(other.to_text(), TEXT_KIND)
            value = ScriptValue(f"({value.to_condition()} ? {one.code} : {other.code})", one.kind)
        self._brackets -= 1
        return value

    def _read_binary(self, least: int) -> ScriptValue:
        left = self._read_single()
        while self._place < len(self._tokens) and self._tokens[self._place][0] == "sign":
            sign = {"===": "==", "!==": "!="}.get(self._peek(), self._peek())
            binding = _BINDING.get(sign, 0)
            if binding < least:
                break
            self._place += 1
            left = combine(sign, left, self._read_binary(binding + 1))
        return left

    def _read_single(self) -> ScriptValue:
        if self._place >= len(self._tokens):
            raise ScriptError("a value is missing")
        kind, text = self._tokens[self._place]
        self._place += 1
        if kind == "number":
            return ScriptValue(text, NUMBER_KIND)
        if kind == "text":
            return ScriptValue(write_literal(_ESCAPE.sub(r"\1", text[1:-1])), TEXT_KIND)
        if kind == "name":
            return self._read_name(text)
        if text in ("!", "-"):
            self._brackets += 1
            if self._brackets > _MAX_BRACKETS:
                raise ScriptError("it is nested too deep")
            inner = self._read_single()
            self._brackets -= 1
            if text == "!":
                return ScriptValue(f"!({inner.to_condition()})", TRUTH_KIND)
            return ScriptValue(f"-({inner.to_number()})", NUMBER_KIND)
        if text == "(":
            value = self._read_choice()
            self._expect(")")
            return ScriptValue(f"({value.code})", value.kind)
        raise ScriptError(f'"{text}" is not understood there')

    def _read_name(self, name: str) -> ScriptValue:
        if name in ("true", "false"):
            return ScriptValue(write_literal(name), TEXT_KIND)
        if name in ("undefined", "null"):
            return ScriptValue('""', TEXT_KIND)
        if self._is_sign("("):
            return self._read_call(name)
        owner, _, member = name.rpartition(".")
        if owner and member == "length":
            return ScriptValue(f"{self._resolve(owner).to_text()}.size()", NUMBER_KIND)
        return self._resolve(name)

    def _read_call(self, name: str) -> ScriptValue:
        self._expect("(")
        owner, _, method = name.rpartition(".")
        if owner and method in _TEXT_METHODS and self._is_sign(")"):
            self._expect(")")
            value = self._resolve(owner)
            return ScriptValue(f"{_TEXT_METHODS[method]}({value.to_text()})", TEXT_KIND)
        if name in ("parseInt", "Number", "String"):
            value = self._read_choice()
            self._expect(")")
            if name == "String":
                return ScriptValue(value.to_text(), TEXT_KIND)
            return ScriptValue(value.to_number(), NUMBER_KIND)
        raise ScriptError(f"nothing stands for {name[:40]}()")


def read_script_tokens(source: str) -> list[tuple[str, str]]:
    """All tokens of an expression. Raises ScriptError."""
    source = source.strip().removesuffix(";").strip()
    if not source:
        raise ScriptError("it is empty")
    if len(source) > _MAX_SCRIPT:
        raise ScriptError("it is too long")
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(source):
        found = _SCRIPT_TOKEN.match(source, at)
        if not found or not found.lastgroup:
            raise ScriptError(f'"{source[at : at + 20]}" is not understood')
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    return tokens


def combine(sign: str, left: ScriptValue, right: ScriptValue) -> ScriptValue:
    """Two values and what stands between them."""
    if sign in ("&&", "||"):
        code = f"({left.to_condition()}) {sign} ({right.to_condition()})"
        return ScriptValue(code, TRUTH_KIND)
    if sign in ("==", "!="):
        is_alike = left.kind == right.kind and not is_decimal(left) and not is_decimal(right)
        one, other = (
            (left.code, right.code) if is_alike else (write_equal(left), write_equal(right))
        )
        return ScriptValue(f"{one} {sign} {other}", TRUTH_KIND)
    if sign in ("<", ">", "<=", ">="):
        return compare_order(sign, left, right)
    if sign == "+" and TEXT_KIND in (left.kind, right.kind):
        return ScriptValue(f"{left.to_text()} + {right.to_text()}", TEXT_KIND)
    if is_decimal(left) or is_decimal(right):
        raise ScriptError("sums of decimals are not converted")
    return ScriptValue(f"{left.to_number()} {sign} {right.to_number()}", NUMBER_KIND)


def compare_order(sign: str, left: ScriptValue, right: ScriptValue) -> ScriptValue:
    is_whole = left.kind == right.kind == NUMBER_KIND
    if is_whole and not is_decimal(left) and not is_decimal(right):
        return ScriptValue(f"{left.code} {sign} {right.code}", TRUTH_KIND)
    return ScriptValue(f"{left.to_decimal()} {sign} {right.to_decimal()}", TRUTH_KIND)


def write_equal(value: ScriptValue) -> str:
    """A value as a text, to compare with a text."""
    if value.kind == NUMBER_KIND and re.fullmatch(r"[0-9.]+", value.code):
        return json.dumps(value.code)
    return value.to_text()


def is_decimal(value: ScriptValue) -> bool:
    return value.kind == NUMBER_KIND and re.fullmatch(r"[0-9]+\.[0-9]+", value.code) is not None
