"""The text of a file, and where its characters are."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from flowengine.limits import MAX_PROBLEMS
from flowengine.problems import Problem, Severity, Span, sort_problems


@dataclass(frozen=True, slots=True)
class SourceText:
    file: str
    text: str
    _known_starts: list[int] = field(init=False, repr=False, compare=False, default_factory=list)

    @property
    def _starts(self) -> list[int]:
        """Where the lines begin, found when somebody asks: most files have nothing to report."""
        if not self._known_starts:
            self._known_starts.extend([0, *(match.end() for match in re.finditer("\n", self.text))])
        return self._known_starts

    def get_position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def get_offset(self, line: int, column: int) -> int:
        """The offset of a position, in the text even where the position is not."""
        start = self._starts[min(line, len(self._starts)) - 1]
        return min(start + column - 1, len(self.text))

    def get_span(self, start: int, end: int) -> Span:
        return Span(self.file, *self.get_position(start), *self.get_position(max(start, end)))

    def find_line_start(self, offset: int) -> int:
        return self._starts[bisect_right(self._starts, offset) - 1]

    def find_line_end(self, offset: int) -> int:
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def get_line(self, offset: int) -> str:
        return self.text[self.find_line_start(offset) : self.find_line_end(offset)].rstrip("\r")


class UnreadableTextError(Exception):
    """Reading cannot, or should not, go on; why is in the findings."""


class ProblemCollector:
    """The problems of one file. Raises where there are so many that reading on is pointless."""

    def __init__(self, text: SourceText) -> None:
        self._text = text
        self._found: list[Problem] = []

    def add(self, code: str, start: int, end: int, message: str, hint: str = "") -> None:
        self._found.append(Problem(code, self._text.get_span(start, end), message, hint))
        if len(self._found) == MAX_PROBLEMS:
            self._found.append(
                Problem(
                    "FE119",
                    self._text.get_span(start, end),
                    f"there are more than {MAX_PROBLEMS} problems in this file",
                )
            )
            raise UnreadableTextError

    def add_fatal(
        self, code: str, start: int, end: int, message: str, hint: str = ""
    ) -> UnreadableTextError:
        self.add(code, start, end, message, hint)
        return UnreadableTextError()

    def __call__(self) -> list[Problem]:
        """In document order; where an error says it, a warning about the same words says nothing
        more.
        """
        wrong = {problem.span for problem in self._found if problem.severity is Severity.ERROR}
        return sort_problems(
            each
            for each in self._found
            if each.severity is Severity.ERROR or each.span not in wrong
        )
