"""Scenarios as tests of pytest. Only where asked for: by `--flows FOLDER`, or by `flowengine_flows`
in the configuration.

pytest imports this file in every run, so all else of flowengine is imported when a folder was asked
for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from flowengine.problems import Problem
    from flowengine.scenarios.scenario_loader import Case
    from flowengine.scenarios.scenario_project import ScenarioProject

FLOWS_OPTION, FLOWS_SETTING, SCENARIOS = "--flows", "flowengine_flows", "scenarios"
_projects = pytest.StashKey[dict[Path, "PluginProject"]]()


class PluginProject:
    """A project with its scenarios, read once in a run."""

    def __init__(self, folder: Path, shown: str) -> None:
        from flowengine.scenarios.scenario_project import ScenarioProject  # noqa: PLC0415  # see above
        from flowengine.scenarios.scenario_report import SourceRenderer  # noqa: PLC0415

        self.project: ScenarioProject = ScenarioProject.from_folder(folder)
        self.cases: list[Case]
        self.problems: list[Problem]
        self.cases, self.problems = self.project.load_cases()
        self.renderer = SourceRenderer({**self.project.files, **self.project.scenarios}, shown)


class ScenarioFailedError(Exception):  # of a scenario, not of the program
    """A scenario that failed, as text."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option and the setting."""
    group = parser.getgroup("flowengine")
    group.addoption(
        FLOWS_OPTION,
        action="append",
        default=[],
        metavar="FOLDER",
        help="Run the scenarios of the flows in this folder as tests.",
    )
    parser.addini(
        FLOWS_SETTING,
        "Folders of flows whose scenarios are run as tests.",
        type="paths",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Folders that were asked for are collected, unless the command line names other files."""
    config.stash[_projects] = {}
    named = config.args_source is config.ArgsSource.ARGS
    wanted = list_folders(config, asked=True) + ([] if named else list_folders(config, asked=False))
    for folder in list_folders(config, asked=True):
        if not (folder / SCENARIOS).is_dir():
            raise pytest.UsageError(
                f"{FLOWS_OPTION}: {folder} "
                + (f"has no folder {SCENARIOS}" if folder.is_dir() else "is no folder")
            )
    config.args += [str(folder / SCENARIOS) for folder in wanted if (folder / SCENARIOS).is_dir()]


def list_folders(config: pytest.Config, *, asked: bool) -> list[Path]:
    """The folders of flows, from the command line or from the configuration."""
    given: list[Any] = config.getoption(FLOWS_OPTION) if asked else config.getini(FLOWS_SETTING)
    return [(config.invocation_params.dir / folder).resolve() for folder in given]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A file of scenarios in a folder that was asked for."""
    folder = file_path.parent.parent.resolve()
    wanted = list_folders(parent.config, asked=True) + list_folders(parent.config, asked=False)
    if (
        file_path.parent.name == SCENARIOS
        and file_path.suffix in (".yaml", ".yml")
        and folder in wanted
    ):
        collected: pytest.Collector = ScenarioFile.from_parent(parent, path=file_path)
        return collected
    return None


class ScenarioFile(pytest.File):
    """One file of scenarios."""

    def collect(self) -> Iterator[pytest.Item]:
        """Its scenarios. Mistakes in it, or in the flows, are an error of collection."""
        loaded = self.load_project()
        name = f"{SCENARIOS}/{self.path.name}"
        errors = [problem for problem in loaded.problems if problem.severity == "error"]
        own = [
            problem
            for problem in errors
            if problem.span.file == name or not problem.span.file.startswith(f"{SCENARIOS}/")
        ]
        if own:
            raise self.CollectError(loaded.renderer.render_problems(own))
        for case in loaded.cases:
            if case.document.file == name:
                yield ScenarioItem.from_parent(self, name=case.name, case=case, loaded=loaded)

    def load_project(self) -> PluginProject:
        known, folder = self.config.stash[_projects], self.path.parent.parent
        if folder not in known:
            known[folder] = PluginProject(
                folder, os.path.relpath(folder, self.config.invocation_params.dir)
            )
        return known[folder]


class ScenarioItem(pytest.Item):
    """One scenario."""

    def __init__(self, *, case: Case, loaded: PluginProject, **rest: Any) -> None:
        super().__init__(**rest)
        self.case, self.plugin_project = case, loaded

    def runtest(self) -> None:
        """Play it."""
        from flowengine.scenarios.scenario_report import format_failed_result  # noqa: PLC0415
        from flowengine.scenarios.scenario_run import run_scenario  # noqa: PLC0415  # see above

        result = run_scenario(self.case, self.plugin_project.project)
        if result.failures:
            raise ScenarioFailedError(format_failed_result(result, self.plugin_project.renderer))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The failure in the words of the scenario, without a traceback."""
        return (
            str(excinfo.value)
            if isinstance(excinfo.value, ScenarioFailedError)
            else super().repr_failure(excinfo, style)
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the scenario stands."""
        return self.path, self.case.span.line - 1, self.case.title
