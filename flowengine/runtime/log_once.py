"""Limits repeated errors in the log to one line a minute, so that the log does not fill a disk."""

import logging
import time

REPEAT_SECONDS = 60.0


class LogOnce:
    """Logs an error when it starts, and then at most once a minute with a count. Errors with the
    same text before the reason is filled in are one error.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._logged_at: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}
        self._began_at: dict[str, float] = {}

    def error(self, subject: str, reason: object) -> None:
        """Log the error in one line, or only count it where it was logged within the last minute."""
        now = time.monotonic()
        if now - self._logged_at.get(subject, float("-inf")) <= REPEAT_SECONDS:
            self._suppressed[subject] = self._suppressed.get(subject, 0) + 1
            return
        self._logged_at[subject] = now
        self._began_at.setdefault(subject, now)
        times = self._suppressed.pop(subject, 0) + 1
        self._log.error(
            f"{subject}%s",
            reason,
            f" ({times} times since this was said last)" if times > 1 else "",
        )

    def end(self, subject: str, message: str) -> None:
        """Log that an error which was logged is over, and after how many seconds."""
        began = self._began_at.pop(subject, None)
        if began is not None:
            self._logged_at.pop(subject, None)
            self._suppressed.pop(subject, None)
            self._log.info("%s, after %d seconds", message, time.monotonic() - began)
