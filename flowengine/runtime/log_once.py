"""What goes wrong again and again is said once in a while: a full disk must not be filled by saying
so.
"""

import logging
import time

REPEAT_SECONDS = 60.0


class LogOnce:
    """For one log. Each text is a complaint of its own, however its place for the reason is filled."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._logged_at: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}

    def error(self, what: str, why: object) -> None:
        """Say it, in one line, unless it was said just now; then count it, for the next line."""
        now = time.monotonic()
        if now - self._logged_at.get(what, float("-inf")) <= REPEAT_SECONDS:
            self._suppressed[what] = self._suppressed.get(what, 0) + 1
            return
        self._logged_at[what] = now
        times = self._suppressed.pop(what, 0) + 1
        self._log.error(
            f"{what}%s", why, f" ({times} times since this was said last)" if times > 1 else ""
        )
