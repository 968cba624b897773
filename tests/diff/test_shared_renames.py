"""A calendar, table, group, service or secret under a new name is that one, wherever flows name it."""

from functools import reduce

import pytest

from flowengine.diff import compare_projects
from tests.diff.test_project_comparison import compiled, lines

PROJECT = """
project: test
services:
  SERVICE: {url: "https://crm.example.com", headers: {Authorization: "Bearer ${secrets.SECRET}"}}
secrets: {SECRET: CRM_TOKEN}
calendars:
  CALENDAR: {zone: Europe/Stockholm, open: {mon-fri: "09:00-17:00"}}
  other: {zone: Europe/Stockholm, open: {mon-fri: "09:00-18:00"}}
groups:
  GROUP: {members: ["+14045550130"], each: 15s}
tables:
  TABLE: {rows: {10: {phone: "+14045550110"}}}
messages: {hours: "We open ${hours.CALENDAR.next_open}."}
"""
LINE = """
flow: line
start: welcome
on: {answered: bye}
vars: {room: {type: digits, max: 2}}
states:
  welcome:
    choose:
      - {when: hours . CALENDAR.open && !hours.other.open, next: look_up}
      - next: closed
  look_up:
    fetch: {service: SERVICE, get: "/${vars.room}", into: {room: body.room}, failed: closed}
    next: desk
  desk: {ring: {group: GROUP, accept: Press 1., nobody: closed}}
  closed:
    say: [We are closed., {message: hours}, "Or ${hours.CALENDAR.next_open}?"]
    place: {flow: line, to: "+14045550140", within: CALENDAR}
    next: pass_on
  pass_on: {connect: {phone: "${tables.TABLE.phone(vars.room)}"}}
  bye: {hangup: }
"""
NAMES = {
    "SERVICE": "crm",
    "SECRET": "crm_key",
    "CALENDAR": "support",
    "GROUP": "desk",
    "TABLE": "rooms",
}


def write_project(edits: dict[str, str] | None = None, **names: str) -> dict[str, str]:
    replaced = [*(NAMES | names).items(), *(edits or {}).items()]
    return {
        file: reduce(lambda text, edit: text.replace(*edit), replaced, written)
        for file, written in {"project.yaml": PROJECT, "line.yaml": LINE}.items()
    }


@pytest.mark.parametrize(
    ("part", "affected"),
    [
        ("SERVICE", "line.look_up"),
        ("SECRET", "line.look_up"),
        ("CALENDAR", "line.welcome, line.closed"),
        ("GROUP", "line.desk"),
        ("TABLE", "line.pass_on"),
    ],
)
def test_shared_part_under_a_new_name_is_renamed_and_changes_nothing_else(
    part: str, affected: str
) -> None:
    difference = compare_projects(
        compiled(write_project()), compiled(write_project(None, **{part: "something"}))
    )
    kind = part.lower()
    assert lines(difference) == [
        "what flows share",
        f"= {kind} something, which was {NAMES[part]}",
        f"affects {affected}",
    ]
    assert difference.project[0].place


def test_several_renamed_parts_are_listed_in_the_order_of_other_changes() -> None:
    renamed = {part: f"new_{name}" for part, name in NAMES.items() if part != "SERVICE"}
    renamed["SECRET"] = NAMES["SECRET"]
    new = write_project(None, **renamed)
    found = lines(compare_projects(compiled(write_project()), compiled(new)))
    renamings = [line.split()[1] for line in found if line.startswith("=")]
    assert renamings == ["table", "calendar", "group"]


def test_renamed_calendar_with_other_hours_is_another_calendar() -> None:
    new = write_project({'"09:00-17:00"': '"09:00-16:00"'}, CALENDAR="practice")
    found = lines(compare_projects(compiled(write_project()), compiled(new)))
    assert "+ calendar practice, zone: Europe/Stockholm" in found
    assert (
        "~ choice to look_up: hours . support.open && !hours.other.open -> "
        "hours . practice.open && !hours.other.open" in found
    )


def test_state_that_names_another_calendar_now_has_changed_beside_the_renaming() -> None:
    new = write_project(
        {"Or ${hours.practice.next_open}?": "Or ${hours.other.next_open}?"}, CALENDAR="practice"
    )
    assert lines(compare_projects(compiled(write_project()), compiled(new))) == [
        "what flows share",
        "= calendar practice, which was support",
        "affects line.welcome, line.closed",
        "line",
        "~ closed (place)",
        (
            "~ say: “We are closed.” “We open ${hours.support.next_open}.” “Or "
            "${hours.support.next_open}?” -> “We are closed.” “We open "
            "${hours.practice.next_open}.” “Or ${hours.other.next_open}?”"
        ),
    ]
