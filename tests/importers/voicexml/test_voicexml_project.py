"""Small documents that show each element, and what they become."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flowengine.importers.flow_parts import ImportResult
from flowengine.importers.voicexml.element_table import ELEMENTS
from flowengine.importers.voicexml.voice_document import read_voice_document
from flowengine.importers.voicexml.voicexml_project import import_voicexml
from tests.importers.imported_project import (
    check_project,
    check_scenarios,
    format_result,
    split_scenarios,
)

DOCUMENTS = Path(__file__).parent / "documents"
GOLDEN = Path(__file__).parent / "golden"
PROJECTS = {"museum": ("museum.vxml", "rooms.vxml"), "account": ("account.vxml", "pin.vxml")}


def import_files(*names: str) -> ImportResult:
    return import_voicexml({name: (DOCUMENTS / name).read_bytes() for name in names}, "imported")


@pytest.mark.parametrize("name", PROJECTS)
def test_import_of_each_element_is_as_agreed(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{name}.txt", format_result(import_files(*PROJECTS[name])))


@pytest.mark.parametrize("name", PROJECTS)
def test_imported_project_has_no_errors_and_its_scenarios_pass(name: str) -> None:
    check_project(import_files(*PROJECTS[name]))


def test_element_table_has_a_sample_of_each_row() -> None:
    shown = {
        element.tag
        for names in PROJECTS.values()
        for name in names
        for element in read_voice_document((DOCUMENTS / name).read_bytes()).walk()
    }
    assert shown >= ELEMENTS.keys()


def test_report_has_one_entry_for_each_element_with_its_line() -> None:
    result = import_files(*PROJECTS["museum"])
    elements = [
        (name, f"line {element.line}", element.tag)
        for name in PROJECTS["museum"]
        for element in read_voice_document((DOCUMENTS / name).read_bytes()).walk()
        if element.tag in ELEMENTS
    ]
    entries = [each for each in result.draft.report.entries if each.construct in ELEMENTS]
    assert sorted((each.file, each.path, each.construct) for each in entries) == sorted(elements)
    states = {(flow.name, state) for flow in result.draft.flows.values() for state in flow.states}
    assert {(each.flow, each.state) for each in entries} <= states


def test_call_through_imported_documents_is_led_as_in_the_source() -> None:
    flows, _ = split_scenarios(import_files(*PROJECTS["museum"]).draft.to_files())
    text = """
flow: museum
given:
  caller: "+14045550199"
  lookups:
    - {service: shop_boat_museum, get: "/prices.xml?hall=steam", times: any, answer: {}}
    - {service: shop_boat_museum, post: /order.jsp, times: any, answer: {}}
scenarios:
  a caller orders tickets, and mends the number of people:
    when:
      - hears: Welcome to the museum of boats. Tickets, press 1. The desk, press 5.
      - press: 1
      - hears: You are here for the 1. time.
      - hears: Which hall?
      - says: steam
      - hears: How many people?
      - press: 30
      - hears: That is too many. How many people?
      - press: 12
      - hears: We note it.
      - hears: 12 people for steam, is that right?
      - press: 1
      - hears: Fine.
      - hears: Your card?
      - press: 1234
      - hears: Your card ends with 1234.
      - hears: It is warm there.
      - ended
  a caller who says nothing comes to the desk:
    when:
      - press: 1
      - says: sailing boats
      - stays silent
      - stays silent
      - hears: Which colour?
  a key leads to the end from everywhere:
    when:
      - press: 9
      - hears only: Au revoir.
      - ended
"""
    check_scenarios(flows, {"scenarios/calls.yaml": text.encode()}, 3)
