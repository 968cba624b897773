"""A mistake in a file: what is wrong, where, and what cures it."""

from collections.abc import Iterable
from typing import Self

import msgspec
from msgspec.structs import force_setattr

from flowengine.problems.catalogue import CATALOGUE
from flowengine.problems.catalogue_entry import Severity
from flowengine.problems.credentials import mask_credentials


class Span(msgspec.Struct, frozen=True, order=True):
    """A range of a file. Lines and columns count from 1, in characters; the end column is the one
    after the last character. A file that cannot be read has no lines: see `for_file`.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    @classmethod
    def for_file(cls, name: str) -> Self:
        """A file as such, or the place it should be in."""
        return cls(name, 0, 0, 0, 0)


class Problem(msgspec.Struct, frozen=True):
    """`elsewhere` are more places in the same file where the same word has the same cure."""

    code: str
    span: Span
    message: str
    hint: str = ""
    is_raised: bool = False  # a warning that its project counts as an error
    elsewhere: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        assert self.code in CATALOGUE, f"{self.code} is not in the catalogue"  # noqa: S101  a programmer's mistake
        # messages go to logs and to reviews, where a key that an author wrote in plain must not be
        force_setattr(self, "message", mask_credentials(self.message))
        force_setattr(self, "hint", mask_credentials(self.hint))

    @property
    def severity(self) -> Severity:
        return Severity.ERROR if self.is_raised else CATALOGUE[self.code].severity


def sort_problems(problems: Iterable[Problem]) -> list[Problem]:
    """Document order: as a person reads the files, top down. A problem found twice is shown once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.span, problem.code))
