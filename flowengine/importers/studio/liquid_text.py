"""Texts with pieces of Liquid, as templates and as expressions."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from flowengine.importers.studio.liquid_values import LiquidError, LiquidReader, check_length
from flowengine.importers.studio.references import LIQUID_PATH, StudioReference, to_reference
from flowengine.importers.templates import escape_template, write_literal

_PIECE: Final = re.compile(
    r"\{\{-?(?P<value>(?:[^{}]|\{(?!\{)|\}(?!\}))*?)-?\}\}|\{%-?(?P<tag>(?:[^%{]|%(?!\})|\{(?!%))*?)-?%\}",
    re.DOTALL,
)
_ASSIGN: Final = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.+)", re.DOTALL)
_QUOTED: Final = re.compile(r"(?<!\[)(?:'[^']*'|\"[^\"]*\")")
_MAX_PIECES: Final = 200
_MAX_CHOICE_DEPTH: Final = 5


class LiquidPiece(NamedTuple):
    """Words, a value or a tag."""

    kind: str
    text: str


def read_pieces(text: str) -> list[LiquidPiece]:
    """The pieces of a text. Raises LiquidError."""
    pieces: list[LiquidPiece] = []
    at = 0
    for found in _PIECE.finditer(text):
        pieces.append(LiquidPiece("words", text[at : found.start()]))
        kind = "tag" if found["value"] is None else "value"
        pieces.append(LiquidPiece(kind, (found[kind] or "").strip()))
        at = found.end()
    pieces.append(LiquidPiece("words", text[at:]))
    if len(pieces) > _MAX_PIECES:
        raise LiquidError("it has too many pieces of Liquid")
    return [piece for piece in pieces if piece.text or piece.kind != "words"]


def has_liquid(text: str) -> bool:
    """Whether a text has any piece of Liquid."""
    return bool(_PIECE.search(text))


def iterate_references(text: str) -> Iterator[StudioReference]:
    """All references in the pieces of a text."""
    for found in _PIECE.finditer(text):
        inner = _QUOTED.sub(" ", found["value"] or found["tag"] or "")
        for each in LIQUID_PATH.finditer(inner):
            if "." in each[0] or "[" in each[0]:
                yield to_reference(each[0])


class LiquidText:
    """One text on its way; what nothing stands for is left out, and noted in `losses`."""

    def __init__(self, reader: LiquidReader) -> None:
        self._reader = reader
        self.losses: list[str] = []

    def to_template(self, text: str) -> str:
        """The text with `${…}` in place of Liquid."""
        try:
            pieces = read_pieces(text)
        except LiquidError as error:
            self.losses.append(str(error))
            return escape_template(text)
        return "".join(
            escape_template(code) if kind == "words" else f"${{{code}}}"
            for kind, code in self._translate(pieces)
        )

    def to_expression(self, text: str) -> str:
        """The text as an expression for a text."""
        try:
            pieces = read_pieces(text)
        except LiquidError as error:
            self.losses.append(str(error))
            return write_literal(text)
        return join_parts(self._translate(pieces))

    def _translate(self, pieces: list[LiquidPiece], depth: int = 0) -> list[tuple[str, str]]:
        parts: list[tuple[str, str]] = []
        place = 0
        while place < len(pieces):
            kind, text = pieces[place]
            place += 1
            if kind == "words":
                parts.append((kind, text))
                continue
            try:
                if kind == "value":
                    parts.append((kind, self._reader.read_value(text)))
                elif text.split(" ", 1)[0] in ("if", "unless", "case"):
                    code, place = self._translate_choice(pieces, place - 1, depth + 1)
                    parts.append(("value", code))
                else:
                    self._run_tag(text)
            except LiquidError as error:
                self.losses.append(f"{str(error)[:100]}: {{{{{text[:60]}}}}} is left out")
        return parts

    def _run_tag(self, text: str) -> None:
        name, _, rest = text.partition(" ")
        found = _ASSIGN.fullmatch(rest)
        if name == "assign" and found:
            self._reader.assigned[found[1]] = self._reader.read_value(found[2])
        else:
            raise LiquidError(f'nothing stands for the tag "{name[:40]}"')

    def _translate_choice(
        self, pieces: list[LiquidPiece], place: int, depth: int
    ) -> tuple[str, int]:
        """A choice from its first tag to its last one: an expression, and the place behind it."""
        if depth > _MAX_CHOICE_DEPTH:
            raise LiquidError("choices are nested too deep")
        end, branches = split_branches(pieces, place)
        name, _, subject = pieces[place].text.partition(" ")
        code = '""'
        for tag, inner in reversed(branches):
            body = join_parts(self._translate(inner, depth))
            word, _, rest = tag.partition(" ")
            if word == "else":
                code = body
            elif name == "case":
                condition = self._read_when(subject, rest)
                code = f"({condition} ? {body} : {code})" if condition else code
            else:
                condition = self._reader.read_condition(rest)
                turned = f"!({condition})" if word == "unless" else condition
                code = f"({turned} ? {body} : {code})"
        return check_length(code), end

    def _read_when(self, subject: str, values: str) -> str:
        """The condition of a branch; nothing for what stands in front of the first one."""
        options = re.split(r"\s*,\s*|\s+or\s+", values.strip())
        one = self._reader.read_value(subject)
        return " || ".join(f"{one} == {self._reader.read_value(each)}" for each in options if each)


def split_branches(
    pieces: list[LiquidPiece], place: int
) -> tuple[int, list[tuple[str, list[LiquidPiece]]]]:
    """The branches of the choice that begins here, and the place behind it. Raises LiquidError."""
    branches: list[tuple[str, list[LiquidPiece]]] = [(pieces[place].text, [])]
    if pieces[place].text.startswith("case"):
        branches[0] = ("when", [])
    depth = 0
    for index in range(place + 1, len(pieces)):
        kind, text = pieces[index]
        word = text.split(" ", 1)[0] if kind == "tag" else ""
        if word in ("if", "unless", "case"):
            depth += 1
        elif word in ("endif", "endunless", "endcase"):
            if depth == 0:
                return index + 1, branches
            depth -= 1
        elif depth == 0 and word in ("else", "elsif", "when"):
            branches.append((text, []))
            continue
        branches[-1][1].append(pieces[index])
    raise LiquidError("a choice has no end")


def join_parts(parts: list[tuple[str, str]]) -> str:
    """Words and values as one expression for a text."""
    codes = [write_literal(code) if kind == "words" else code for kind, code in parts]
    return " + ".join(codes) or '""'
