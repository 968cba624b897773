"""Which scenarios the pages run: those that can come by the flow that somebody asks for, and once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flowengine.console import scenario_runs
from flowengine.console.console_project import ConsoleProject
from flowengine.console.scenario_runs import ScenarioRuns
from flowengine.scenarios.runner import run_scenarios
from tests.console.console_line import build_settings

MENU = """\
flow: {flow}
start: menu
states:
  menu:
    menu: {{prompt: Press 1., options: {{1: on}}, otherwise: bye}}
  on: {{{on}}}
  bye:
    hangup:
"""
SHARED = """\
flow: shared
outcomes: [done]
start: told
states:
  told: {say: Told., next: over}
  over: {return: done}
"""
SCENARIOS = """\
flow: {flow}
scenarios:
  somebody presses 1:
    when: [{{press: 1}}]
    then: {{hears: Told}}
"""
PROJECT = """\
project: shop
routes:
- {to: "+14045550101", flow: sales}
- {to: "+14045550102", flow: desk}
- {to: "+14045550103", flow: alone}
"""
USES_SHARED = "subflow: {flow: shared, outcomes: {done: bye}}"
FLOWS = {"sales": USES_SHARED, "desk": "next_flow: sales", "alone": "say: Told., next: bye"}


class AskedProject:
    """A project in a folder, and what pages ask of its scenarios. `ran` has the flows whose scenarios
    have run since it was looked at.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs, self.project = ScenarioRuns(), ConsoleProject(build_settings(folder))
        self.ran: list[str] = []

    async def describe(self, flow: str, state: str) -> tuple[list[str], list[str]]:
        """The scenarios that come by a state, and the flows whose scenarios ran for it."""
        found = await self.runs.describe(await self.project.refresh(), flow, state)
        ran, self.ran[:] = sorted(self.ran), []
        return [one.flow for one in found.scenarios if not one.failure], ran


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AskedProject]:
    (tmp_path / "scenarios").mkdir()
    for flow, on in FLOWS.items():
        (tmp_path / f"{flow}.yaml").write_text(MENU.format(flow=flow, on=on))
        (tmp_path / "scenarios" / f"{flow}.yaml").write_text(SCENARIOS.format(flow=flow))
    (tmp_path / "shared.yaml").write_text(SHARED)
    (tmp_path / "project.yaml").write_text(PROJECT)
    made = AskedProject(tmp_path)

    def run(project, cases, jobs):  # type: ignore[no-untyped-def]
        made.ran.extend(case.flow for case in cases)
        return run_scenarios(project, cases, jobs)

    monkeypatch.setattr(scenario_runs, "run_scenarios", run)
    yield made
    made.project.close()


async def test_scenarios_run_for_the_flows_that_they_can_come_by(asked: AskedProject) -> None:
    assert await asked.describe("alone", "menu") == (["alone"], ["alone"])
    (asked.folder / "scenarios" / "desk.yaml").write_text(
        SCENARIOS.format(flow="desk").replace("[{press: 1}]", "[{press: 1}, {press: 1}]")
    )
    assert await asked.describe("shared", "told") == (["desk", "sales"], ["desk", "sales"])
    assert await asked.describe("sales", "on") == (["desk", "sales"], [])
    assert await asked.describe("desk", "menu") == (["desk"], [])


async def test_change_runs_the_scenarios_that_depend_on_it(asked: AskedProject) -> None:
    for flow in FLOWS:
        await asked.describe(flow, "menu")
    (asked.folder / "shared.yaml").write_text(SHARED.replace("Told.", "Not."))
    assert await asked.describe("alone", "menu") == (["alone"], [])
    assert await asked.describe("shared", "told") == ([], ["desk", "sales"])
    file = asked.folder / "scenarios" / "sales.yaml"
    file.write_text(file.read_text().replace("hears: Told", "hears: Not"))
    assert await asked.describe("shared", "told") == (["sales"], ["sales"])
    project = asked.folder / "project.yaml"
    project.write_text(project.read_text() + "zone: Europe/Stockholm\n")
    assert await asked.describe("alone", "menu") == (["alone"], ["alone"])


async def test_scenario_that_dials_a_number_runs_for_every_flow(asked: AskedProject) -> None:
    (asked.folder / "scenarios" / "alone.yaml").write_text(
        SCENARIOS.format(flow="alone") + "    given: {to: '+14045550101'}\n"
    )
    assert (await asked.describe("shared", "told"))[1] == ["alone", "desk", "sales"]
