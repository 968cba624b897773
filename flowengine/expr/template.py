"""Texts with `${…}` in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import msgspec

from flowengine.expr.escaping import (
    ESCAPE_BY_MODE,
    escape_for_attribute,
    escape_for_path,
    escape_for_ssml,
    escape_for_url,
)
from flowengine.expr.interpolation import Interpolation, split_interpolations
from flowengine.expr.types import EvalError, Evaluator, ExprError, Expression, Type, Values
from flowengine.expr.value_format import format_value


class EscapeMode(StrEnum):
    """Where the text goes; each value in it is made harmless for that place. The author's own text
    is not touched.
    """

    PLAIN = "plain"
    SPEECH = "speech"
    SSML = "ssml"
    URL = "url"
    AUDIO = "audio"


class CompiledInterpolation(msgspec.Struct, frozen=True):
    """One `${…}` and where its expression starts in the template."""

    expression: Expression
    start: int


@dataclass(frozen=True, slots=True)
class Template:
    """`constant` is the finished text when there is no `${…}` in it."""

    text: str
    names: frozenset[str]
    constant: str | None
    interpolations: tuple[CompiledInterpolation, ...]
    parts: tuple[str | Evaluator, ...] = field(repr=False, compare=False)

    @property
    def begins_with_value(self) -> bool:
        return bool(self.parts) and not isinstance(self.parts[0], str)

    def render(self, values: Values) -> str:
        """The text with its values. Pieces are joined here (docs/decisions/0009): joining in CEL is
        no faster, and its 32 levels would limit a text to 16 pieces.
        """
        return "".join([part if part.__class__ is str else part(values) for part in self.parts])  # type: ignore[operator]


def compile_template(
    text: str, mode: EscapeMode, compile_piece: Callable[[str], Expression]
) -> Template:
    parts: list[str | Evaluator] = []
    pieces: list[CompiledInterpolation] = []
    found = split_interpolations(text)
    for index, part in enumerate(found):
        if isinstance(part, Interpolation):
            pieces.append(
                CompiledInterpolation(_compile_interpolation(part, compile_piece), part.start)
            )
            neutral = _choose_escape(mode, found, index)
            if neutral is escape_for_path:
                neutral = partial(escape_for_path, name=part.text.strip())
            parts.append(_make_part_evaluator(pieces[-1].expression, neutral))
        else:
            parts.append(part)
    return Template(
        text,
        _collect_names(pieces),
        None if pieces else "".join(map(str, parts)),
        tuple(pieces),
        tuple(parts),
    )


def _choose_escape(
    mode: EscapeMode, parts: Sequence[str | Interpolation], index: int
) -> Callable[[str], str] | None:
    """How the value at a place of a text is made harmless. In markup it depends on whether it is
    inside a tag, in an address on whether it is in the path; of an audio address, what is the whole
    or begins it stands as it is.
    """
    before = "".join(part for part in parts[:index] if isinstance(part, str))
    if mode is EscapeMode.SSML:
        # by the author's text alone: a value cannot open or close a tag, as it is escaped
        return escape_for_attribute if before.rfind("<") > before.rfind(">") else escape_for_ssml
    if mode is EscapeMode.URL:
        return escape_for_url if "?" in before else escape_for_path
    if mode is EscapeMode.AUDIO:
        after = parts[index + 1] if index + 1 < len(parts) else "/"
        # a whole address from a table or lookup must not be escaped; it is checked when it is
        # rendered
        begins = index == 0 and isinstance(after, str) and after.startswith(("/", "?"))
        return None if begins else escape_for_url
    return ESCAPE_BY_MODE.get(mode)


def _compile_interpolation(
    hole: Interpolation, compile_piece: Callable[[str], Expression]
) -> Expression:
    try:
        return compile_piece(hole.text)
    except ExprError as error:
        error.offset += hole.start
        raise


def _collect_names(pieces: Sequence[CompiledInterpolation]) -> frozenset[str]:
    return frozenset().union(*(piece.expression.names for piece in pieces))


def _make_part_evaluator(expression: Expression, neutral: Callable[[str], str] | None) -> Evaluator:
    evaluate = expression.evaluate
    shown = evaluate if expression.type is Type.TEXT else _make_text_evaluator(evaluate)
    if neutral is None:
        return shown
    return lambda values: neutral(shown(values))


def _make_text_evaluator(evaluate: Evaluator) -> Evaluator:
    def evaluate_text(values: Values) -> Any:
        try:
            return format_value(evaluate(values))
        except ValueError as error:
            raise EvalError(str(error)) from None

    return evaluate_text
