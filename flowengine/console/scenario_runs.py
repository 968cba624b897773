"""The scenarios of a project as pages show them: which pass a state, and what none has taken yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flowengine.console.console_project import ViewedProject
from flowengine.console.shared_work import SharedWork
from flowengine.scenarios.coverage import FlowCoverage, compute_coverage
from flowengine.scenarios.result import ScenarioResult
from flowengine.scenarios.runner import run_scenarios
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.sources.project_folder import SCENARIO_FOLDER

Files = Mapping[str, bytes]
SCENARIO_PREFIX = f"{SCENARIO_FOLDER}/"


def split_files(files: Files) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of the flows, and those of scenarios."""
    scenarios = {name: text for name, text in files.items() if name.startswith(SCENARIO_PREFIX)}
    return {name: text for name, text in files.items() if name not in scenarios}, scenarios


@dataclass(frozen=True, slots=True)
class PassingScenario:
    """A scenario whose call comes by a state."""

    flow: str
    name: str
    place: str
    has_failed: bool


@dataclass(frozen=True, slots=True)
class StateScenarios:
    """The scenarios of a state, its exits that none takes, and whether it can be reached at all
    without a mishap.
    """

    scenarios: tuple[PassingScenario, ...]
    missing: tuple[str, ...]
    is_spare: bool


@dataclass(frozen=True, slots=True)
class CompletedRun:
    """All scenarios of a project, and what they take of its flows."""

    results: Sequence[ScenarioResult]
    coverage: Mapping[str, FlowCoverage]


class ScenarioRuns:
    """The results of all scenarios, run when first asked for and again when a file has changed."""

    def __init__(self) -> None:
        self._runs = SharedWork[CompletedRun]()

    async def describe(self, project: ViewedProject, flow: str, state: str) -> StateScenarios:
        """What scenarios do with a state."""
        run = await self._load_run(project)
        coverage = run.coverage.get(flow)
        passing = tuple(
            PassingScenario(one.flow, one.name, str(one.span), bool(one.failures))
            for one in run.results
            if any(entry.flow == flow and entry.state == state for entry in one.trace)
        )
        if coverage is None:
            return StateScenarios(passing, (), is_spare=False)
        missing = tuple(item.exit for item in coverage.missing if item.state == state and item.exit)
        return StateScenarios(passing, missing, state in coverage.spare)

    async def describe_flow(self, project: ViewedProject, flow: str) -> dict[str, Any]:
        """What no scenario takes of a flow: states and exits, and the share that is taken. States
        that only mishaps lead to are not asked for.
        """
        coverage = (await self._load_run(project)).coverage.get(flow)
        if coverage is None:
            return {"percent": 0, "states": [], "exits": [], "spare": []}
        missing = coverage.missing
        return {
            "percent": int(coverage.percent),
            "states": [item.state for item in missing if not item.exit],
            "exits": [[item.state, item.exit] for item in missing if item.exit],
            "spare": list(coverage.spare),
        }

    async def _load_run(self, project: ViewedProject) -> CompletedRun:
        return await self._runs.load(project.number, partial(run_all_scenarios, project.files))


def run_all_scenarios(files: Files) -> CompletedRun:
    """Run them one after another, which takes its time: call it in a thread."""
    project = ScenarioProject.from_files(*split_files(files))
    cases, _ = project.load_cases()
    results = list(run_scenarios(project, cases, 1))
    trace = [entry for result in results for entry in result.trace]
    found = compute_coverage(project.compile().programs, trace)
    return CompletedRun(results, {one.flow: one for one in found})
