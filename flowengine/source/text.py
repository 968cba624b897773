"""The text of a file, and where its characters are."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from flowengine.limits import MAX_PROBLEMS
from flowengine.problems import Problem, Severity, Span, in_order


@dataclass(frozen=True, slots=True)
class Text:
    file: str
    text: str
    _starts: list[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0, *(match.end() for match in re.finditer("\n", self.text))]
        object.__setattr__(self, "_starts", starts)

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, *self.place(start), *self.place(max(start, end)))

    def line_start(self, offset: int) -> int:
        return self._starts[bisect_right(self._starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        end = self.text.find("\n", offset)
        return len(self.text) if end < 0 else end

    def line(self, offset: int) -> str:
        return self.text[self.line_start(offset) : self.line_end(offset)].rstrip("\r")


class Stop(Exception):  # noqa: N818  it is no error, but the end of reading
    """Reading cannot, or should not, go on; why is in the findings."""


class Findings:
    """The problems of one file. Stops the reading when nobody would read on."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._found: list[Problem] = []

    def add(self, code: str, start: int, end: int, message: str, hint: str = "") -> None:
        self._found.append(Problem(code, self._text.span(start, end), message, hint))
        if len(self._found) == MAX_PROBLEMS:
            self._found.append(
                Problem(
                    "FE119",
                    self._text.span(start, end),
                    f"there are more than {MAX_PROBLEMS} problems in this file",
                )
            )
            raise Stop

    def stop(self, code: str, start: int, end: int, message: str, hint: str = "") -> Stop:
        self.add(code, start, end, message, hint)
        return Stop()

    def __call__(self) -> list[Problem]:
        """In document order; where an error says it, a warning about the same words says nothing
        more.
        """
        wrong = {problem.span for problem in self._found if problem.severity is Severity.ERROR}
        return in_order(
            each
            for each in self._found
            if each.severity is Severity.ERROR or each.span not in wrong
        )
