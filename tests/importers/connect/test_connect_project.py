"""Small flows that show each construct, and what they become."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowengine.compile import compile_project
from flowengine.importers.connect.connect_project import import_connect
from flowengine.importers.connect.construct_table import CONSTRUCTS
from flowengine.importers.connect.flow_document import read_connect_flow
from flowengine.importers.flow_parts import ImportResult
from flowengine.importers.import_report import Conversion
from flowengine.importers.project_draft import FlowDraft, ProjectDraft
from flowengine.problems import Severity
from tests.importers.imported_project import (
    check_project,
    check_scenarios,
    format_result,
    split_scenarios,
)

FLOWS = Path(__file__).parent / "flows"
GOLDEN = Path(__file__).parent / "golden"
PROJECTS = {
    "ferry": ("reception.json", "departures.json", "opinion.json"),
    "numbers": ("numbers.json",),
    "waiting": ("waiting.json",),
    "circle": ("circle.json",),
    "slips": ("slips.json",),
}


def import_files(*names: str) -> ImportResult:
    return import_connect({name: (FLOWS / name).read_bytes() for name in names}, "imported")


@pytest.mark.parametrize("name", PROJECTS)
def test_import_of_each_construct_is_as_agreed(
    name: str, golden: Callable[[Path, str], None]
) -> None:
    golden(GOLDEN / f"{name}.txt", format_result(import_files(*PROJECTS[name])))


@pytest.mark.parametrize("name", PROJECTS)
def test_imported_project_has_no_errors_and_its_scenarios_pass(name: str) -> None:
    check_project(import_files(*PROJECTS[name]))


def test_construct_table_has_a_sample_of_each_row() -> None:
    shown = {
        action.type
        for names in PROJECTS.values()
        for name in names
        for action in read_connect_flow((FLOWS / name).read_bytes(), name).actions.values()
    }
    assert CONSTRUCTS.keys() <= shown


def test_report_has_one_entry_for_each_action_with_its_place() -> None:
    result = import_files(*PROJECTS["ferry"])
    actions = [
        (name, action.path, action.identifier)
        for name in PROJECTS["ferry"]
        for action in read_connect_flow((FLOWS / name).read_bytes(), name).actions.values()
    ]
    entries = result.draft.report.entries
    assert sorted((each.file, each.path, each.identifier) for each in entries) == sorted(actions)
    states = {(flow.name, state) for flow in result.draft.flows.values() for state in flow.states}
    assert {(each.flow, each.state) for each in entries} <= states


def test_conversion_of_an_entry_is_that_of_its_worst_remark() -> None:
    entry = import_files("waiting.json").draft.report.entries[0]
    entry.add_remark("gone", Conversion.LOST)
    entry.add_remark("there")
    assert entry.conversion is Conversion.LOST


def test_call_through_an_imported_project_is_led_as_in_the_source() -> None:
    flows, _ = split_scenarios(import_files(*PROJECTS["ferry"]).draft.to_files())
    lookup: dict[str, Any] = {"service": "ferry_times", "post": "/"}
    text = f"""
flow: ferry-reception
scenarios:
  a caller hears when the ferry leaves:
    given:
      time: 2026-03-02 10:00
      lookups: [{lookup | {"answer": {"minutes": 5, "time": {"next": "noon"}}}}]
    when:
      - hears: Good day, this is the river ferry.
      - stays silent
      - asked: main
      - press: 1
      - hears: of your ferry
      - press: 1234
      - hears: It leaves at noon
  a caller without a ferry hears so:
    given: {{time: "2026-03-02 10:00"}}
    when:
      - press: 1
      - stays silent
      - hears: We do not know that ferry.
  a caller comes at night:
    given: {{time: "2026-03-02 23:00"}}
    when:
      - ended
""".replace("'", '"')
    check_scenarios(flows, {"scenarios/calls.yaml": text.encode()}, 3)


def test_flow_that_is_used_and_gone_over_to_says_what_is_lost() -> None:
    def build_flow(*actions: tuple[str, str, dict[str, str], str]) -> bytes:
        found = [
            {
                "Identifier": name,
                "Type": type_,
                "Parameters": parameters,
                "Transitions": {"NextAction": following} if following else {},
            }
            for name, type_, parameters, following in actions
        ]
        flow = {"Version": "2019-10-30", "StartAction": actions[0][0], "Actions": found}
        return json.dumps(flow).encode()

    end: tuple[str, str, dict[str, str], str] = ("end", "DisconnectParticipant", {}, "")
    use = ("use", "InvokeFlowModule", {"FlowModuleId": "news"}, "over")
    over = ("over", "TransferToFlow", {"ContactFlowId": "news"}, "end")
    files = {"main.json": build_flow(use, over, end), "news.json": build_flow(end)}
    result = import_connect(files, "imported")
    (lost,) = [each for each in result.draft.report.entries if each.conversion is Conversion.LOST]
    assert (lost.state, lost.remarks) == (
        "over",
        ["news is a module, which nothing goes over to: the call goes on"],
    )
    flows, _ = split_scenarios(result.draft.to_files())
    problems = compile_project(flows).problems
    assert [each.message for each in problems if each.severity is Severity.ERROR] == []


def test_routes_lead_to_one_flow_of_a_loop_and_to_flows_beside_it() -> None:
    flows = {
        "main": FlowDraft("main", start="a", leads_to=["bills"]),
        "bills": FlowDraft("bills", start="a", leads_to=["main", "stub"]),
        "stub": FlowDraft("stub", start="a"),
        "whisper": FlowDraft("whisper", start="a", leads_to=["whisper"]),
        "module": FlowDraft("module", start="a", head={"outcomes": ["done"]}),
    }
    assert ProjectDraft("acme", flows=flows).list_called_flows() == ["main", "whisper"]
