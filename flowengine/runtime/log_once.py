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

    def error(self, subject: str, reason: object) -> None:
        """Say it, in one line, unless it was said just now; then count it, for the next line."""
        now = time.monotonic()
        if now - self._logged_at.get(subject, float("-inf")) <= REPEAT_SECONDS:
            self._suppressed[subject] = self._suppressed.get(subject, 0) + 1
            return
        self._logged_at[subject] = now
        times = self._suppressed.pop(subject, 0) + 1
        self._log.error(
            f"{subject}%s",
            reason,
            f" ({times} times since this was said last)" if times > 1 else "",
        )
