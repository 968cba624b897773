"""Time zones by the newest data on this machine, for calendars and for CEL alike.

Python takes the system's zone files before the `tzdata` package, and CEL knows nothing but files.
A system that is years old has old law in them, so the versions are compared.
"""

import os
import re
import zoneinfo
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import tzdata

from flowengine.problems import suggest_name

_VERSION: Final = re.compile(r"# version (\d{4}[a-z]*)")
_UPDATED: Final = re.compile(r"^#updated\s+(\d+)", re.MULTILINE)
_OFFSET_NAME: Final = re.compile(r"(?:GMT|UTC|Z)?\s*[+-]\s*[0-9:.]+", re.IGNORECASE)
_NO_PLACES: Final = frozenset({"Factory"})  # zones of no place, which computers begin with
_DAYS_OF_A_YEAR: Final = 365


class ZoneData(msgspec.Struct, frozen=True):
    """A folder of zone files, and the version of the IANA data that it was made from."""

    version: str
    folder: Path

    def get_release_date(self) -> date:
        """When the data was made, at the latest half a year after this day: its table of leap
        seconds is renewed in January and July.
        """
        try:
            found = _UPDATED.search((self.folder / "leapseconds").read_text("utf-8"))
        except OSError:
            found = None
        if found is None:
            # without the table, by the year of the version
            return date(int(self.version[:4]), 1, 1)
        return datetime.fromtimestamp(int(found[1]), UTC).date()

    def is_outdated(self, today: date) -> bool:
        return (today - self.get_release_date()).days > _DAYS_OF_A_YEAR


def find_newest_zone_data(folders: Iterable[Path]) -> ZoneData:
    """The newest of the folders that say their version, else the `tzdata` package."""
    package = Path(tzdata.__file__).parent / "zoneinfo"
    found = ZoneData(str(tzdata.IANA_VERSION), package)
    for folder in folders:
        version = read_zone_version(folder)
        # versions such as 2026a sort by age
        if version > found.version:
            found = ZoneData(version, folder)
    return found


def read_zone_version(folder: Path) -> str:
    """The version of the data in a folder; "" where the folder does not tell."""
    try:
        with (folder / "tzdata.zi").open(encoding="utf-8") as table:
            said = _VERSION.match(table.readline(100))
    except (OSError, UnicodeDecodeError):
        return ""
    return said[1] if said else ""


def _list_system_folders() -> list[Path]:
    named = os.environ.get("TZDIR")
    return [Path(folder) for folder in ([named] if named else []) + list(zoneinfo.TZPATH)]


ZONE_DATA: Final = find_newest_zone_data(_list_system_folders())


@cache
def list_zone_names() -> frozenset[str]:
    """Every zone of the data, by all of its names. Files such as `localtime`, `posixrules` and
    `right/…` are none: what they mean depends on the machine.
    """
    lines = (ZONE_DATA.folder / "tzdata.zi").read_text("utf-8").splitlines()
    zones = {line.split()[1] for line in lines if line.startswith("Z ")}
    links = {line.split()[2] for line in lines if line.startswith("L ")}
    return frozenset((zones | links) - _NO_PLACES)


def suggest_zone(name: str, *others: str) -> str:
    """The cure for a zone that there is none of, where these other words may stand, too. An offset
    names no place, whose summer time counts; a name of several words would be near to any zone.
    """
    if _OFFSET_NAME.fullmatch(name):
        return "write the name of a place, such as Europe/Stockholm: it has its summer time"
    near = "" if " " in name else suggest_name(name, [*others, *sorted(list_zone_names())])
    return near or " or ".join(["write a name such as Europe/Stockholm", *others])


@cache
def load_zone(name: str) -> ZoneInfo:
    """The zone of this name. Raises ZoneInfoNotFoundError."""
    if name not in list_zone_names():
        raise ZoneInfoNotFoundError(f"there is no time zone {name}")
    # not ZoneInfo(name), which would take the data of the system, maybe older (docs/decisions/0052)
    with (ZONE_DATA.folder / name).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
