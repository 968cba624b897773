"""Forms of texts, such as dates and times of day: what a text of this form can be compared with."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

ORDER_OPERATORS: Final = frozenset(("_<_", "_<=_", "_>_", "_>=_"))


class ComparableForm(Protocol):
    """What all texts of a name have in common."""

    def can_compare(self, function: str, text: str) -> bool:
        """Whether a comparison with this text can tell one text of the form from another."""

    def suggest(self, text: str) -> str:
        """The cure for a text that is not of this form."""


@dataclass(frozen=True, slots=True)
class TextForm:
    """All texts of it look like `mask`, where 0 stands for any digit, and `is_valid` says which of
    those that look so there are. `example` is one; `repair` writes a text in this form, or says "".
    With `has_any_length` its texts may be shorter than the mask.
    """

    mask: str
    example: str
    is_valid: Callable[[str], bool] = field(repr=False)
    repair: Callable[[str], str] = field(repr=False)
    has_any_length: bool = False

    def can_compare(self, function: str, text: str) -> bool:
        """Whether a comparison with this text can tell one text of the form from another."""
        masked = re.sub("[0-9]", "0", text)
        if function == "matches":
            return True
        # an order is decided from the start, too
        if function == "startsWith" or function in ORDER_OPERATORS or self.has_any_length:
            return self.mask.startswith(masked)
        if function == "endsWith":
            return self.mask.endswith(masked)
        if function == "contains":
            return masked in self.mask
        return masked == self.mask and self.is_valid(text)

    def suggest(self, text: str) -> str:
        """The cure for a text that is not of this form."""
        meant = self.repair(text)
        start = f'write "{meant}"; ' if meant and meant != text else ""
        return f'{start}it looks like "{self.example}"'
