"""What stands between `{{` and `}}` of Liquid, as an expression of the language."""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from flowengine.importers.studio.references import LIQUID_PATH, StudioReference, to_reference
from flowengine.importers.templates import write_literal

_LIQUID_TOKEN: Final = re.compile(
    rf"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<number>-?[0-9]{{1,15}}(?:\.[0-9]{{1,9}})?(?![\w.]))"
    rf"|(?P<path>{LIQUID_PATH.pattern})|(?P<sign>==|!=|<>|<=|>=|[<>|:,]))"
)
_NOW_FORMATS: Final = {
    "%H:%M": "now.time",
    "%R": "now.time",
    "%Y-%m-%d": "now.date",
    "%F": "now.date",
    "%A": "title(now.weekday)",
    "%a": "first(title(now.weekday), 3)",
    "%H": "first(now.time, 2)",
    "%M": "last(now.time, 2)",
    "%Y": "first(now.date, 4)",
    "%d": "last(now.date, 2)",
    "%m": "now.date.substring(5, 7)",
}
_SIMPLE_FILTERS: Final = {
    "downcase": "lower({0})",
    "upcase": "upper({0})",
    "capitalize": "title({0})",
    "strip": "trim({0})",
    "lstrip": "trim({0})",
    "rstrip": "trim({0})",
    "append": "{0} + {1}",
    "prepend": "{1} + {0}",
    "replace": "{0}.replace({1}, {2})",
    "remove": '{0}.replace({1}, "")',
    "default": '({0} == "" ? {1} : {0})',
    "size": "text({0}.size())",
}
_FILTERS_WITHOUT_EFFECT: Final = frozenset(("escape", "url_encode", "strip_newlines"))
_MAX_EXPRESSION: Final = 1_000
_SUMS: Final = {"plus": "+", "minus": "-", "times": "*"}


class LiquidError(Exception):
    """A piece of Liquid that nothing stands for, and why."""


class LiquidToken(NamedTuple):
    """A text, a number, a path or a sign."""

    kind: str
    text: str


def read_tokens(source: str) -> list[LiquidToken]:
    """All tokens. Raises LiquidError."""
    tokens: list[LiquidToken] = []
    at = 0
    source = source.strip()
    while at < len(source):
        found = _LIQUID_TOKEN.match(source, at)
        if not found or not found.lastgroup:
            raise LiquidError(f'"{source[at : at + 20]}" is not understood')
        text = found[found.lastgroup]
        tokens.append(LiquidToken(found.lastgroup, text))
        at = found.end()
    return tokens


class LiquidReader:
    """Turns values of Liquid into expressions; `resolve` names what a reference stands for."""

    def __init__(self, resolve: Callable[[StudioReference], str]) -> None:
        self._resolve = resolve
        self.assigned: dict[str, str] = {}

    def read_value(self, source: str) -> str:
        """A value with its filters, as an expression for a text. Raises LiquidError."""
        return self.read_filtered(read_tokens(source))

    def read_filtered(self, tokens: Sequence[LiquidToken]) -> str:
        if not tokens:
            raise LiquidError("nothing stands between the brackets")
        parts: list[list[LiquidToken]] = [[]]
        for token in tokens:
            if token == LiquidToken("sign", "|"):
                parts.append([])
            else:
                parts[-1].append(token)
        if len(parts[0]) != 1:
            raise LiquidError(f'"{" ".join(each.text for each in parts[0])}" is no value')
        first, *filters = parts
        if is_now(first[0]):
            return read_moment(filters)
        return self._apply_filters(self.read_operand(first[0]), filters)

    def _apply_filters(self, expression: str, filters: list[list[LiquidToken]]) -> str:
        split = ""
        for each in filters:
            name, values = self.read_filter(each)
            if name == "split" and len(values) == 1 and not split:
                split = values[0]
            elif split:
                expression = apply_to_list(name, values, expression, split)
                split = ""
            else:
                expression = check_length(apply_filter(name, values, expression))
        if split:
            raise LiquidError("a list is no text")
        return expression

    def read_filter(self, tokens: Sequence[LiquidToken]) -> tuple[str, list[str]]:
        """The name of a filter, and its arguments as expressions."""
        if not tokens or tokens[0].kind != "path":
            raise LiquidError("a filter has no name")
        values = [each for each in tokens[1:] if each.kind != "sign"]
        return tokens[0].text, [self.read_operand(each) for each in values]

    def read_operand(self, token: LiquidToken) -> str:
        """A text, a number or a reference, as an expression for a text."""
        if token.kind == "text":
            return write_literal(token.text[1:-1])
        if token.kind == "number":
            return write_literal(token.text)
        if token.kind == "sign":
            raise LiquidError(f'"{token.text}" is no value')
        if token.text in ("blank", "empty", "nil", "null"):
            return '""'
        if token.text in ("true", "false"):
            return write_literal(token.text)
        if token.text in self.assigned:
            return self.assigned[token.text]
        return self._resolve(to_reference(token.text))

    def read_condition(self, source: str) -> str:
        """Comparisons with `and` and `or`, as a condition. Raises LiquidError."""
        groups: list[list[LiquidToken]] = [[]]
        words: list[str] = []
        for token in read_tokens(source):
            if token.kind == "path" and token.text in ("and", "or"):
                words.append(token.text)
                groups.append([])
            else:
                groups[-1].append(token)
        condition = self.read_comparison(groups[-1])
        # Liquid takes the last ones together first
        for word, group in zip(reversed(words), reversed(groups[:-1]), strict=True):
            sign = "&&" if word == "and" else "||"
            condition = f"({self.read_comparison(group)} {sign} {condition})"
        return condition

    def read_comparison(self, tokens: Sequence[LiquidToken]) -> str:
        if len(tokens) == 1:
            return f'!({self.read_operand(tokens[0])} in ["", "false"])'
        if len(tokens) != 3:
            raise LiquidError("a condition is not understood")
        left, sign, right = tokens
        one, other = self.read_operand(left), self.read_operand(right)
        if sign.text == "contains":
            return f"{one}.contains({other})"
        if sign.kind != "sign" or sign.text in "|:,":
            raise LiquidError(f'"{sign.text}" compares nothing')
        if sign.text in ("==", "!=", "<>"):
            return f"{one} {'==' if sign.text == '==' else '!='} {other}"
        return f"{to_number(one)} {sign.text} {to_number(other)}"


