"""What the tests of all importers look at in an imported project."""

import json
from collections.abc import Mapping

from flowengine.compile import compile_project
from flowengine.importers.flow_parts import ImportResult
from flowengine.problems import Severity
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario

# what an author has to decide; no shape, no name and no expression of the project is wrong
ALLOWED_ERRORS = ("FE4", "FE230", "FE231")
Files = dict[str, bytes]


def split_scenarios(files: Files) -> tuple[Files, Files]:
    """The flows with what they share, and the scenarios."""
    scenarios = {name: text for name, text in files.items() if name.startswith("scenarios/")}
    return {name: text for name, text in files.items() if name not in scenarios}, scenarios


def format_result(result: ImportResult) -> str:
    """All files and the report, for a golden file."""
    files = result.draft.to_files()
    parts = [f"==> {file} <==\n{content.decode()}\n" for file, content in files.items()]
    return "".join([*parts, result.draft.report.format_text(), "\n"])


def list_errors(files: Files) -> list[str]:
    found = compile_project(files).problems
    return [f"{each.code} {each.message}" for each in found if each.severity is Severity.ERROR]


def check_project(result: ImportResult) -> None:
    """The project has no errors, and each of its scenarios passes."""
    flows, scenarios = split_scenarios(result.draft.to_files())
    assert list_errors(flows) == []
    check_scenarios(flows, scenarios, len(scenarios))


def check_scenarios(flows: Files, scenarios: Mapping[str, bytes], count: int) -> None:
    """So many scenarios are there, and each passes."""
    project = ScenarioProject.from_files(flows, scenarios)
    cases, problems = project.load_cases()
    assert [each.message for each in problems if each.severity is Severity.ERROR] == []
    assert [run_scenario(case, project).failures for case in cases] == [()] * count


def check_odd_import(result: ImportResult, contents: Files) -> None:
    """Files that nobody would write become problems, or a project of the right shape."""
    flows, _ = split_scenarios(result.draft.to_files())
    if result.problems.keys() == contents.keys():
        return
    assert [each for each in list_errors(flows) if not each.startswith(ALLOWED_ERRORS)] == []
    json.dumps(result.draft.report.to_data())
    result.draft.report.format_text()
