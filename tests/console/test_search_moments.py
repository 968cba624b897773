"""Moments in a search for calls: those without a time zone are UTC, wherever the console runs."""

import time

import pytest

from flowengine.console.call_pages import parse_moment


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_moment_without_zone_is_utc(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert parse_moment("2026-11-29T10:00") == parse_moment("2026-11-29T11:00+01:00")
        assert parse_moment("2026-11-29T10:00") == 1795946400
    finally:
        monkeypatch.undo()
        time.tzset()
