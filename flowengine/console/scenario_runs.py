"""The scenarios of a project as pages show them: which pass a state, and what none has taken yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from flowengine.scenarios.coverage import FlowCoverage, compute_coverage
from flowengine.scenarios.result import ScenarioResult
from flowengine.scenarios.runner import run_scenarios
from flowengine.scenarios.scenario_loader import read_scenario_files
from flowengine.scenarios.scenario_project import ScenarioProject

Files = Mapping[str, bytes]


def read_scenarios(folder: Path | None) -> dict[str, bytes]:
    """The files of scenarios in the folder of the flows; a branch has none that can be read here."""
    return read_scenario_files(folder) if folder else {}


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


class ScenarioRuns:
    """The results of all scenarios, run when first asked for and again when a file has changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._files: tuple[Files, Files] | None = None
        self._results: list[ScenarioResult] = []
        self._coverage: dict[str, FlowCoverage] = {}

    def describe(self, flows: Files, scenarios: Files, flow: str, state: str) -> StateScenarios:
        """What scenarios do with a state. It runs them where it must: call it in a thread."""
        with self._lock:
            if self._files != (flows, scenarios):
                self._run(flows, scenarios)
                self._files = (flows, scenarios)
            results, coverage = self._results, self._coverage.get(flow)
        passing = tuple(
            PassingScenario(one.flow, one.name, str(one.span), bool(one.failures))
            for one in results
            if any(entry.flow == flow and entry.state == state for entry in one.trace)
        )
        if coverage is None:
            return StateScenarios(passing, (), is_spare=False)
        missing = tuple(item.exit for item in coverage.missing if item.state == state)
        return StateScenarios(passing, missing, state in coverage.spare)

    def _run(self, flows: Files, scenarios: Files) -> None:
        project = ScenarioProject.from_files(flows, scenarios)
        cases, _ = project.load_cases()
        self._results = list(run_scenarios(project, cases, 1))
        trace = [entry for result in self._results for entry in result.trace]
        found = compute_coverage(project.compile().programs, trace)
        self._coverage = {one.flow: one for one in found}
