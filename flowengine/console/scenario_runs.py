"""The scenarios of a project as pages show them: which pass a state, and what none has taken yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from flowengine.scenarios.coverage import FlowCoverage, compute_coverage
from flowengine.scenarios.result import ScenarioResult
from flowengine.scenarios.runner import run_scenarios
from flowengine.scenarios.scenario_loader import SCENARIO_FOLDER
from flowengine.scenarios.scenario_project import ScenarioProject

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


class ScenarioRuns:
    """The results of all scenarios, run when first asked for and again when a file has changed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._files: Files | None = None
        self._results: list[ScenarioResult] = []
        self._coverage: dict[str, FlowCoverage] = {}

    def describe(self, files: Files, flow: str, state: str) -> StateScenarios:
        """What scenarios do with a state. It runs them where it must: call it in a thread."""
        with self._lock:
            if self._files != files:
                self._run(files)
                self._files = files
            results, coverage = self._results, self._coverage.get(flow)
        passing = tuple(
            PassingScenario(one.flow, one.name, str(one.span), bool(one.failures))
            for one in results
            if any(entry.flow == flow and entry.state == state for entry in one.trace)
        )
        if coverage is None:
            return StateScenarios(passing, (), is_spare=False)
        missing = tuple(item.exit for item in coverage.missing if item.state == state and item.exit)
        return StateScenarios(passing, missing, state in coverage.spare)

    def _run(self, files: Files) -> None:
        project = ScenarioProject.from_files(*split_files(files))
        cases, _ = project.load_cases()
        self._results = list(run_scenarios(project, cases, 1))
        trace = [entry for result in self._results for entry in result.trace]
        found = compute_coverage(project.compile().programs, trace)
        self._coverage = {one.flow: one for one in found}
