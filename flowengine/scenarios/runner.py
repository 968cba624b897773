"""Runs many scenarios: in this process where there are few, in several where there are many."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from flowengine.scenarios.result import ScenarioResult
from flowengine.scenarios.scenario_loader import Case
from flowengine.scenarios.scenario_project import ScenarioProject
from flowengine.scenarios.scenario_run import run_scenario

SCENARIOS_PER_PROCESS = (
    400  # scenarios run in about the time that a process takes to start and to compile a project
)
CaseFilter = Callable[[Case], bool]


def make_case_filter(text: str) -> CaseFilter:
    """Cases whose flow or name has all these words in it."""
    words = text.casefold().split()
    return lambda case: all(word in case.title.casefold() for word in words)


def run_scenarios(
    project: ScenarioProject, cases: Sequence[Case], jobs: int = 0
) -> Iterator[ScenarioResult]:
    """The results in the order of the cases, each as soon as it is there. `jobs` 0 chooses the
    number of processes.
    """
    processes = jobs or min(os.cpu_count() or 1, len(cases) // SCENARIOS_PER_PROCESS)
    if processes < 2:
        yield from (run_scenario(case, project) for case in cases)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        processes,
        context,
        initializer=initialise_worker,
        initargs=(dict(project.files), dict(project.scenarios)),
    ) as pool:
        names = [(case.document.file, case.name) for case in cases]
        yield from pool.map(
            run_named_scenario, names, chunksize=max(1, len(names) // (processes * 8))
        )


_project: ScenarioProject | None = None


def initialise_worker(files: dict[str, bytes], scenarios: dict[str, bytes]) -> None:
    """A process begins: it compiles the project once."""
    global _project  # noqa: PLW0603  # what a process holds for all that it is asked for
    _project = ScenarioProject.from_files(files, scenarios)


@cache
def load_worker_cases() -> tuple[ScenarioProject, dict[tuple[str, str], Case]]:
    assert _project is not None  # noqa: S101  # the pool has called started
    return _project, {(case.document.file, case.name): case for case in _project.load_cases()[0]}


def run_named_scenario(name: tuple[str, str]) -> ScenarioResult:
    project, cases = load_worker_cases()
    return run_scenario(cases[name], project)
