"""What stands between two tokens of YAML: line breaks, empty lines and comments."""

import msgspec

from flowengine.source.source_text import SourceText


class UnformattableError(Exception):
    """A file that has to stay as it is, and why, in words for its author."""


class CommentLine(msgspec.Struct, frozen=True):
    """A comment on a line of its own: its text, its column, and whether an empty line is above."""

    text: str
    column: int
    has_blank_above: bool


class Gap(msgspec.Struct, frozen=True):
    """The comment behind the first token, the lines of comments, and how the second token stands."""

    trailing: str
    comments: tuple[CommentLine, ...]
    has_break: bool
    has_blank_below: bool


def read_gap(source: SourceText, start: int, end: int) -> Gap:
    """What stands in this range. Raises UnformattableError where that is anything else."""
    # a comment on the first line of the file stands behind nothing
    before = "" if start else "\n"
    first, *others = f"{before}{source.text[start:end]}".split("\n")
    comments: list[CommentLine] = []
    is_blank = False
    # the last line is that of the second token
    for line in others[:-1]:
        words = line.strip(" \t")
        if not words:
            is_blank = True
            continue
        refuse_other_text(source, start, words)
        column = len(line) - len(line.lstrip(" \t"))
        comments.append(CommentLine(words, column, is_blank))
        is_blank = False
    trailing = first.strip(" \t")
    refuse_other_text(source, start, trailing)
    if others:
        refuse_other_text(source, start, others[-1].strip(" \t"))
        if others[-1].strip(" \t"):  # the last line of the file, without an end
            column = len(others[-1]) - len(others[-1].lstrip(" \t"))
            comments.append(CommentLine(others[-1].strip(" \t"), column, is_blank))
    return Gap(trailing, tuple(comments), bool(others), is_blank)


def refuse_other_text(source: SourceText, start: int, words: str) -> None:
    """Raise UnformattableError for what is neither a blank nor a comment."""
    if words and not words.startswith("#"):
        line, _ = source.get_position(start)
        raise UnformattableError(f"near line {line} is something that the formatter does not know")
