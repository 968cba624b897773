"""Small flows that show each widget, and what they become."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flowengine.importers.flow_parts import ImportResult
from flowengine.importers.studio.studio_flow import read_studio_flow
from flowengine.importers.studio.studio_project import import_studio
from flowengine.importers.studio.widget_table import WIDGET_CONSTRUCTS
from tests.importers.imported_project import (
    check_project,
    check_scenarios,
    format_result,
    split_scenarios,
)

FLOWS = Path(__file__).parent / "flows"
GOLDEN = Path(__file__).parent / "golden"
PROJECTS = {
    "bakery": ("bakery.json", "opinion.json"),
    "reminder": ("reminder.json",),
    "slips": ("slips.json",),
}
# widgets of which another version is shown, which is imported in the same way
OTHER_VERSIONS = {"make-outgoing-call-v1", "run-function-v2", "connect-virtual-agent-v2"}


def import_files(*names: str) -> ImportResult:
    return import_studio({name: (FLOWS / name).read_bytes() for name in names}, "imported")


@pytest.mark.parametrize("name", PROJECTS)
def test_import_of_each_widget_is_as_agreed(name: str, golden: Callable[[Path, str], None]) -> None:
    golden(GOLDEN / f"{name}.txt", format_result(import_files(*PROJECTS[name])))


@pytest.mark.parametrize("name", PROJECTS)
def test_imported_project_has_no_errors_and_its_scenarios_pass(name: str) -> None:
    check_project(import_files(*PROJECTS[name]))


def test_widget_table_has_a_sample_of_each_row() -> None:
    shown = {
        widget.type
        for names in PROJECTS.values()
        for name in names
        for widget in read_studio_flow((FLOWS / name).read_bytes(), name).widgets.values()
    }
    assert shown | OTHER_VERSIONS >= WIDGET_CONSTRUCTS.keys()


def test_report_has_one_entry_for_each_widget_with_its_place() -> None:
    result = import_files(*PROJECTS["bakery"])
    widgets = [
        (name, widget.path, widget.name)
        for name in PROJECTS["bakery"]
        for widget in read_studio_flow((FLOWS / name).read_bytes(), name).widgets.values()
    ]
    entries = result.draft.report.entries
    assert sorted((each.file, each.path, each.identifier) for each in entries) == sorted(widgets)
    states = {(flow.name, state) for flow in result.draft.flows.values() for state in flow.states}
    assert {(each.flow, each.state) for each in entries} <= states


def test_call_through_an_imported_project_is_led_as_in_the_source() -> None:
    flows, _ = split_scenarios(import_files(*PROJECTS["bakery"]).draft.to_files())
    order = '{loaves: 2, name: Ann, code: "42", states: [{name: READY }]}'
    text = f"""
flow: bakery
scenarios:
  an order that is ready is told twice:
    given:
      caller: "+14045550199"
      lookups:
        - service: orders_bakery_line
          get: "/v1/orders/4711?full=1&caller=+14045550199"
          answer: {order}
        - {{service: bread_1234_twil, post: /rate, times: any, answer: {{state: warm}}}}
        - {{service: messages, post: /, times: any, answer: {{}}}}
    when:
      - hears: Good day, this is the bakery.
      - press: 1
      - press: "4711#"
      - hears: Your bread is
      - hears: "¿Le gusta el pan"
  a caller asks for somebody by voice:
    given: {{caller: "+14045550199"}}
    parties: {{first: {{is: "+14045550101"}}, second: {{is: "+14045550100"}}}}
    when:
      - press: 1
      - says: Somebody, please
      - first: is rung
"""
    check_scenarios(flows, {"scenarios/calls.yaml": text.encode()}, 2)
