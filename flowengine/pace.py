"""Long work beside callbacks that gives way to them.

Python lets one thread run at a time, and a thread that wants its turn back waits for it each time
that it has read or written anything. Work that rests of its own accord, again and again, makes them
wait once and shortly; and while a callback is under way it rests almost at once, as that one would
wait for it again at each of its reads and writes. Callbacks that wait for another system wait for
nothing here.
"""

import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

WORK_SECONDS: Final = 0.0002  # what a callback waits at most; it takes that long by itself
# of work while callbacks are under way: under full load it goes on at a tenth of its speed
HURRIED_SECONDS: Final = 0.00002
REST_SECONDS: Final = (
    0.0002  # time enough for some callbacks; a sleep takes a little longer than it is told
)


class _Pace(threading.local):
    since: float | None = None


_pace = _Pace()
_under_way: Collection[object] = ()
_elsewhere = 0  # so many of them wait for another system


def give_way_to(callbacks: Collection[object]) -> None:
    """Watch what holds the callbacks that this process is answering, as long as it holds any."""
    global _under_way  # noqa: PLW0603  # one process answers callbacks in one place
    _under_way = callbacks


@contextmanager
def elsewhere() -> Iterator[None]:
    """A callback waits for another system in here, be it for seconds: meanwhile nothing needs to
    give way to it.
    """
    global _elsewhere  # noqa: PLW0603  # counts in one thread, that of the callbacks
    _elsewhere += 1
    try:
        yield
    finally:
        _elsewhere -= 1


@contextmanager
def giving_way() -> Iterator[None]:
    """What this thread does in here rests whenever it comes by `pause`."""
    _pace.since = time.perf_counter()
    try:
        yield
    finally:
        _pace.since = None


def pause() -> None:
    """Rest if it is time to, in a thread that gives way; costs next to nothing in any other."""
    if _pace.since is None:
        return
    if time.perf_counter() - _pace.since > (
        HURRIED_SECONDS if len(_under_way) > _elsewhere else WORK_SECONDS
    ):
        time.sleep(REST_SECONDS)
        _pace.since = time.perf_counter()


def paced(items: Iterable[T]) -> Iterator[T]:
    """The same items, with a pause before each."""
    for item in items:
        pause()
        yield item
