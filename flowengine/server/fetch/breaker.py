"""The circuit breaker of a service: callers do not wait for a system that does not answer."""

import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum

# With fewer than five lookups, a restart of the service would open the circuit; and half of them
# must fail, as a busy service may sometimes be slow.
OPENING_FAILURES = 5
MAX_COUNTED_OUTCOMES = 20
FAILURE_WINDOW_SECONDS = 30.0
# A restart takes some seconds. While a service stays down, one caller a minute waits for it.
FIRST_PAUSE_SECONDS = 5.0
MAX_PAUSE_SECONDS = 60.0


class CircuitState(IntEnum):
    """The numbers are the values of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitBreaker:
    """While the circuit is closed, lookups are sent; while it is open, none is; while it is
    half-open, one is sent and decides. A failure is a lookup without an answer.

    `cause` is the error of the last failure, `pause` the seconds for which the circuit stays open.
    `changed` is called after each change, with the previous state.
    """

    def __init__(
        self,
        changed: Callable[["CircuitBreaker", CircuitState], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = CircuitState.CLOSED
        self.cause = ""
        self.pause = FIRST_PAUSE_SECONDS
        self._on_change = changed
        self._clock = clock
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=MAX_COUNTED_OUTCOMES)
        # grows with each change, so that results of earlier lookups no longer count
        self._period = 0
        self._trial_at = 0.0

    def begin_lookup(self) -> int | None:
        """A number for `end_lookup` if a lookup may be sent, else None."""
        if self.state is CircuitState.OPEN and self._clock() >= self._trial_at:
            self._change_state(CircuitState.HALF_OPEN)
            return self._period
        return self._period if self.state is CircuitState.CLOSED else None

    def end_lookup(self, period: int, error: str | None) -> None:
        """Count how a lookup ended: with an answer (""), without one (why), or for reasons that
        are not the service's (None).
        """
        if period != self._period:
            return
        if self.state is CircuitState.HALF_OPEN:
            self._end_trial(error)
        elif error is not None:
            self._outcomes.append((self._clock(), bool(error)))
            self.cause = error or self.cause
            if error and self._is_failing():
                self._open_circuit(FIRST_PAUSE_SECONDS)

    def _end_trial(self, error: str | None) -> None:
        if error is None:
            self._open_circuit(0.0)
        elif error:
            self.cause = error
            self._open_circuit(min(max(2 * self.pause, FIRST_PAUSE_SECONDS), MAX_PAUSE_SECONDS))
        else:
            self._change_state(CircuitState.CLOSED)

    def _is_failing(self) -> bool:
        since = self._clock() - FAILURE_WINDOW_SECONDS
        recent = [failed for at, failed in self._outcomes if at >= since]
        return sum(recent) >= max(OPENING_FAILURES, len(recent) / 2)

    def _open_circuit(self, pause: float) -> None:
        self._trial_at = self._clock() + pause
        self.pause = pause or self.pause
        self._change_state(CircuitState.OPEN)

    def _change_state(self, state: CircuitState) -> None:
        self._period += 1
        self._outcomes.clear()
        before, self.state = self.state, state
        self._on_change(self, before)
