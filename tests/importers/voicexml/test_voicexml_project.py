"""Small documents that show each element, and what they become."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flowengine.importers.flow_parts import ImportResult
from flowengine.importers.project_draft import FlowDraft
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


def import_text(text: str) -> FlowDraft:
    document = f'<vxml version="2.1">{text}</vxml>'.encode()
    return import_voicexml({"news.vxml": document}, "imported").draft.flows["news"]


def test_state_that_only_leads_on_is_folded_and_texts_like_its_name_stay() -> None:
    flow = import_text(
        '<form id="first"><block><goto next="#second"/></block></form>'
        '<form id="second"><block>first<goto next="#first"/></block></form>'
    )
    assert {name: state.body for name, state in flow.states.items()} == {
        "second": {"say": "first", "next": "second"},
        "end_of_flow": {"hangup": None},
    }
    assert flow.start == "second"
    assert [each.construct for each in flow.states["second"].others] == [*("block", "form", "form")]


def test_states_that_lead_to_each_other_for_ever_stay() -> None:
    flow = import_text(
        '<form id="first"><block><goto next="#second"/></block></form>'
        '<form id="second"><block><goto next="#first"/></block></form>'
    )
    assert flow.states["second"].body.keys() == {"next"}
    assert flow.start in flow.states


def test_state_that_lost_something_is_not_folded() -> None:
    flow = import_text('<form id="first"><object name="map"/><block>Hello.</block></form>')
    assert flow.states["map"].body == {"next": "block_2"}
    assert flow.start == "map"


def test_options_have_up_to_six_keys() -> None:
    flow = import_text(
        '<menu id="main"><prompt>Which?</prompt>'
        '<choice dtmf="077" next="#main">a</choice><choice dtmf="1234567" next="#main">b</choice>'
        '</menu><form id="code"><field name="code"><prompt>Your code?</prompt>'
        "<dtmf>1234567 | 7654321</dtmf></field></form>"
    )
    assert flow.states["main"].body["menu"]["options"].keys() == {"077"}
    asked = [state.body["collect"] for state in flow.states.values() if "collect" in state.body]
    assert [(each["digits"], each["valid"]) for each in asked] == [
        (7, 'vars.code in ["1234567", "7654321"]')
    ]
