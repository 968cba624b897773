"""What many rows of a file have in common, and so is written once, beside them."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T", str, bytes)


class InternTable(Generic[T]):
    """What this process knows to stand beside the rows. The oldest of more than `most` is
    forgotten.

    After `fresh_seconds` it is written anew, so that what no row can refer to any more can be
    dropped.
    """

    def __init__(self, most: int, fresh_seconds: float) -> None:
        self._max_entries = most
        self._rewrite_seconds = fresh_seconds
        self._numbers: dict[T, tuple[int, float]] = {}

    def intern_value(self, content: T, now: float, write: Callable[[], int]) -> int:
        """Where it stands, written there as it comes for the second time; 0 the first time: it is
        to stand in its row.
        """
        number, written = self._numbers.get(content, (-1, now))
        if number < 0 or now - written > self._rewrite_seconds:
            number = 0
        elif number == 0:
            number = write()
        else:
            return number
        self._remember_number(content, number, now)
        return number

    def clear(self) -> None:
        """What was written was taken back."""
        self._numbers.clear()

    def _remember_number(self, content: T, number: int, now: float) -> None:
        if len(self._numbers) >= self._max_entries:
            del self._numbers[next(iter(self._numbers))]
        self._numbers[content] = (number, now)
