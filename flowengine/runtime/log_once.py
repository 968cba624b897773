"""Limits repeated errors in the log to one line a minute, so that the log does not fill a disk."""

import logging
import time
from collections.abc import Iterable

REPEAT_SECONDS = 60.0
# What fails and works in turns is not over: each turn would be two lines.
MIN_QUIET_SECONDS = 5.0


class LogOnce:
    """Logs an error when it starts, and then at most once a minute with a count. Errors with the
    same text before the reason is filled in are one error.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._logged_at: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}
        self._began_at: dict[str, float] = {}
        self._latest_at: dict[str, float] = {}
        self.has_begun = False
        """Whether an error was logged that is not over"""

    def error(self, subject: str, reason: object) -> None:
        """Log the error in one line, or only count it where it was logged within the last minute."""
        now = self._latest_at[subject] = time.monotonic()
        if now - self._logged_at.get(subject, float("-inf")) <= REPEAT_SECONDS:
            self._suppressed[subject] = self._suppressed.get(subject, 0) + 1
            return
        self._logged_at[subject] = now
        self._began_at.setdefault(subject, now)
        self.has_begun = True
        times = self._suppressed.pop(subject, 0) + 1
        self._log.error(
            f"{subject}%s",
            reason,
            f" ({times} times since this was said last)" if times > 1 else "",
        )

    def end(self, subject: str, message: str) -> None:
        """Log that an error which was logged is over, and after how many seconds."""
        self.end_all((subject,), message, 0.0)

    def end_all(
        self, subjects: Iterable[str], message: str, quiet_seconds: float = MIN_QUIET_SECONDS
    ) -> None:
        """Log in one line that those of these errors which were logged are over; not before none of
        them has come for so many seconds.
        """
        if not self.has_begun:
            return
        known = [subject for subject in subjects if subject in self._began_at]
        now = time.monotonic()
        if not known or any(now - self._latest_at[one] < quiet_seconds for one in known):
            return
        began = min(self._began_at.pop(subject) for subject in known)
        for subject in known:
            self._logged_at.pop(subject, None)
            self._suppressed.pop(subject, None)
        self.has_begun = bool(self._began_at)
        self._log.info("%s, after %d seconds", message, now - began)