def check_length(expression: str) -> str:
    """The expression, where it is short enough for people to read. Raises LiquidError."""
    if len(expression) > _MAX_EXPRESSION:
        raise LiquidError("the expression becomes too long")
    return expression


def is_now(token: LiquidToken) -> bool:
    return token.text in ("now", "'now'", '"now"')


def read_moment(filters: Sequence[Sequence[LiquidToken]]) -> str:
    """The date or the time of day, by the format of the filter `date`."""
    if len(filters) == 1 and len(filters[0]) == 3 and filters[0][0].text == "date":
        known = _NOW_FORMATS.get(filters[0][2].text[1:-1])
        if known:
            return known
    raise LiquidError("this form of the present moment is not known")


def to_number(expression: str) -> str:
    """A decimal of a text."""
    return f"decimal({expression})"


def apply_filter(name: str, values: Sequence[str], expression: str) -> str:
    """An expression after one filter. Raises LiquidError."""
    if name in _FILTERS_WITHOUT_EFFECT:
        return expression
    pattern = _SIMPLE_FILTERS.get(name, "")
    if pattern and f"{{{len(values)}}}" in pattern and f"{{{len(values) + 1}}}" not in pattern:
        is_sum = " + " in expression and not expression.endswith(")")
        return pattern.format(f"({expression})" if is_sum else expression, *values)
    if name in _SUMS and len(values) == 1:
        number = f'integer({expression} == "" ? "0" : {expression})'
        return f"text({number} {_SUMS[name]} integer({values[0]}))"
    if name == "truncate" and values:
        return f"first({expression}, {read_count(values[0])})"
    if name == "slice" and values:
        start, length = read_count(values[0]), read_count(values[1]) if len(values) > 1 else 1
        if start == 0:
            return f"first({expression}, {length})"
        if start == -length:
            return f"last({expression}, {length})"
    raise LiquidError(f'nothing stands for the filter "{name[:40]}"')


def apply_to_list(name: str, values: Sequence[str], expression: str, split: str) -> str:
    """A text out of the parts of a text. Raises LiquidError."""
    if name == "join" and len(values) == 1:
        if split == '""':
            return f"spell({expression})"
        return f"{expression}.split({split}).join({values[0]})"
    if name == "first" and split != '""':
        return f"{expression}.split({split})[0]"
    if name == "last" and split != '""':
        return f"{expression}.split({split})[{expression}.split({split}).size() - 1]"
    raise LiquidError(f'nothing stands for the filter "{name[:40]}" of a list')


def read_count(literal: str) -> int:
    """A whole number that was written as a text or a number. Raises LiquidError."""
    found = re.fullmatch(r'"(-?[0-9]{1,4})"', literal)
    if not found:
        raise LiquidError("a count is no number")
    return int(found[1])
