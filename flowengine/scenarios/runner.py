"""Runs many scenarios: in this process where there are few, in several where there are many."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache

from flowengine.scenarios.load import Case
from flowengine.scenarios.play import play
from flowengine.scenarios.project import Project
from flowengine.scenarios.result import Result

WORTH_A_PROCESS = (
    400  # scenarios run in about the time that a process takes to start and to compile a project
)
Chosen = Callable[[Case], bool]


def chosen(text: str) -> Chosen:
    """Cases whose flow or name has all these words in it."""
    words = text.casefold().split()
    return lambda case: all(word in case.title.casefold() for word in words)


def run(project: Project, cases: Sequence[Case], jobs: int = 0) -> Iterator[Result]:
    """The results in the order of the cases, each as soon as it is there. `jobs` 0 chooses the
    number of processes.
    """
    processes = jobs or min(os.cpu_count() or 1, len(cases) // WORTH_A_PROCESS)
    if processes < 2:
        yield from (play(case, project) for case in cases)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        processes,
        context,
        initializer=started,
        initargs=(dict(project.files), dict(project.scenarios)),
    ) as pool:
        names = [(case.document.file, case.name) for case in cases]
        yield from pool.map(played, names, chunksize=max(1, len(names) // (processes * 8)))


_project: Project | None = None


def started(files: dict[str, bytes], scenarios: dict[str, bytes]) -> None:
    """A process begins: it compiles the project once."""
    global _project  # noqa: PLW0603  # what a process holds for all that it is asked for
    _project = Project.of(files, scenarios)


@cache
def known() -> tuple[Project, dict[tuple[str, str], Case]]:
    assert _project is not None  # noqa: S101  # the pool has called started
    return _project, {(case.document.file, case.name): case for case in _project.cases()[0]}


def played(name: tuple[str, str]) -> Result:
    project, cases = known()
    return play(cases[name], project)
