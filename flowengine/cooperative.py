"""Long work beside callbacks that gives way to them.

Python lets one thread run at a time, and a thread that wants its turn back waits for it each time
that it has read or written anything. Work that rests of its own accord, again and again, makes them
wait once and shortly; and while a callback is under way it rests almost at once, as that one would
wait for it again at each of its reads and writes. Callbacks that wait for another system wait for
nothing here.
"""

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

TIME_SLICE_SECONDS: Final = 0.0002  # what a callback waits at most; it takes that long by itself
# of work while callbacks are under way: under full load it goes on at a tenth of its speed
BUSY_TIME_SLICE_SECONDS: Final = 0.00002
SLEEP_SECONDS: Final = (
    0.0002  # time enough for some callbacks; a sleep takes a little longer than it is told
)
# that a callback waits at most for each time that it needs the interpreter; it needs it some three
# times
SWITCH_INTERVAL_SECONDS: Final = 0.0005


class _TimeSlice(threading.local):
    started_at: float | None = None


_time_slice = _TimeSlice()
_in_flight: Collection[object] = ()
_waiting_on_io = 0  # so many of them wait for another system


def watch_in_flight(callbacks: Collection[object]) -> None:
    """Watch what holds the callbacks that this process is answering, as long as it holds any."""
    global _in_flight  # noqa: PLW0603  # one process answers callbacks in one place
    _in_flight = callbacks


@contextmanager
def waiting_on_io() -> Iterator[None]:
    """A callback waits for another system in here, be it for seconds: meanwhile nothing needs to
    give way to it.
    """
    global _waiting_on_io  # noqa: PLW0603  # counts in one thread, that of the callbacks
    _waiting_on_io += 1
    try:
        yield
    finally:
        _waiting_on_io -= 1


@contextmanager
def yielding_to_callbacks() -> Iterator[None]:
    """What this thread does in here rests whenever it comes by `pause_if_due`."""
    _time_slice.started_at = time.perf_counter()
    try:
        yield
    finally:
        _time_slice.started_at = None


def pause_if_due() -> None:
    """Rest if it is time to, in a thread that gives way; costs next to nothing in any other."""
    if _time_slice.started_at is None:
        return
    if time.perf_counter() - _time_slice.started_at > (
        BUSY_TIME_SLICE_SECONDS if len(_in_flight) > _waiting_on_io else TIME_SLICE_SECONDS
    ):
        time.sleep(SLEEP_SECONDS)
        _time_slice.started_at = time.perf_counter()


def iterate_with_pauses(items: Iterable[T]) -> Iterator[T]:
    """The same items, with a pause before each."""
    for item in items:
        pause_if_due()
        yield item


class ShortSwitchInterval:
    """Threads hand on the interpreter sooner as long as any of them is in here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._usual_interval = 0.0

    def __enter__(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._usual_interval = sys.getswitchinterval()
                sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._depth -= 1
            if self._depth == 0:
                sys.setswitchinterval(self._usual_interval)


short_switch_interval = ShortSwitchInterval()


def run_cooperatively(work: Callable[[], T]) -> T:
    """Do something long while callbacks are answered: it rests for them, and where it cannot, they
    need not wait for their turn as long as Python would let them.
    """
    with short_switch_interval, yielding_to_callbacks():
        return work()
