"""What goes wrong again and again."""

import logging

import pytest

from flowengine.runtime import log_once


def test_repeated_error_is_logged_once_a_minute_with_its_count(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = log_once.LogOnce(logging.getLogger("disk")), [1000.0]
    monkeypatch.setattr(log_once.time, "monotonic", lambda: now[0])
    for second in range(130):
        now[0] = 1000.0 + second
        made.error("rows are lost: %s", f"no space at {second}")
        if second % 50 == 0:
            made.error("calls go on: %s", "50% of them")
    assert caplog.messages == [
        "rows are lost: no space at 0",
        "calls go on: 50% of them",
        "rows are lost: no space at 61 (61 times since this was said last)",
        "calls go on: 50% of them (2 times since this was said last)",
        "rows are lost: no space at 122 (61 times since this was said last)",
    ]
    assert not any(record.exc_info for record in caplog.records)


def test_error_that_was_logged_is_said_to_be_over_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    made, now = log_once.LogOnce(logging.getLogger("disk")), [1000.0]
    monkeypatch.setattr(log_once.time, "monotonic", lambda: now[0])
    made.end("rows wait: %s", "rows are written again")  # nothing was wrong
    for second in range(90):
        now[0] = 1000.0 + second
        made.error("rows wait: %s", "no space")
    for _ in range(2):
        made.end("rows wait: %s", "rows are written again")
    made.error("rows wait: %s", "no space")
    assert caplog.messages == [
        "rows wait: no space",
        "rows wait: no space (61 times since this was said last)",
        "rows are written again, after 89 seconds",
        "rows wait: no space",
    ]


def test_errors_of_one_cause_are_said_to_be_over_in_one_line_after_some_quiet(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails and works in turns makes no two lines each time."""
    caplog.set_level(logging.INFO)
    made, now = log_once.LogOnce(logging.getLogger("disk")), [1000.0]
    monkeypatch.setattr(log_once.time, "monotonic", lambda: now[0])
    subjects = ("not read: %s", "not written: %s", "never seen: %s")
    for second in range(20):
        now[0] = 1000.0 + second
        made.error(subjects[second > 0], "no space")
        made.end_all(subjects, "the disk is back")
    assert made.has_begun
    now[0] += log_once.MIN_QUIET_SECONDS
    for _ in range(2):
        made.end_all(subjects, "the disk is back")
    assert not made.has_begun
    assert caplog.messages == [
        "not read: no space",
        "not written: no space",
        "the disk is back, after 24 seconds",
    ]
