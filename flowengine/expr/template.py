"""Texts with `${…}` in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from flowengine.expr.holes import Hole, split
from flowengine.expr.neutral import NEUTRAL, for_attribute, for_path, for_ssml, for_url
from flowengine.expr.types import EvalError, Evaluate, ExprError, Expression, Type, Values
from flowengine.expr.values import text_of


class Mode(StrEnum):
    """Where the text goes; each value in it is made harmless for that place. The author's own text
    is not touched.
    """

    PLAIN = "plain"
    SPEECH = "speech"
    SSML = "ssml"
    URL = "url"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Piece:
    """One `${…}` and where its expression starts in the template."""

    expression: Expression
    start: int


@dataclass(frozen=True, slots=True)
class Template:
    """`constant` is the finished text when there is no `${…}` in it."""

    text: str
    names: frozenset[str]
    constant: str | None
    pieces: tuple[Piece, ...]
    parts: tuple[str | Evaluate, ...] = field(repr=False, compare=False)

    @property
    def begins_with_value(self) -> bool:
        return bool(self.parts) and not isinstance(self.parts[0], str)

    def render(self, values: Values) -> str:
        """Pieces are joined here: joining in CEL is no quicker, and its 32 levels would limit a
        text to 16 pieces.
        """
        return "".join([part if part.__class__ is str else part(values) for part in self.parts])  # type: ignore[operator]


def template(text: str, mode: Mode, compile_piece: Callable[[str], Expression]) -> Template:
    parts: list[str | Evaluate] = []
    pieces: list[Piece] = []
    found = split(text)
    for index, part in enumerate(found):
        if isinstance(part, Hole):
            pieces.append(Piece(_compiled(part, compile_piece), part.start))
            neutral = _neutral(mode, found, index)
            if neutral is for_path:
                neutral = partial(for_path, name=part.text.strip())
            parts.append(_filled(pieces[-1].expression, neutral))
        else:
            parts.append(part)
    return Template(
        text,
        _names(pieces),
        None if pieces else "".join(map(str, parts)),
        tuple(pieces),
        tuple(parts),
    )


def _neutral(mode: Mode, parts: Sequence[str | Hole], index: int) -> Callable[[str], str] | None:
    """How the value at a place of a text is made harmless. In markup it depends on whether it is
    inside a tag, in an address on whether it is in the path; of an audio address, what is the whole
    or begins it stands as it is.
    """
    before = "".join(part for part in parts[:index] if isinstance(part, str))
    if mode is Mode.SSML:
        return for_attribute if before.rfind("<") > before.rfind(">") else for_ssml
    if mode is Mode.URL:
        return for_url if "?" in before else for_path
    if mode is Mode.AUDIO:
        after = parts[index + 1] if index + 1 < len(parts) else "/"
        begins = index == 0 and isinstance(after, str) and after.startswith(("/", "?"))
        return None if begins else for_url
    return NEUTRAL.get(mode)


def _compiled(hole: Hole, compile_piece: Callable[[str], Expression]) -> Expression:
    try:
        return compile_piece(hole.text)
    except ExprError as error:
        error.offset += hole.start
        raise


def _names(pieces: Sequence[Piece]) -> frozenset[str]:
    return frozenset().union(*(piece.expression.names for piece in pieces))


def _filled(expression: Expression, neutral: Callable[[str], str] | None) -> Evaluate:
    evaluate = expression.evaluate
    shown = evaluate if expression.type is Type.TEXT else _as_text(evaluate)
    if neutral is None:
        return shown
    return lambda values: neutral(shown(values))


def _as_text(evaluate: Evaluate) -> Evaluate:
    def shown(values: Values) -> Any:
        try:
            return text_of(evaluate(values))
        except ValueError as error:
            raise EvalError(str(error)) from None

    return shown
