"""Where a cursor is in a file, by indentation and brackets alone: while somebody types, the file can
often not be read as YAML.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from flowengine.source import KeyPath

_DASHES: Final = re.compile(r"[ ]*((?:-(?:[ ]+|$))*)")
_KEY_AND_COLON: Final = re.compile(
    r"""("[^"]*"|'[^']*'|[^\s#{}\[\],"'&!|>%@`][^:#{}\[\],]*+)[ ]*:(?=[ ]|$)"""
)
_OPEN_EXPRESSION: Final = re.compile(r"(?<!\$)\$\{([^}]*)$")


class TextCursor(msgspec.Struct, frozen=True):
    """What is written at a cursor: a key of the mapping at `path`, or the value at `path`. `word` is
    what stands before the cursor of it; `expression` is there inside of `${…}`.
    """

    path: KeyPath
    is_key: bool
    word: str
    siblings: frozenset[str] = frozenset()
    expression: str | None = None


class _Line(msgspec.Struct, frozen=True):
    """A line in parts: the columns of its dashes, its key, and what stands behind that."""

    dashes: tuple[int, ...]
    column: int
    key: str | None
    rest: str

    @property
    def first_column(self) -> int:
        return self.dashes[0] if self.dashes else self.column


def find_cursor(lines: Sequence[str], line: int, column: int) -> TextCursor:
    """The cursor at this line and column, which count from 0."""
    before = lines[line][:column] if line < len(lines) else ""
    own = _split_line(before)
    opened = _OPEN_EXPRESSION.search(before)
    expression = opened[1] if opened else None
    outer = tuple(_find_outer_path(lines, line, own))
    if bracket := _find_open_bracket(lines, line, own, outer):
        return _scan_brackets(*bracket, expression)
    inner = (*outer, *(0 for _ in own.dashes))
    if own.key is None:
        siblings = frozenset(_list_siblings(lines, line, own))
        return TextCursor(inner, True, own.rest, siblings, expression)
    return TextCursor((*inner, own.key), False, own.rest, frozenset(), expression)


def list_keys_below(lines: Sequence[str], key: str) -> list[str]:
    """The keys of the mapping below a key of the file's outermost level."""
    found: list[str] = []
    indent = is_inside = 0
    for text in lines:
        line = _split_line(text)
        if _is_empty(text):
            continue
        if line.column == 0:
            is_inside, indent = int(line.key == key), 0
        elif is_inside and line.key is not None and not line.dashes:
            indent = indent or line.column
            found += [line.key] if line.column == indent else []
    return found


def _split_line(text: str) -> _Line:
    dashes = _DASHES.match(text)
    end = dashes.end(1) if dashes else 0
    start = dashes.start(1) if dashes else 0
    places = tuple(at for at in range(start, end) if text[at] == "-")
    column = end if end > start else len(text) - len(text.lstrip(" "))
    if found := _KEY_AND_COLON.match(text, column):
        rest = text[found.end() :]
        return _Line(places, column, _unquote(found[1]), rest.lstrip(" "))
    return _Line(places, column, None, text[column:])


def _unquote(key: str) -> str:
    return key[1:-1] if key[:1] in "\"'" and key[-1:] == key[:1] and len(key) > 1 else key.strip()


def _is_empty(text: str) -> bool:
    return not text.strip() or text.lstrip().startswith("#")


def _find_outer_path(lines: Sequence[str], line: int, own: _Line) -> KeyPath:
    """The path of what stands around a line."""
    found: list[str | int] = []
    limit, may_equal = own.first_column, bool(own.dashes)
    for at in range(line - 1, -1, -1):
        if limit == 0 and not may_equal:
            break
        if _is_empty(lines[at]):
            continue
        above = _split_line(lines[at])
        is_around = above.column < limit or (may_equal and above.column == limit)
        if above.key is not None and is_around and not (may_equal and above.dashes):
            found.append(above.key)
            limit, may_equal = above.column, False
        for dash in reversed(above.dashes):
            if dash < limit:
                found.append(0)
                limit, may_equal = dash, True
    return tuple(reversed(found))


