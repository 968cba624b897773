"""The line of the file below a message, with carets under the stretch that is meant."""

import unicodedata
from collections.abc import Mapping

from flowengine.limits import MAX_EXCERPT
from flowengine.problems.credentials import blank_credentials
from flowengine.problems.problem import Span

Sources = Mapping[str, str | bytes]
_LEFT_CONTEXT = MAX_EXCERPT // 2  # of a line too long to show, this much stays left of the caret


class Excerpts:
    """The lines of the files, each file split once however many problems it has."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._lines: dict[str, list[str]] = {}

    def format_excerpt(self, span: Span) -> tuple[str, str]:
        """The line and its carets, both empty when the source is not at hand."""
        lines = self._load_lines(span.file)
        if not 0 < span.line <= len(lines):
            return "", ""
        # the excerpt goes where the message goes: to logs, to reviews
        line = blank_credentials(lines[span.line - 1].rstrip("\r"))
        end = span.end_column - 1 if span.end_line == span.line else len(line.rstrip())
        return _cut_window(line, span.column - 1, max(end, span.column))

    def _load_lines(self, file: str) -> list[str]:
        if file not in self._lines:
            source = self._sources.get(file)
            text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source or ""
            self._lines[file] = text.removeprefix("\ufeff").split("\n") if text else []
        return self._lines[file]


def _cut_window(line: str, start: int, end: int) -> tuple[str, str]:
    cut = max(0, start - _LEFT_CONTEXT) if len(line) > MAX_EXCERPT else 0
    shown = line[cut : cut + MAX_EXCERPT]
    before, marked = shown[: start - cut], shown[start - cut : end - cut]
    return _replace_unprintable(shown), " " * _measure_width(before) + "^" * max(
        1, _measure_width(marked)
    )


def _replace_unprintable(text: str) -> str:
    """Nothing that would move the carets or steer a terminal."""
    return "".join(
        " " if character == "\t" else character if character.isprintable() else "\ufffd"
        for character in text
    )


def _measure_width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(_count_columns(character) for character in _replace_unprintable(text))


def _count_columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
