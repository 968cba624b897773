"""Time zones come from the newest data on the machine, for calendars and for CEL."""

import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest
import tzdata

from flowengine.expr import (
    ZONE_DATA,
    CalendarError,
    ExprError,
    Scope,
    Type,
    list_zone_names,
    load_zone,
    parse_calendar,
)
from flowengine.expr.zones import ZoneData, find_newest_zone_data, read_zone_version
from tests.waiting import PATIENCE_SECONDS

PACKAGE = Path(tzdata.__file__).parent / "zoneinfo"
MOVED = ("America/Vancouver", "America/Edmonton", "America/Winnipeg", "America/Havana",
         "Africa/Casablanca")  # fmt: skip
NOON = datetime(2026, 12, 15, 12, tzinfo=UTC)
HOURS = """
from datetime import UTC, datetime
from flowengine.expr import Scope, load_zone
moment = datetime(2026, 12, 15, 12, tzinfo=UTC)
text = "timestamp('2026-12-15T12:00:00Z').getHours('America/Vancouver')"
print(moment.astimezone(load_zone("America/Vancouver")).hour, Scope({}).compile_expression(text).evaluate({}))
"""


def old_data(folder: Path, version: str) -> Path:
    """A system whose zones are all UTC, of some version."""
    folder.mkdir()
    zones = "".join(f"Z {zone} 0 - X\n" for zone in MOVED)
    (folder / "tzdata.zi").write_text(f"# version {version}\n{zones}")
    for name in MOVED:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes((PACKAGE / "UTC").read_bytes())
    return folder


@pytest.mark.parametrize("zone", MOVED)
def test_getHours_of_every_moved_zone_equals_the_calendar(zone):  # noqa: N802
    text = f"timestamp('2026-12-15T12:00:00Z').getHours('{zone}')"
    assert Scope({}).compile_expression(text).evaluate({}) == NOON.astimezone(load_zone(zone)).hour


def test_newest_data_of_older_system_is_the_package(tmp_path):
    system = old_data(tmp_path / "system", "2025b")
    assert find_newest_zone_data([system, tmp_path / "missing"]).folder == PACKAGE


def test_newest_data_of_newer_system_is_the_system(tmp_path):
    system = old_data(tmp_path / "system", "2099a")
    assert find_newest_zone_data([system]) == ZoneData("2099a", system)
    assert read_zone_version(tmp_path) == ""


@pytest.mark.parametrize(("version", "newest"), [("2025b", "package"), ("2099a", "system")])
def test_process_on_a_machine_with_other_zone_files_goes_by_the_newest(tmp_path, version, newest):
    system = old_data(tmp_path / "system", version)
    ran = subprocess.run(
        [sys.executable, "-c", HOURS],
        env={**os.environ, "PYTHONTZPATH": str(system), "TZDIR": str(system)},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    in_package = NOON.astimezone(load_zone("America/Vancouver")).hour
    expected = in_package if newest == "package" else NOON.hour
    calendar, cel = ran.stdout.split()
    assert int(calendar) == int(cel) == expected


@pytest.mark.parametrize(
    "name", ["localtime", "Factory", "posixrules", "right/Europe/Paris", "posix/Europe/Paris",
             "europe/stockholm", "/etc/localtime", "../UTC", "", "Atlantis/Old"],
)  # fmt: skip
def test_load_zone_of_a_pseudo_zone_raises(name):
    assert name not in list_zone_names()
    with pytest.raises(ZoneInfoNotFoundError):
        load_zone(name)


def test_load_zone_of_every_name_works():
    assert {"UTC", "Europe/Stockholm", "US/Pacific", "Etc/GMT+5"} < list_zone_names()
    for name in list_zone_names():
        assert load_zone(name).key == name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("timestamp('2026-12-15T12:00:00Z').getHours('localtime')", "FE312"),
        ('timestamp(vars.t).getDayOfWeek( "Europe/Stokholm" )', "FE312"),
        ("timestamp(vars.t).getHours('Factory') == 1", "FE312"),
    ],
)  # fmt: skip
def test_expression_with_a_pseudo_zone_is_a_mistake_with_the_nearest_name(text, code):
    with pytest.raises(ExprError) as caught:
        Scope({"vars.t": Type.TEXT}).compile_expression(text)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "UTC", "+05:30", "-08:00"])
def test_expression_with_a_zone_or_an_offset_is_none(zone):
    Scope({"vars.t": Type.TEXT}).compile_expression(f"timestamp(vars.t).getHours('{zone}')")


def test_zone_data_over_a_year_old_is_outdated(tmp_path):
    (tmp_path / "leapseconds").write_text("#updated 1736208000 (2025-01-07 00:00:00 UTC)\n")
    old = ZoneData("2025b", tmp_path)
    assert not old.is_outdated(date(2026, 1, 7))
    assert old.is_outdated(date(2026, 1, 8))
    assert ZoneData("2024a", tmp_path / "none").is_outdated(date(2025, 1, 2))
    assert ZONE_DATA.version >= "2026a"


@pytest.mark.parametrize("name", ["localtime", "posix/Europe/Paris", "Factory"])
def test_calendar_in_a_pseudo_zone_is_a_mistake_with_a_cure(name):
    with pytest.raises(CalendarError) as caught:
        parse_calendar({"zone": name})
    assert [mistake.path for mistake in caught.value.mistakes] == [("zone",)]
    assert caught.value.mistakes[0].hint
