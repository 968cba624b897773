"""Calendars of a project: the zone they are by, and where their mistakes are shown."""

import pytest

from tests.compile.project_texts import codes, compiled

FLOW = """\
# main.yaml
flow: line
start: s
states:
  s: {say: We open later., hangup: }
"""
PROJECT = """\
# project.yaml
project: acme
calendars:
  day:
    open:
      mon-fri: 09:00-17:00
"""


@pytest.mark.parametrize(
    ("zone", "expected"),
    [("zone: Europe/Oslo\n", []), ("", ["FE504"]), ("zone: Mars\n", ["FE506"])],
    ids=["that of the project", "none at all", "a wrong one is blamed once"],
)
def test_calendar_without_a_zone_takes_the_one_of_the_project(
    zone: str, expected: list[str]
) -> None:
    assert codes(PROJECT + zone + FLOW) == expected


def test_calendar_mistakes_are_all_reported_at_their_keys() -> None:
    wrong = PROJECT.replace("mon-fri: 09:00-17:00", "fry: 09:00-17:00\n      sat: nine")
    found = [
        (one.span.line, one.span.column, one.message)
        for one in compiled(wrong + "zone: UTC\n" + FLOW).problems
    ]
    assert found == [(5, 7, '"fry" is no day of the week'), (6, 12, '"nine" are no hours')]
