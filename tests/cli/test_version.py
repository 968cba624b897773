"""`flowengine --version` says by which time zones opening hours go."""

from datetime import date
from pathlib import Path

from click.testing import CliRunner

from flowengine.cli import main
from flowengine.expr import ZONE_DATA, zones


def test_version_shows_the_program_and_its_time_zones() -> None:
    shown = CliRunner().invoke(main, ["--version"])
    assert shown.exit_code == 0
    assert shown.output.startswith("flowengine, version ")
    assert f"time zones {ZONE_DATA.version}, from {ZONE_DATA.folder}" in shown.output


def test_version_with_outdated_time_zones_warns(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(zones, "ZONE_DATA", zones.ZoneData("2001a", tmp_path))
    assert zones.ZONE_DATA.is_outdated(date(2026, 11, 28))
    shown = CliRunner().invoke(main, ["--version"])
    assert shown.exit_code == 0
    assert "more than a year old" in shown.output
