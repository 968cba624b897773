"""Writes the tokens of a file again, with other blanks between them."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from yaml.tokens import (
    BlockEndToken,
    BlockEntryToken,
    BlockMappingStartToken,
    BlockSequenceStartToken,
    DocumentEndToken,
    DocumentStartToken,
    FlowEntryToken,
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
    KeyToken,
    ScalarToken,
    StreamEndToken,
    StreamStartToken,
    ValueToken,
)

from flowengine.source.layout_gaps import CommentLine, Gap, UnformattableError, read_gap
from flowengine.source.layout_scalars import (
    indent_block_scalar,
    indent_flow_scalar,
    is_kept_to_the_end,
    is_stripped,
    needs_quotes,
)
from flowengine.source.source_text import SourceText

_STEP: Final = 2
_OPENING_BRACKETS: Final = ("{", "[")
_CLOSING_BRACKETS: Final = ("}", "]")
_INDICATORS: Final[dict[type, str]] = {
    BlockEntryToken: "-",
    DocumentEndToken: "...",
    DocumentStartToken: "---",
    FlowEntryToken: ",",
    FlowMappingEndToken: "}",
    FlowMappingStartToken: "{",
    FlowSequenceEndToken: "]",
    FlowSequenceStartToken: "[",
    ValueToken: ":",
}
_SCALAR: Final = "scalar"


class LayoutLevel(msgspec.Struct, frozen=True):
    """A block of keys or entries: the column at which it was, and the one at which it is now.
    `is_implied` says that its dashes stand below their key, at the same column.
    """

    is_sequence: bool
    column: int
    indent: int
    is_implied: bool = False


_ROOT: Final = LayoutLevel(is_sequence=False, column=0, indent=0)


class LayoutWriter(msgspec.Struct):
    """Writes one file. `spaced_lines` have an empty line above them."""

    source: SourceText
    spaced_lines: frozenset[int]
    _written: list[str] = msgspec.field(default_factory=list)
    _levels: list[LayoutLevel] = msgspec.field(default_factory=list)
    # the levels that have ended behind the last token, the innermost first
    _ended: list[LayoutLevel] = msgspec.field(default_factory=list)
    # for each open bracket, the column at which its closing one begins a line
    _brackets: list[int] = msgspec.field(default_factory=list)
    _line_indent: int = 0
    _before: str = ""
    _end: int = 0
    _is_at_key: bool = False
    _is_unended: bool = False
    _has_begun_level: bool = False

    def write(self, tokens: Iterator[Any]) -> str:
        for token in tokens:
            if isinstance(token, BlockMappingStartToken | BlockSequenceStartToken):
                self._begin_level(token, is_sequence=isinstance(token, BlockSequenceStartToken))
            elif isinstance(token, BlockEndToken):
                self._end_implied_level()
                self._ended.append(self._levels.pop())
            elif isinstance(token, KeyToken):
                self._note_key(token)
            elif isinstance(token, ScalarToken):
                self._write_scalar(token)
            elif isinstance(token, StreamEndToken):
                self._write_end()
            elif type(token) in _INDICATORS:
                self._write_indicator(_INDICATORS[type(token)], token)
            elif not isinstance(token, StreamStartToken):
                line = token.start_mark.line + 1
                raise UnformattableError(f"line {line} has a construct that flows do not use")
        return "".join(self._written)

    def _begin_level(self, token: Any, *, is_sequence: bool, is_implied: bool = False) -> None:
        indent = self._get_value_indent()
        column = token.start_mark.column
        self._levels.append(LayoutLevel(is_sequence, column, indent, is_implied))
        self._has_begun_level = True

    def _end_implied_level(self) -> None:
        if self._levels and self._levels[-1].is_implied:
            self._ended.append(self._levels.pop())

    def _note_key(self, token: Any) -> None:
        if token.end_mark.index > token.start_mark.index:
            raise UnformattableError(
                f"line {token.start_mark.line + 1} has a key behind a question mark"
            )
        if not self._brackets:
            self._end_implied_level()
        self._is_at_key = True

    def _get_value_indent(self) -> int:
        """Where the value of the innermost block begins, if it begins a line."""
        return self._levels[-1].indent + _STEP if self._levels else 0

    def _write_indicator(self, name: str, token: Any) -> None:
        # PyYAML has no token for the beginning of a list whose dashes stand right below its key
        if name == "-" and not self._levels[-1].is_sequence:
            self._begin_level(token, is_sequence=True, is_implied=True)
        end = token.end_mark.index
        if name in _CLOSING_BRACKETS:
            self._place(name, token, self._brackets[-1])
            self._put(name, end, name)
            self._brackets.pop()
            return
        self._place(name, token, self._get_indent_of(name))
        self._put(name, end, name)
        if name in _OPENING_BRACKETS:
            if not self._brackets:
                self._line_indent = self._get_value_indent()
            self._brackets.append(self._line_indent)

    def _get_indent_of(self, name: str) -> int:
        """The column of a token that begins a line."""
        if self._brackets:
            return self._brackets[-1] + _STEP
        if name in ("---", "..."):
            return 0
        is_first = name == "-" or (self._is_at_key and name == _SCALAR)
        return self._levels[-1].indent if is_first and self._levels else self._get_value_indent()

    def _write_scalar(self, token: Any) -> None:
        start, end = token.start_mark.index, token.end_mark.index
        raw = self.source.text[start:end]
        self._place(_SCALAR, token, self._get_indent_of(_SCALAR))
        if token.style in ("|", ">"):
            raw, end = self._extend_block(raw, end)
            outer = self._levels[-1] if self._levels else _ROOT
            text = indent_block_scalar(raw, outer.column, outer.indent)
        else:
            raw = raw.rstrip()
            text, end = self._format_flow_scalar(token, raw), start + len(raw)
        self._put(text, end, _SCALAR)
        self._is_at_key = False

    def _format_flow_scalar(self, token: Any, raw: str) -> str:
        if "\n" in raw:
            self._line_indent = self._get_indent_of("")
            return indent_flow_scalar(raw, self._line_indent)
        if token.plain and needs_quotes(token.value, is_key=self._is_at_key):
            return f'"{token.value}"'
        return raw

    def _extend_block(self, raw: str, end: int) -> tuple[str, int]:
        """A block of text with the empty lines behind it as far as they belong to it, and without the
        last line break, which is that of its last line.
        """
        body = self.source.text
        start = end - len(raw)
        if not is_kept_to_the_end(raw):
            kept = raw.rstrip("\n ")
            # blanks at the end of a line are text
            last = body.find("\n", start + len(kept))
            end = len(body) if last < 0 else last
            self._is_unended = last < 0 and not is_stripped(raw)
            return body[start:end], end
        while end < len(body):
            stop = body.find("\n", end)
            line = body[end : len(body) if stop < 0 else stop]
            if line.strip(" ") or stop < 0:
                break
            end = stop + 1
        self._is_unended = not body[:end].endswith("\n")
        end = end if self._is_unended else end - 1
        return body[start:end], end

    def _write_end(self) -> None:
        self._end_implied_level()
        gap = read_gap(self.source, self._end, len(self.source.text))
        self._write_comments(gap, 0, is_end=True)
        if self._written and not (self._is_unended and not gap.trailing and not gap.comments):
            self._written.append("\n")

    def _place(self, name: str, token: Any, indent: int) -> None:
        """Write what stands before a token: one blank, none, or the end of a line with comments."""
        gap = read_gap(self.source, self._end, token.start_mark.index)
        if not self._is_on_new_line(name, gap):
            self._written.append(self._get_blank(name))
            return
        needs_blank = token.start_mark.line in self.spaced_lines and not self._brackets
        comment_indent = indent + _STEP if name in _CLOSING_BRACKETS else indent
        has_blank = self._write_comments(gap, comment_indent, needs_blank=needs_blank)
        if self._written:
            self._written.append("\n\n" if has_blank else "\n")
        self._written.append(" " * indent)
        self._line_indent = indent

    def _is_on_new_line(self, name: str, gap: Gap) -> bool:
        if not self._written or gap.comments or gap.trailing:
            return True
        if self._brackets:
            return gap.has_break
        is_first = name in ("-", "---", "...") or (self._is_at_key and name == _SCALAR)
        if is_first or self._before == "---":
            return self._before != "-"
        return gap.has_break and self._before == ":"

    def _get_blank(self, name: str) -> str:
        if name == ":" or (name == "," and self._before != ":"):
            return ""
        if self._before in _OPENING_BRACKETS or (name in _CLOSING_BRACKETS and self._before != ":"):
            return ""
        return " "

    def _write_comments(
        self, gap: Gap, indent: int, *, needs_blank: bool = False, is_end: bool = False
    ) -> bool:
        """Write the comments of a gap. Returns whether an empty line comes behind them."""
        if gap.trailing:
            self._written.append(f"  {gap.trailing}" if self._written else gap.trailing)
        is_opening = self._before in ("", *_OPENING_BRACKETS) or self._has_begun_level
        has_blank = gap.has_blank_below or any(each.has_blank_above for each in gap.comments)
        needs_blank = needs_blank and not has_blank
        for place, comment in enumerate(gap.comments):
            column = self._choose_indent(comment, indent)
            is_blank = comment.has_blank_above and not (is_opening and place == 0)
            if needs_blank and column == indent:
                is_blank, needs_blank = True, False
            if self._written:
                self._written.append("\n\n" if is_blank else "\n")
            self._written.append(f"{' ' * column}{comment.text}")
        if is_end:
            return False
        return needs_blank or (gap.has_blank_below and not (is_opening and not gap.comments))

    def _choose_indent(self, comment: CommentLine, indent: int) -> int:
        """The column of a comment: that of the innermost block that it can belong to."""
        if self._brackets:
            return indent
        for level in self._ended:
            if level.indent > indent and comment.column >= level.column:
                return level.indent
        return indent

    def _put(self, text: str, end: int, name: str) -> None:
        self._written.append(text)
        self._before = name
        self._end = end
        self._ended.clear()
        self._has_begun_level = False
