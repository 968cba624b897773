"""What many rows of a file have in common, and so is written once, beside them."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T", str, bytes)


class Once(Generic[T]):
    """What this process knows to stand beside the rows. The oldest of more than `most` is
    forgotten.

    After `fresh_seconds` it is written anew, so that what no row can refer to any more can be
    dropped.
    """

    def __init__(self, most: int, fresh_seconds: float) -> None:
        self._most = most
        self._fresh_seconds = fresh_seconds
        self._known: dict[T, tuple[int, float]] = {}

    def number(self, content: T, now: float, write: Callable[[], int]) -> int:
        """Where it stands, written there as it comes for the second time; 0 the first time: it is
        to stand in its row.
        """
        number, written = self._known.get(content, (-1, now))
        if number < 0 or now - written > self._fresh_seconds:
            number = 0
        elif number == 0:
            number = write()
        else:
            return number
        self._remember(content, number, now)
        return number

    def forget(self) -> None:
        """What was written was taken back."""
        self._known.clear()

    def _remember(self, content: T, number: int, now: float) -> None:
        if len(self._known) >= self._most:
            del self._known[next(iter(self._known))]
        self._known[content] = (number, now)