def _find_open_bracket(
    lines: Sequence[str], line: int, own: _Line, outer: KeyPath
) -> tuple[str, KeyPath] | None:
    """The text from a bracket that is open at the cursor, and the path of its value."""
    if own.rest.startswith(("{", "[")):
        inner = (*outer, *(0 for _ in own.dashes), *([own.key] if own.key else []))
        return (own.rest, inner) if _count_open(own.rest) else None
    collected = own.rest if own.key is None else f"{own.key}: {own.rest}"
    for at in range(line - 1, max(line - 50, -1), -1):
        above = _split_line(lines[at])
        if above.rest.startswith(("{", "[")) and above.key is not None:
            whole = f"{above.rest} {collected}"
            if not _count_open(above.rest) or not _count_open(whole):
                return None
            path = (*_find_outer_path(lines, at, above), *(0 for _ in above.dashes), above.key)
            return whole, path
        if above.key is not None and not lines[at].rstrip().endswith((",", "{", "[")):
            return None
        collected = f"{lines[at].strip()} {collected}"
    return None


def _count_open(text: str) -> int:
    """How many brackets are open at the end of a text."""
    depth, quote = 0, ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (at == 0 or text[at - 1] in " ,[{:"):
            quote = character
        elif character in "{[":
            depth += 1
        elif character in "}]":
            depth -= 1
    return max(depth, 0)


class _Frame(msgspec.Struct):
    """A bracket that is open: the key, or the place in a list, that is being written in it."""

    is_mapping: bool
    key: str | None = None
    index: int = 0
    keys: list[str] = msgspec.field(default_factory=list)


def _scan_brackets(text: str, path: KeyPath, expression: str | None) -> TextCursor:
    """The cursor at the end of a text with open brackets."""
    frames: list[_Frame] = []
    word, quote = "", ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
            word += character
        elif character in "{[" and not word.strip():
            frames.append(_Frame(character == "{"))
            word = ""
        elif not frames:
            break
        elif character in "}]" and "${" not in word:
            frames.pop()
            word = ""
        elif character == ",":
            _end_entry(frames[-1])
            word = ""
        elif character == ":" and frames[-1].is_mapping and text[at + 1 : at + 2] in (" ", ""):
            frames[-1].key = _unquote(word.strip())
            frames[-1].keys.append(frames[-1].key)
            word = ""
        else:
            quote = character if character in "\"'" and not word.strip() else ""
            word += character
    inner = tuple(_list_steps(frames))
    is_key = bool(frames) and frames[-1].is_mapping and frames[-1].key is None
    siblings = frozenset(frames[-1].keys) if frames else frozenset[str]()
    return TextCursor((*path, *inner), is_key, word.lstrip(), siblings, expression)


def _end_entry(frame: _Frame) -> None:
    frame.key = None
    frame.index += 1


def _list_steps(frames: Sequence[_Frame]) -> Iterator[str | int]:
    for frame in frames:
        if not frame.is_mapping:
            yield frame.index
        elif frame.key is not None:
            yield frame.key


def _list_siblings(lines: Sequence[str], line: int, own: _Line) -> Iterator[str]:
    """The keys of the mapping that a line belongs to."""
    above = () if own.dashes else range(line - 1, -1, -1)
    for at in above:
        other = _split_line(lines[at])
        if not _is_empty(lines[at]):
            if other.column < own.column:
                break
            if other.column == own.column and other.key is not None:
                yield other.key
            if other.dashes and other.first_column < own.column:
                break  # the first key of this entry of a list
    for at in range(line + 1, len(lines)):
        other = _split_line(lines[at])
        if not _is_empty(lines[at]):
            if other.first_column < own.column:
                break
            if other.column == own.column and other.key is not None:
                yield other.key
