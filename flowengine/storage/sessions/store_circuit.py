"""The circuit breaker of a session store on another machine: callbacks do not wait for a server that
answers nothing.
"""

import time
from collections.abc import Callable

from flowengine.storage.sessions.store_protocol import StoreError

# After a pause one statement goes through as a trial. A server that is back is used within a second.
CIRCUIT_PAUSE_SECONDS = 1.0
# A trial has ended by then, after its patience. Where nobody waits for it any more, the next statement
# is the trial.
_TRIAL_MARGIN_SECONDS = 0.5


class StoreCircuit:
    """One for all connections to a server. The circuit opens when statements have timed out and the
    server has answered nothing at all for twice the `patience` of a statement: a server that lets
    one wait for a lock answers others, and ends that one by its own limit. Any answer closes it.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.answers = 0
        self._patience = patience
        self._clock = clock
        # when the first statement was asked that no answer has followed
        self._silent_since: float | None = None
        self._open_until = float("-inf")

    def check_open(self) -> None:
        """Raise StoreError where a statement would only wait until its time-out; else it may be
        sent.
        """
        if self._silent_since is None:
            return
        now = self._clock()
        if now < self._open_until:
            seconds = now - self._silent_since
            raise StoreError(f"the session store has not answered for {seconds:.0f} seconds")
        if now - self._open_until < CIRCUIT_PAUSE_SECONDS:
            # This statement is the trial, and others fail until it ends. Where nothing was asked for
            # longer, the server may have been back for hours, so all are sent.
            self._open_until = now + self._patience + _TRIAL_MARGIN_SECONDS

    def note_answer(self) -> None:
        """The server has answered, be it with an error."""
        self.answers += 1
        self._silent_since = None
        self._open_until = float("-inf")

    def note_time_out(self, answers: int) -> None:
        """A statement had no answer within the patience. `answers` is the count when it was asked."""
        if answers != self.answers:
            return
        now = self._clock()
        if self._silent_since is None:
            self._silent_since = now - self._patience
        if now - self._silent_since >= 2 * self._patience:
            self._open_until = now + CIRCUIT_PAUSE_SECONDS
